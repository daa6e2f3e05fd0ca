package machine_test

import (
	"io"
	"net"
	"strings"
	"testing"

	"github.com/cyborg-bots/cyborg/vmimage/machine"
)

// TestCable: the program gets its end of the cable once, and it ends with the machine.
func TestCable(t *testing.T) {
	p, f, s := world(t)
	ends := make(chan net.Conn, 2)
	s.Cable = &machine.Cable{MAC: "52:54:00:00:00:02", Plug: func(c net.Conn) { ends <- c }}
	m := start(t, p, s)
	end := <-ends
	defer end.Close()
	if d := f.Started()[0]; d.CableMAC != s.Cable.MAC {
		t.Errorf("the domain's interface is %q", d.CableMAC)
	}
	if c, err := net.Dial("unix", f.Started()[0].Cable); err == nil {
		c.Close()
		t.Error("somebody else may connect to the cable")
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	if n, err := io.Copy(io.Discard, end); n != 0 || err != nil {
		t.Errorf("got %d bytes, %v", n, err)
	}
	nothingLeft(t, p, f, dirOf(f))
}

// TestCableAgain: a machine whose port another program was quicker to take has connected its cable by then, and has one when it
// begins anew.
func TestCableAgain(t *testing.T) {
	p, f, s := world(t)
	f.Taken = 2
	ends := make(chan net.Conn, 3)
	s.Cable = &machine.Cable{MAC: "52:54:00:00:00:02", Plug: func(c net.Conn) { ends <- c }}
	m := start(t, p, s)
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	if close(ends); len(ends) == 0 {
		t.Error("the cable was never plugged in")
	}
	for end := range ends {
		if n, err := io.Copy(io.Discard, end); n != 0 || err != nil {
			t.Errorf("got %d bytes, %v", n, err)
		}
		end.Close()
	}
	nothingLeft(t, p, f, dirOf(f))
}

// TestCableOfNobody: the ends of a machine that does not come up are broken, one that outlives this program cannot have a cable, and
// both leave nothing.
func TestCableOfNobody(t *testing.T) {
	p, f, s := world(t)
	f.Taken = 1 << 10 // it never starts
	s.Cable = &machine.Cable{Plug: func(c net.Conn) {
		if n, err := io.Copy(io.Discard, c); n != 0 || err != nil {
			t.Errorf("got %d bytes, %v", n, err)
		}
		c.Close()
	}}
	if _, err := p.Start(t.Context(), s); err == nil {
		t.Error("it started")
	}
	s.Keep = true
	if _, err := p.Start(t.Context(), s); err == nil || !strings.Contains(err.Error(), "its cable would end with this program") {
		t.Errorf("got %v", err)
	}
	nothingLeft(t, p, f, strings.TrimSuffix(s.Image.Disk, "disk.qcow2")+"m")
}
