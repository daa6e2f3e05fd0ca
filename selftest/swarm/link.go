package swarm

import (
	"context"
	"errors"
	"net"
	"net/http"
	"syscall"
	"time"
)

// A link is a life's way to the hub.
type link struct {
	bot  *bot
	life *life
	next http.RoundTripper
}

var _ http.RoundTripper = (*link)(nil)

// shortest and longest a request is on its way. It is a number of nanoseconds that hardly ever comes twice, so that the
// hub gets all requests one after the other, in an order that follows from the seed alone.
const (
	shortest = 5 * time.Millisecond
	longest  = 50 * time.Millisecond
)

// RoundTrip implements http.RoundTripper. A request of a frozen life waits and then is on its way whatever became of its
// context, as a packet does that was given to the kernel already.
func (l *link) RoundTrip(req *http.Request) (*http.Response, error) {
	d := l.life.ask(req.Method + req.URL.Path)
	writes := req.Method != http.MethodGet && req.URL.Path != "/graphql"
	if writes {
		l.bot.strike(d.of("before"))
	}
	if l.life.thaw() > 0 {
		req = req.WithContext(context.WithoutCancel(req.Context()))
	}
	if err := l.refuse(req, d); err != nil {
		return nil, err
	}
	if err := pause(req.Context(), shortest+d.below(longest-shortest)); err != nil {
		return nil, err
	}
	if l.life.gone() {
		return nil, errKilled
	}
	resp, err := l.next.RoundTrip(req)
	if writes {
		l.bot.strike(d.of("after"))
	}
	l.life.thaw()
	if l.life.gone() {
		return nil, errKilled
	}
	if err == nil && l.life.severed() {
		return nil, &net.OpError{Op: "read", Net: "tcp", Err: syscall.ETIMEDOUT}
	}
	return resp, err
}

var errKilled = errors.New("the bot is dead")

// refuse lets no request of the dead through, and of those who are cut off none at once: half of them learn it, and half
// wait in vain.
func (l *link) refuse(req *http.Request, d die) error {
	switch {
	case l.life.gone():
		return errKilled
	case !l.life.severed():
		return nil
	case d.of("cut").yes(0.5):
		return &net.OpError{Op: "dial", Net: "tcp", Err: syscall.EHOSTUNREACH}
	}
	if err := pause(req.Context(), time.Minute+d.below(time.Second)); err != nil {
		return err
	}
	return &net.OpError{Op: "read", Net: "tcp", Err: syscall.ETIMEDOUT}
}
