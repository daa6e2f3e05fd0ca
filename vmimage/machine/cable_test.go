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

// TestCableOfNobody: a machine that does not come up has used no cable, one that outlives this program cannot have one, and both leave nothing.
func TestCableOfNobody(t *testing.T) {
	p, f, s := world(t)
	f.Taken = 1 << 10 // it never starts
	s.Cable = &machine.Cable{Plug: func(net.Conn) { t.Error("the cable was plugged in") }}
	if _, err := p.Start(t.Context(), s); err == nil {
		t.Error("it started")
	}
	s.Keep = true
	if _, err := p.Start(t.Context(), s); err == nil || !strings.Contains(err.Error(), "its cable would end with this program") {
		t.Errorf("got %v", err)
	}
	nothingLeft(t, p, f, strings.TrimSuffix(s.Image.Disk, "disk.qcow2")+"m")
}
