// Package selftest is how a bot examines itself. A probe asks one question of
// the machine, or of what the bot was given; its finding says what is there and,
// if that is not enough, why and what to do about it. What all probes found
// decides which jobs the bot takes, and is what "cyborg selftest" shows.
//
// A probe tries what it reports on: KVM is there when a guest has run, the log
// store when something was written, read back and deleted, a container runner
// when it answers. What cannot be tried without harm (writing to a repository)
// is asked of who decides it.
//
// A probe never holds up the bot: each has its time, after which it counts as
// failed whether it listens to its context or not.
//
// The words for capabilities are those of task headers: kvm, container,
// memory=24G, disk=80G, arch=amd64.
package selftest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
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
	Text         string   // what was found, one line without a full stop
	Hint         string   // what to do about it; may also come with a good finding
	Capabilities []string // what the bot can do because of it; counted only if OK
}

// A Result is a finding in a report.
type Result struct {
	Name    string `json:"name"`
	OK      bool   `json:"ok"`
	Finding string `json:"finding"`
	Hint    string `json:"hint"`
	MS      int64  `json:"ms"`
	Needed  bool   `json:"-"` // programs read the exit status

	Capabilities []string `json:"-"` // what follows from it
}

// A Report is what all probes found, in the order of the probes.
type Report struct {
	Probes       []Result `json:"probes"`
	Capabilities []string `json:"capabilities"` // sorted, each once
}

// CanRun reports whether everything is there without which a bot cannot run.
func (r Report) CanRun() bool {
	return !slices.ContainsFunc(r.Probes, func(p Result) bool { return p.Needed && !p.OK })
}

// Examine asks all probes at once and returns when each has answered or its
// time is over. If ctx ends, the report says so for those without an answer.
func Examine(ctx context.Context, probes []Probe) Report {
	r := Report{Probes: make([]Result, len(probes))}
	var wg sync.WaitGroup
	for i, p := range probes {
		wg.Go(func() { r.Probes[i] = ask(ctx, p) })
	}
	wg.Wait()
	r.conclude()
	return r
}

// Again asks the cheap ones of the same probes once more, before a claim: a
// disk fills, a daemon dies, a network goes. What the others found still counts.
func (r Report) Again(ctx context.Context, probes []Probe) Report {
	r.Probes = slices.Clone(r.Probes)
	var wg sync.WaitGroup
	for i, p := range probes {
		if p.Cheap {
			wg.Go(func() { r.Probes[i] = ask(ctx, p) })
		}
	}
	wg.Wait()
	r.conclude()
	return r
}

// conclude says what follows from all results.
func (r *Report) conclude() {
	all := []string{}
	for _, p := range r.Probes {
		all = append(all, p.Capabilities...)
	}
	slices.Sort(all)
	r.Capabilities = slices.Compact(all)
}

// ask asks one probe. It is left alone if it does not listen to its context; a
// system call that hangs cannot be ended.
func ask(ctx context.Context, p Probe) Result {
	limit := p.Timeout
	if limit == 0 {
		limit = DefaultTimeout
	}
	late := fmt.Errorf("no answer after %v", limit)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, late)
	defer cancel()
	begin := time.Now()
	answer := make(chan Finding, 1)
	go func() { answer <- check(ctx, p) }()
	var f Finding
	select {
	case f = <-answer:
	case <-ctx.Done():
		select {
		case f = <-answer: // it knows more than that its time is over
		case <-time.After(limit / 10):
			f = Finding{Text: context.Cause(ctx).Error()}
		}
	}
	r := Result{Name: p.Name, OK: f.OK, Finding: line(f.Text), Hint: line(f.Hint), MS: time.Since(begin).Milliseconds(), Needed: p.Needed}
	if !f.OK {
		if r.Hint == "" {
			r.Hint = p.Hint
		}
		return r
	}
	r.Capabilities = f.Capabilities
	return r
}

// check calls a probe; one that crashes is a bad finding, not the end of the bot.
func check(ctx context.Context, p Probe) (f Finding) {
	defer func() {
		if cause := recover(); cause != nil {
			f = Finding{Text: fmt.Sprintf("the probe crashed: %v", cause), Hint: "this is a mistake in cyborg; please report it"}
		}
	}()
	f, err := p.Check(ctx)
	switch {
	case err == nil:
		return f
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		return Finding{Text: context.Cause(ctx).Error()}
	default:
		return Finding{Text: err.Error()}
	}
}

// line makes one printable line of a text; some of it comes from elsewhere.
func line(text string) string {
	const most = 500
	text = strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return ' '
		}
		return r
	}, text)), " ")
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}
