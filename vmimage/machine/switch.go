package machine

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"
)

// maxFrame is the longest frame that a guest may send; QEMU allows no more.
const maxFrame = 68 << 10

// writeTime is how long a machine may not take what is sent to it before its cable is pulled: the others go on.
const writeTime = 30 * time.Second

// randomWord is a word that nobody guesses.
func randomWord() string { return rand.Text()[:12] }

// A Switch is a private network for the machines of one job: what one sends reaches the others, and nothing else on
// this host or anywhere. It learns which address is where, as a switch does. It lives as long as the program.
type Switch struct {
	path     string
	listener net.Listener
	group    sync.WaitGroup

	mu    sync.Mutex
	ports map[*port]bool
	where map[[6]byte]*port
	base  [4]byte // of the addresses of its machines
	given byte
}

// A port is one machine's end of the cable.
type port struct {
	conn net.Conn
	mu   sync.Mutex // of writing
}

// NewSwitch makes a network with a socket at path, which must be short (107 characters).
func NewSwitch(path string) (*Switch, error) {
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("make network: %w", err)
	}
	s := &Switch{path: path, listener: l, ports: map[*port]bool{}, where: map[[6]byte]*port{}, base: [4]byte{0x52, 0x54}}
	_, _ = rand.Read(s.base[2:]) // it never fails
	s.group.Go(s.accept)
	return s, nil
}

// nextMAC is the address of the next machine.
func (s *Switch) nextMAC() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.given++
	raw := hex.EncodeToString(append(s.base[:], 0, s.given))
	return strings.Join([]string{raw[0:2], raw[2:4], raw[4:6], raw[6:8], raw[8:10], raw[10:12]}, ":")
}

func (s *Switch) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		p := &port{conn: conn}
		s.mu.Lock()
		s.ports[p] = true
		s.mu.Unlock()
		s.group.Go(func() { s.serve(p) })
	}
}

// serve passes on what one machine sends, until it is gone.
func (s *Switch) serve(p *port) {
	defer func() {
		p.conn.Close()
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.ports, p)
		for address, at := range s.where {
			if at == p {
				delete(s.where, address)
			}
		}
	}()
	buffer := make([]byte, 4+maxFrame)
	for {
		if _, err := io.ReadFull(p.conn, buffer[:4]); err != nil {
			return
		}
		n := binary.BigEndian.Uint32(buffer)
		if n < 14 || n > maxFrame {
			return
		}
		frame := buffer[:4+n]
		if _, err := io.ReadFull(p.conn, frame[4:]); err != nil {
			return
		}
		for _, to := range s.route(p, frame[4:]) {
			to.mu.Lock()
			_ = to.conn.SetWriteDeadline(time.Now().Add(writeTime))
			_, err := to.conn.Write(frame)
			to.mu.Unlock()
			if err != nil {
				to.conn.Close() // its own serve sees that
			}
		}
	}
}

// mostAddresses bounds what one switch learns: a guest may claim to be anybody.
const mostAddresses = 1024

// route learns where a frame came from and says where it goes.
func (s *Switch) route(from *port, frame []byte) []*port {
	to, source := [6]byte(frame[:6]), [6]byte(frame[6:12])
	s.mu.Lock()
	defer s.mu.Unlock()
	if source[0]&1 == 0 && (len(s.where) < mostAddresses || s.where[source] != nil) {
		s.where[source] = from
	}
	if at := s.where[to]; at != nil && to[0]&1 == 0 {
		if at == from {
			return nil
		}
		return []*port{at}
	}
	var all []*port
	for p := range s.ports {
		if p != from {
			all = append(all, p)
		}
	}
	return all
}

// Close ends the network. Its machines go on without it.
func (s *Switch) Close() error {
	err := s.listener.Close()
	s.mu.Lock()
	for p := range s.ports {
		err = errors.Join(err, p.conn.Close())
	}
	s.mu.Unlock()
	s.group.Wait()
	return err
}
