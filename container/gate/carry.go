package gate

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
	"gvisor.dev/gvisor/pkg/waiter"
)

// How long a conversation over UDP may be silent: its end cannot be seen.
const silence = time.Minute

// destination is where a packet of the sandbox wants to go.
func destination(id stack.TransportEndpointID) netip.AddrPort {
	a, _ := netip.AddrFromSlice(id.LocalAddress.AsSlice())
	return netip.AddrPortFrom(a, id.LocalPort)
}

func (g *Gate) refused(network string, to netip.AddrPort, why string) {
	g.o.Log.Debug("not let out", "network", network, "to", to.String(), "why", why)
}

// tcp connects to where a sandbox wants to connect, and only then says yes to the sandbox: a refusal there is one here.
func (g *Gate) tcp(ctx context.Context, r *tcp.ForwarderRequest) {
	to := destination(r.ID())
	if to.Addr().String() == Server && to.Port() == domain {
		if !g.begin(func() { g.named(ctx, r) }) {
			r.Complete(true)
		}
		return
	}
	if why := cmp.Or(g.refuses(to), g.unnamed(to)); why != "" {
		g.refused("tcp", to, why)
		r.Complete(true)
		return
	}
	started := g.begin(func() {
		far, err := g.o.Dial(ctx, "tcp4", to.String())
		if err != nil {
			g.refused("tcp", to, err.Error())
			r.Complete(true)
			return
		}
		if near := accept(r); near != nil {
			carry(ctx, near, far)
		}
		far.Close()
	})
	if !started {
		r.Complete(true)
	}
}

// accept completes the handshake with the sandbox.
func accept(r *tcp.ForwarderRequest) *gonet.TCPConn {
	var queue waiter.Queue
	endpoint, err := r.CreateEndpoint(&queue)
	r.Complete(err != nil)
	if err != nil {
		return nil
	}
	return gonet.NewTCPConn(&queue, endpoint)
}

// halfCloser is a connection of which one direction can end alone.
type halfCloser interface{ CloseWrite() error }

// carry copies both ways until both have ended, or ctx.
func carry(ctx context.Context, near, far net.Conn) {
	stop := context.AfterFunc(ctx, func() { near.Close(); far.Close() })
	defer stop()
	var both sync.WaitGroup
	copyOne := func(to, from net.Conn) {
		_, err := io.Copy(to, from)
		half, ok := to.(halfCloser)
		if err != nil || !ok || half.CloseWrite() != nil {
			to.Close()
			from.Close()
		}
	}
	both.Go(func() { copyOne(near, far) })
	both.Go(func() { copyOne(far, near) })
	both.Wait()
	near.Close()
}

// udp answers questions for names, and carries other datagrams.
func (g *Gate) udp(ctx context.Context, r *udp.ForwarderRequest) {
	to := destination(r.ID())
	asks := to.Addr().String() == Server && to.Port() == domain
	if !asks {
		if why := cmp.Or(g.refuses(to), g.unnamed(to)); why != "" {
			g.refused("udp", to, why)
			return
		}
	}
	var queue waiter.Queue
	endpoint, err := r.CreateEndpoint(&queue)
	if err != nil {
		return
	}
	near := gonet.NewUDPConn(&queue, endpoint)
	if !g.begin(func() { g.datagrams(ctx, near, to, asks) }) {
		near.Close()
	}
}

// datagrams serves one conversation of a port in the sandbox with a port elsewhere.
func (g *Gate) datagrams(ctx context.Context, near *gonet.UDPConn, to netip.AddrPort, asks bool) {
	defer near.Close()
	if asks {
		stop := context.AfterFunc(ctx, func() { near.Close() })
		defer stop()
		question := make([]byte, 4<<10)
		for {
			_ = near.SetReadDeadline(time.Now().Add(silence))
			n, err := near.Read(question)
			if err != nil {
				return
			}
			if answer := g.answer(ctx, question[:n]); answer != nil {
				_, _ = near.Write(answer) // a datagram may be lost
			}
		}
	}
	far, err := g.o.Dial(ctx, "udp4", to.String())
	if err != nil {
		g.refused("udp", to, err.Error())
		return
	}
	carryDatagrams(ctx, near, far)
}

// carryDatagrams copies both ways until both have been silent.
func carryDatagrams(ctx context.Context, near, far net.Conn) {
	stop := context.AfterFunc(ctx, func() { near.Close(); far.Close() })
	defer stop()
	touch := func() {
		_ = near.SetReadDeadline(time.Now().Add(silence))
		_ = far.SetReadDeadline(time.Now().Add(silence))
	}
	touch()
	var both sync.WaitGroup
	copyOne := func(to, from net.Conn) {
		packet := make([]byte, 64<<10)
		for {
			n, err := from.Read(packet)
			if errors.Is(err, syscall.ECONNREFUSED) {
				continue // nobody listens there, for now; silence ends it
			}
			if err != nil {
				to.Close()
				return
			}
			touch()
			_, _ = to.Write(packet[:n])
		}
	}
	both.Go(func() { copyOne(near, far) })
	both.Go(func() { copyOne(far, near) })
	both.Wait()
}
