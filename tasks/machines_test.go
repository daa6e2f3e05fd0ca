package tasks

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cyborg-bots/cyborg/container"
)

// machinesHeader is a task of three machines.
const machinesHeader = `#!/bin/sh
# verify: see that a client reaches a server
# on: pull request
# image: debian-13 centos-10
# in: vm
# machines: server=fedora-42 client
exec test/run
`

func TestMachines(t *testing.T) {
	h, err := ParseHeader("bots/verify", []byte(machinesHeader))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]Machine{{"server", "fedora-42"}, {"client", ""}}, h.Machines); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	task := &Task{Name: "verify", Header: h}
	var got []string
	for _, c := range task.Contexts() {
		got = append(got, c.Name+": "+strings.Join(c.Images(), " "))
	}
	if d := cmp.Diff([]string{"verify/debian-13: debian-13 fedora-42", "verify/centos-10: centos-10 fedora-42"}, got); d != "" {
		t.Errorf("images (-want +got):\n%s", d)
	}
}

// TestMachinesRequire: a bot must have room for all of them at once.
func TestMachinesRequire(t *testing.T) {
	for needs, want := range map[string]string{
		"": "memory=3G vm", "memory=2G": "memory=6G vm", "kvm disk=10G": "kvm disk=30G memory=3G vm", "memory=512M disk=1G": "memory=1536M disk=3G vm",
	} {
		list, err := ParseCapabilities(strings.Fields(needs))
		if err != nil {
			t.Fatal(err)
		}
		h := Header{In: Place{Kind: InVM}, Needs: list, Images: []string{"a"}, Machines: []Machine{{Name: "server"}, {Name: "client"}}}
		if got := h.Requires().String(); got != want {
			t.Errorf("%q requires %q, want %q", needs, got, want)
		}
		if h.Needs.String() != needs {
			t.Errorf("the header's own needs became %q", h.Needs)
		}
	}
}

// checkGoodMachines wants what a guest's /etc/hosts and a bot's shell rely on.
func checkGoodMachines(t *testing.T, h Header) {
	t.Helper()
	names := h.MachineNames()
	if len(names) > MaxMachines || len(slices.Compact(slices.Sorted(slices.Values(names)))) != len(names) {
		t.Errorf("machines %q", names)
	}
	for _, m := range h.Machines {
		if strings.Trim(m.Name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || m.Name == container.OwnMachine || m.Name == "localhost" || m.Name == "" {
			t.Errorf("machine %q", m.Name)
		}
	}
	if len(names) > 0 && (h.In.Kind != InVM || len(h.Images) == 0) {
		t.Errorf("machines %q beside none", names)
	}
}
