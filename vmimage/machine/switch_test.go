package machine_test

import (
	"encoding/binary"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cyborg-bots/cyborg/vmimage/machine"
)

// everybody is the address of all.
const everybody = 0xff

// A guest is one end of a cable, with an address of six equal bytes.
type guest struct {
	net.Conn
	t       *testing.T
	address byte
	got     chan string // the frames that come, closed when the cable is pulled
}

// guestOf connects one.
func guestOf(t *testing.T, path string, address byte) *guest {
	t.Helper()
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	g := &guest{Conn: conn, t: t, address: address, got: make(chan string, 1<<12)}
	go func() {
		defer close(g.got)
		for {
			var size [4]byte
			if _, err := io.ReadFull(conn, size[:]); err != nil {
				return
			}
			frame := make([]byte, binary.BigEndian.Uint32(size[:]))
			if _, err := io.ReadFull(conn, frame); err != nil {
				return
			}
			g.got <- string(frame[14:])
		}
	}()
	return g
}

// send sends a text to an address.
func (g *guest) send(to byte, text string) {
	g.t.Helper()
	frame := make([]byte, 4, 18+len(text))
	for _, a := range []byte{to, g.address} {
		frame = append(frame, a, a, a, a, a, a)
	}
	frame = append(append(frame, 8, 0), text...)
	binary.BigEndian.PutUint32(frame, uint32(len(frame)-4))
	if _, err := g.Write(frame); err != nil {
		g.t.Error(err)
	}
}

// wants demands that the next frame has this text.
func (g *guest) wants(text string) {
	g.t.Helper()
	if got, ok := <-g.got; got != text || !ok {
		g.t.Errorf("%d got %q, want %q", g.address, got, text)
	}
}

// joined waits until the switch knows a guest, which it does a moment after that has connected.
func joined(t *testing.T, g, other *guest) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		other.send(everybody, "who is there")
		select {
		case <-g.got:
			other.send(everybody, "all")
			for text := range g.got {
				if text == "all" {
					return
				}
			}
		case <-tick.C:
		}
	}
}

func TestSwitch(t *testing.T) {
	dir, err := os.MkdirTemp("", "n")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "net")
	s, err := machine.NewSwitch(path)
	if err != nil {
		t.Fatal(err)
	}
	other, err := machine.NewSwitch(filepath.Join(dir, "other"))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	a, b := guestOf(t, path, 2), guestOf(t, path, 4)
	joined(t, a, b)
	c := guestOf(t, path, 6)
	joined(t, c, b)
	b.send(everybody, "again")
	for text := range a.got {
		if text == "again" {
			break
		}
	}
	c.wants("again")
	stranger := guestOf(t, filepath.Join(dir, "other"), 8)

	a.send(4, "to b")
	a.send(everybody, "to all")
	b.wants("to b")
	b.wants("to all")
	a.send(6, "to c, who has not said a word") // it is where it may be: everywhere
	b.wants("to c, who has not said a word")
	c.send(2, "to a")
	a.wants("to a")
	a.send(6, "to c alone")
	a.send(4, "to b alone")
	for _, text := range []string{"to all", "to c, who has not said a word", "to c alone"} {
		c.wants(text)
	}
	b.wants("to b alone")

	if _, err := a.Write([]byte{0, 0, 0, 13, 1}); err != nil { // shorter than a frame can be
		t.Error(err)
	}
	for range a.got { // until its cable is pulled
	}
	b.send(6, "we go on")
	c.wants("we go on")
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for gone := false; !gone; { // nobody knows any more where it was, a moment later
		b.send(2, "to who is gone")
		select {
		case text := <-c.got:
			gone = text == "to who is gone"
		case <-tick.C:
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	for range b.got {
	}
	select {
	case text := <-stranger.got:
		t.Errorf("a stranger got %q", text)
	default:
	}
}
