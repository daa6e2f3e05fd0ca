// Package selftest is how a bot examines itself: probes look at the machine
// and at what the bot was given, and what they find decides which jobs it takes.
package selftest

import (
	"context"
	"time"
)

// A Probe is one question about this bot.
type Probe struct {
	Name    string                                     // one word, as in the table
	Doc     string                                     // what it asks, one line
	Hint    string                                     // what to do when the answer is no and the finding has no hint of its own
	Needed  bool                                       // without it the bot cannot run at all
	Cheap   bool                                       // may be asked again before every claim
	Timeout time.Duration                              // 0 is DefaultTimeout
	Check   func(ctx context.Context) (Finding, error) // an error means: could not find out
}

// DefaultTimeout is how long a probe may take.
const DefaultTimeout = 10 * time.Second

// A Finding is the answer to a probe.
type Finding struct {
	OK           bool
	Text         string   // what was found, one line
	Hint         string   // what to do about it
	Capabilities []string // what the bot can do because of it: "kvm", "memory=24G"
}

// A Result is a finding in a report.
type Result struct {
	Name    string `json:"name"`
	OK      bool   `json:"ok"`
	Finding string `json:"finding"`
	Hint    string `json:"hint"`
	MS      int64  `json:"ms"`
	Needed  bool   `json:"needed,omitempty"`
}

// A Report is what all probes found.
type Report struct {
	Probes       []Result     `json:"probes"`
	Capabilities Capabilities `json:"capabilities"`
}

// Capabilities is what a bot can do: "kvm", "memory=24G", "arch=amd64".
type Capabilities []string
