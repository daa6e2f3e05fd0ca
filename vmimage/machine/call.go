package machine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// How a guest is called until it answers. The port of the host answers long before the guest does, and what is dialled too
// early is not lost on the guest: QEMU keeps asking it, 3, 6, 12… seconds apart, even after we have hung up, and every call
// that we gave up reaches its sshd as one who left without signing in. OpenSSH 9.8 and newer count that (1 s each, 5 s for a
// key that it refuses) and turn an address away for as long as the sum says, once it is 15 s. All our calls come from one
// address. So no call is given up while an answer may still come: another is made beside it, after twice the time each
// time, and at once when the console says that the guest is up, as that call is the first that finds it listening.
const (
	firstPatience   = time.Second
	readyPatience   = 30 * time.Second
	longestPatience = 4 * time.Minute
	handshakeTime   = 5 * time.Minute        // an emulated processor on a busy host does its sums slowly
	betweenDials    = 200 * time.Millisecond // after one that was cut off: the guest is up, and nobody listens yet
	afterWords      = 3 * time.Second        // after one that was answered and came to nothing; growing
	afterRefusal    = 20 * time.Second       // after being turned away: what was counted runs out meanwhile; growing
	longestPause    = 2 * time.Minute
)

// turnedAway is what OpenSSH says instead of its name to an address that has sinned too much, or when too many call.
var turnedAway = [][]byte{[]byte("Not allowed at this time"), []byte("Exceeded MaxStartups")}

// errTurnedAway is the guest's sshd that does not talk to us for a while.
var errTurnedAway = errors.New("the guest's sshd turns us away for a while")

// errSilentCall is a call that ended before a word was said: nobody listens yet.
var errSilentCall = errors.New("nobody answers")

// A caller calls a guest until it lets us in.
type caller struct {
	dial   func(ctx context.Context) (net.Conn, error)
	config func(hostKey *ssh.PublicKey) *ssh.ClientConfig // for one call, which notes the guest's
	ready  <-chan struct{}                                // closed when the guest says that it is up; nil: it will not say so
}

// A turn is what became of a call. All empty: it was answered, and goes on.
type turn struct {
	client  *ssh.Client
	hostKey ssh.PublicKey
	err     error
}

// call calls until it works, or ctx ends.
func (c *caller) call(ctx context.Context) (turn, error) {
	calls, hangUp := context.WithCancel(ctx)
	var group sync.WaitGroup
	defer group.Wait()
	defer hangUp()
	turns := make(chan turn)
	ready, patience, pauseWords, pauseRefusal := c.ready, firstPatience, afterWords, afterRefusal
	again := time.NewTimer(0)
	defer again.Stop()
	select {
	case <-ready: // it said so before
		ready, patience = nil, readyPatience
	default:
	}
	silent, talking := 0, 0
	var last error // of what was said to us
	for {
		select {
		case <-again.C:
			if silent > 0 {
				patience = min(2*patience, longestPatience)
			}
			silent++
			group.Go(func() { c.one(calls, turns) })
			again.Reset(patience)
		case <-ready:
			ready, patience = nil, readyPatience
			if talking == 0 {
				again.Reset(0)
			}
		case t := <-turns:
			switch {
			case t.client != nil:
				return t, nil
			case t.err == nil:
				silent, talking = silent-1, talking+1
				again.Stop() // it has us wait, but not for nothing
				continue
			case errors.Is(t.err, errTurnedAway):
				last = t.err
				again.Reset(grow(&pauseRefusal))
			case errors.Is(t.err, errSilentCall):
				if silent--; talking == 0 {
					again.Reset(betweenDials)
				}
				continue
			default:
				last = t.err
				again.Reset(grow(&pauseWords))
			}
			talking--
		case <-ctx.Done():
			if last != nil {
				return turn{}, fmt.Errorf("%w; it said something before: %w", context.Cause(ctx), last)
			}
			return turn{}, context.Cause(ctx)
		}
	}
}

// grow gives a pause and makes the next one longer.
func grow(pause *time.Duration) time.Duration {
	now := *pause
	*pause = min(now*3/2, longestPause)
	return now
}

// one makes one call and tells its turns: that it is answered, then what came of that.
func (c *caller) one(ctx context.Context, turns chan<- turn) {
	tell := func(t turn) bool {
		select {
		case turns <- t:
			return true
		case <-ctx.Done():
			return false
		}
	}
	conn, err := c.dial(ctx)
	if err != nil {
		tell(turn{err: fmt.Errorf("%w: %w", errSilentCall, err)})
		return
	}
	hangUp := context.AfterFunc(ctx, func() { conn.Close() })
	heard := &hearing{Conn: conn}
	if err := heard.listen(); err != nil {
		hangUp()
		conn.Close()
		tell(turn{err: fmt.Errorf("%w: %w", errSilentCall, err)})
		return
	}
	if !tell(turn{}) {
		return
	}
	long := time.AfterFunc(handshakeTime, func() { conn.Close() })
	var hostKey ssh.PublicKey
	client, err := heard.signIn(c.config(&hostKey))
	long.Stop()
	switch {
	case err != nil:
		hangUp()
		conn.Close()
		tell(turn{err: err})
	case !hangUp(): // somebody else was quicker, or it is over
		client.Close()
	case !tell(turn{client: client, hostKey: hostKey}):
		client.Close()
	}
}

// hearing is a connection that remembers how it began.
type hearing struct {
	net.Conn
	unread []byte
	first  []byte
}

// listen waits for the first words.
func (h *hearing) listen() error {
	buffer := make([]byte, 256)
	n, err := h.Conn.Read(buffer)
	h.unread, h.first = buffer[:n], buffer[:n]
	if n > 0 {
		return nil
	}
	return err
}

// Read implements io.Reader.
func (h *hearing) Read(p []byte) (int, error) {
	if len(h.unread) > 0 {
		n := copy(p, h.unread)
		h.unread = h.unread[n:]
		return n, nil
	}
	return h.Conn.Read(p)
}

// signIn does what ssh wants before commands.
func (h *hearing) signIn(config *ssh.ClientConfig) (*ssh.Client, error) {
	for _, words := range turnedAway {
		if bytes.HasPrefix(h.first, words) {
			return nil, errTurnedAway
		}
	}
	c, channels, requests, err := ssh.NewClientConn(h, "guest", config)
	if err != nil {
		return nil, fmt.Errorf("sign in: %w", err)
	}
	return ssh.NewClient(c, channels, requests), nil
}
