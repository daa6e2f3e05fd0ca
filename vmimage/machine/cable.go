package machine

import (
	"errors"
	"net"
	"sync"
)

// A Cable is an interface of a machine whose other end is this program, which decides what becomes of what the guest
// sends: nothing else is at that end.
//
// Plug gets this program's end when the machine begins, and closes it; it does not block. It is called again when the machine
// begins once more, as another program was quicker to take its port, or as it was saved and goes on from that: by then the end
// before has broken.
type Cable struct {
	MAC  string // of the machine's end
	Plug func(net.Conn)
}

// A Cable carries frames as QEMU sends them: their length as 4 bytes, the highest first, and so many bytes. Nothing that a
// guest does makes them longer than MaxFrame; who reads them should not rely on that.
const MaxFrame = maxFrame

// A socket waits for the hypervisor to connect a cable.
type socket struct {
	listener net.Listener
	group    sync.WaitGroup
}

// listenCable makes the socket of a cable, if there is one.
func listenCable(path string, c *Cable) (*socket, error) {
	if c == nil {
		return nil, nil
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	s := &socket{listener: l}
	s.group.Go(func() {
		conn, err := l.Accept()
		l.Close() // one machine, one connection
		if err == nil {
			c.Plug(conn)
		}
	})
	return s, nil
}

// close stops waiting; that of no cable is nothing. A connection that was handed out goes on, until the hypervisor ends it.
func (s *socket) close() error {
	if s == nil {
		return nil
	}
	err := s.listener.Close()
	s.group.Wait()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
