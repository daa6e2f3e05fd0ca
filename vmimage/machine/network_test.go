package machine_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cyborg-bots/cyborg/vmimage/machine"
)

// TestNetwork: a network is there until it is closed, is left alone by sweeps as long as its bot lives, and is no machine.
func TestNetwork(t *testing.T) {
	p, f, s := world(t)
	dir := strings.TrimSuffix(s.Image.Disk, "disk.qcow2") + "m"
	n, err := p.Network(time.Nanosecond) // its time is over at once, which says nothing while its bot lives
	if err != nil {
		t.Fatal(err)
	}
	s.Private = n.Switch
	start(t, p, s)
	d := f.Started()[0]
	if d.MAC == "" || !strings.HasPrefix(d.Private, dir) {
		t.Errorf("the machine's interface %q leads to %q", d.MAC, d.Private)
	}
	conn, err := net.Dial("unix", d.Private)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if swept, err := pool(t, dir, f).Sweep(t.Context()); err != nil || len(swept) > 0 {
		t.Errorf("swept %q, %v", swept, err)
	}
	if list, err := p.List(); err != nil || len(list) > 0 {
		t.Errorf("listed %v, %v", list, err)
	}
	if err := n.Close(); err != nil {
		t.Error(err)
	}
	if files, _ := filepath.Glob(filepath.Join(filepath.Dir(d.Private), "*")); len(files) > 0 {
		t.Errorf("left: %q", files)
	}
}

// TestNetworkOfTheDead: what a killed bot leaves of a network is swept.
func TestNetworkOfTheDead(t *testing.T) {
	p, f, s := world(t)
	dir := strings.TrimSuffix(s.Image.Disk, "disk.qcow2") + "m"
	name := filepath.Join(dir, "cyborg-9999999999-abcdefgh")
	l, err := func() (net.Listener, error) {
		if err := errors.Join(os.MkdirAll(name, 0o700), os.WriteFile(name+".lock", nil, 0o600)); err != nil {
			return nil, err
		}
		return net.Listen("unix", filepath.Join(name, "net"))
	}()
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close()
	if swept, err := p.Sweep(t.Context()); err != nil || len(swept) != 1 {
		t.Errorf("swept %q, %v", swept, err)
	}
	nothingLeft(t, p, f, dir)
}

// TestJoinOfNothing: a guest that lacks the interface is not told apart from one that lost it, but by name.
func TestJoinOfNothing(t *testing.T) {
	p, _, s := world(t)
	n, err := p.Network(0)
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	s.Private = n.Switch
	nodes := []machine.Node{{Machine: start(t, p, s), Name: "job", Address: "10.111.112.1"}, {Machine: start(t, p, s), Name: "server", Address: "10.111.112.2"}}
	err = machine.Join(t.Context(), nodes)
	for _, want := range []string{"put machine job into its network", "put machine server into its network", "it has no interface with the address 52:54:"} {
		if !errors.Is(err, machine.ErrGuest) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %q", err, want)
		}
	}
}

// TestDied tells of the first end of a machine, and of none when nobody waits any more.
func TestDied(t *testing.T) {
	p, f, s := world(t)
	m := start(t, p, s)
	go f.Crash(m.Name(), machine.Shutdown)
	if crash, ok := errors.AsType[*machine.CrashError](m.Died(t.Context())); !ok || crash.Cause != "it switched itself off" {
		t.Errorf("got %v", crash)
	}
	m = start(t, p, s)
	go f.PanicNow(m.Name(), "out of ideas")
	if crash, ok := errors.AsType[*machine.CrashError](m.Died(t.Context())); !ok || crash.Cause != "kernel panic: out of ideas" {
		t.Errorf("got %v", crash)
	}
}
