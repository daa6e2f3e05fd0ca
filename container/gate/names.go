package gate

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
)

// domain is the port at which names are asked for.
const domain = 53

// Answers are few and short-lived: a sandbox asks often and lives shortly.
const (
	mostAnswers = 16
	answerTime  = 30 // seconds
	askTime     = 10 * time.Second
)

// answer answers one question for a name, or is nil when the question is not understood. Only IPv4 addresses are told,
// and of them only those that the job may reach, so that a program does not wait for one that it may not.
func (g *Gate) answer(ctx context.Context, question []byte) []byte {
	var p dnsmessage.Parser
	head, err := p.Start(question)
	if err != nil || head.Response {
		return nil
	}
	q, err := p.Question()
	if err != nil {
		return nil
	}
	head = dnsmessage.Header{ID: head.ID, Response: true, RecursionDesired: head.RecursionDesired, RecursionAvailable: true}
	var list []netip.Addr
	if _, known := g.knows(q.Name.String()); !known {
		g.o.Log.Debug("not told", "name", q.Name.String())
		head.RCode = dnsmessage.RCodeNameError
	} else if q.Class == dnsmessage.ClassINET {
		// Also for other kinds of questions: that a name is there must not depend on what is asked of it.
		list, head.RCode = g.resolve(ctx, plainName(q.Name.String()))
	}
	b := dnsmessage.NewBuilder(nil, head)
	b.EnableCompression()
	errs := errors.Join(b.StartQuestions(), b.Question(q), b.StartAnswers())
	if q.Type == dnsmessage.TypeA {
		for _, a := range list {
			h := dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET, TTL: answerTime}
			errs = errors.Join(errs, b.AResource(h, dnsmessage.AResource{A: a.As4()}))
		}
	}
	message, err := b.Finish()
	if errors.Join(errs, err) != nil {
		return nil
	}
	return message
}

// resolve asks the machine's own resolver, and remembers what it tells the sandbox.
func (g *Gate) resolve(ctx context.Context, name string) ([]netip.Addr, dnsmessage.RCode) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	found, err := g.o.Resolve(ctx, name)
	if notFound, ok := errors.AsType[*net.DNSError](err); ok && notFound.IsNotFound {
		return nil, dnsmessage.RCodeNameError
	}
	if err != nil {
		g.o.Log.Debug("cannot resolve", "name", name, "error", err)
		return nil, dnsmessage.RCodeServerFailure
	}
	allowed, _ := g.knows(name)
	var list []netip.Addr
	for _, a := range found {
		a = a.Unmap()
		if !a.Is4() || len(list) == mostAnswers {
			continue
		}
		if why := g.refuses(netip.AddrPortFrom(a, 0)); why != "" {
			g.o.Log.Debug("not told", "name", name, "address", a.String(), "why", why)
			continue
		}
		if g.tell(a, allowed) {
			list = append(list, a)
		}
	}
	return list, dnsmessage.RCodeSuccess
}

// mostTold is how many addresses of its hosts a sandbox is told: a host's owner may have a new one for each question.
const mostTold = 4096

// tell remembers an address that the sandbox is given for a host, and says no when those are too many.
func (g *Gate) tell(a netip.Addr, allowed ports) bool {
	if len(g.o.Hosts) == 0 {
		return true // all of them may be reached
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	before, told := g.told[a]
	if !told && len(g.told) >= mostTold {
		return false
	}
	g.told[a] = before.and(allowed)
	return true
}

// named answers questions that come over TCP, each with its length before it.
func (g *Gate) named(ctx context.Context, r *tcp.ForwarderRequest) {
	near := accept(r)
	if near == nil {
		return
	}
	defer near.Close()
	stop := context.AfterFunc(ctx, func() { near.Close() })
	defer stop()
	for {
		_ = near.SetDeadline(time.Now().Add(silence))
		var length [2]byte
		if _, err := io.ReadFull(near, length[:]); err != nil {
			return
		}
		question := make([]byte, binary.BigEndian.Uint16(length[:]))
		if _, err := io.ReadFull(near, question); err != nil {
			return
		}
		answer := g.answer(ctx, question)
		if answer == nil {
			return
		}
		if _, err := near.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...)); err != nil {
			return
		}
	}
}
