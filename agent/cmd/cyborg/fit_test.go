package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cyborg-bots/cyborg/selftest"
)

// TestFit: what a bot lost since it started it does not have before its next claim, and has again when it is back.
func TestFit(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state")
	lab, err := net.Listen("tcp", "127.9.8.7:0")
	check(t, err)
	address := lab.Addr().String()
	b := &bot{probes: []selftest.Probe{selftest.System(), selftest.Disk(state), selftest.Network("lab", address)}}
	b.found = selftest.Examine(t.Context(), b.probes)
	has := func() string {
		t.Helper()
		list, err := b.fit(t.Context())
		check(t, err)
		return list.String()
	}
	whole := has()
	if !strings.HasPrefix(whole, "arch=") || !strings.Contains(whole, " disk=") || !strings.HasSuffix(whole, " network=lab") {
		t.Errorf("at the start: %s", whole)
	}
	check(t, lab.Close())
	if less := has(); less+" network=lab" != whole {
		t.Errorf("outside of the network: %s", less)
	}
	lab, err = net.Listen("tcp", address)
	check(t, err)
	defer lab.Close()
	if again := has(); again != whole {
		t.Errorf("in it again: %s", again)
	}
	check(t, os.RemoveAll(state))
	check(t, os.WriteFile(state, nil, 0o600)) // a place where nothing can be written
	if list, err := b.fit(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "disk: cannot make the state directory: ") {
		t.Errorf("without a state directory: %s, %v", list, err)
	}
}
