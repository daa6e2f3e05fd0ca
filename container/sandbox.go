package container

import (
	"context"
	"strings"
)

// A Sandbox is a Runner that holds its jobs back: from the machine, its files, processes, networks and users, from other
// jobs, and from using more than their Limits.
type Sandbox interface {
	Runner

	// Try finds out by small jobs whether the sandbox works on this machine, and what it holds jobs to. An error says
	// why it does not work.
	Try(ctx context.Context) (Holds, error)
}

// Holds is what a sandbox was found to hold its jobs to.
type Holds struct {
	Name    string // what it is made with: "bubblewrap 0.8.0"
	Images  bool   // it takes Spec.Image, and wants one
	Network bool   // jobs can reach the Internet, or some hosts; else they run with NoNetwork only

	// What is not held for the whole job by the kernel, in words for people; empty if everything is.
	Weak []string
}

// String is one line for people.
func (h Holds) String() string {
	text := h.Name
	if !h.Network {
		text += ", without network"
	}
	if len(h.Weak) > 0 {
		text += "; " + strings.Join(h.Weak, "; ")
	}
	return text
}
