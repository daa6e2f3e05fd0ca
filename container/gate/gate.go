// Package gate is the network of a sandbox. The sandbox has one interface, whose packets come here, into a process that
// is no part of the sandbox; here they meet a network stack in user space, which opens a connection of its own to where
// the packet wanted to go, if the rules allow that. There is no route around it: nothing of the machine's network is in the sandbox.
//
//	job ── its kernel's stack ── interface ──► stack of the gate ── rules ──► connection of the bot ──► Internet
//
// A virtual machine is a sandbox like others: its interface is a cable with Ethernet frames, see [Frames].
//
// That needs no privilege on the machine, no firewall and no other program. What it does not carry does not work: only
// TCP and UDP over IPv4, no incoming connections, no ping.
//
// # Rules
//
// A job may reach the Internet, but not the machine it runs on, nor any network that the machine is on, nor addresses
// that are private, link-local (where clouds keep their metadata) or set aside; and no mail servers. It is the address
// that counts, at the moment when the gate connects: a name that leads elsewhere a second later changes nothing.
//
// With a list of hosts, only those: the gate answers questions for their names alone, and lets through to the addresses
// that it has given as answers, at the ports that stand behind the names. Names decide there and not the owner of an
// address, which a host may share with others.
package gate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/link/channel"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
)

// The addresses in the sandbox, from a network that is set aside for documentation, so that no job misses it.
const (
	Address = "192.0.2.2" // of the sandbox
	Server  = "192.0.2.1" // of the gate, where names are asked for
	Bits    = 24
	MTU     = 1500
)

// Options are the settings of a Gate.
type Options struct {
	Hosts []string // that may be reached: example.com, *.example.com, either with :443; empty is the Internet
	Log   *slog.Logger

	// How the gate itself reaches the world; nil is by the machine's own network.
	Dial    func(ctx context.Context, network, address string) (net.Conn, error)
	Resolve func(ctx context.Context, name string) ([]netip.Addr, error)
	Own     func() []netip.Prefix // networks that the machine is on
}

// A Gate passes on what one sandbox may send.
type Gate struct {
	o      Options
	tun    io.ReadWriteCloser
	link   *channel.Endpoint
	stack  *stack.Stack
	cancel context.CancelFunc
	group  sync.WaitGroup

	mu     sync.Mutex
	told   map[netip.Addr]ports // addresses that were given as answers
	slots  chan struct{}        // one for each connection, question or conversation that is open
	closed bool
}

// maxOpen is how many connections a sandbox may have at once.
const maxOpen = 1024

// Open starts to serve the packets of tun, one for each read and write, and owns it. The gate works until Close.
func Open(ctx context.Context, tun io.ReadWriteCloser, o Options) (*Gate, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Dial == nil {
		o.Dial = (&net.Dialer{Timeout: dialTime}).DialContext
	}
	if o.Resolve == nil {
		o.Resolve = func(ctx context.Context, name string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip4", name+".")
		}
	}
	if o.Own == nil {
		o.Own = ownNetworks
	}
	o.Hosts = slices.Clone(o.Hosts)
	for i, h := range o.Hosts {
		o.Hosts[i] = plainName(h)
	}
	ctx, cancel := context.WithCancel(ctx)
	g := &Gate{o: o, tun: tun, cancel: cancel, told: map[netip.Addr]ports{}, slots: make(chan struct{}, maxOpen)}
	if err := g.build(ctx); err != nil {
		cancel()
		return nil, errors.Join(fmt.Errorf("open gate: %w", err), tun.Close())
	}
	g.group.Go(func() { g.in(ctx) })
	g.group.Go(func() { g.out(ctx) })
	return g, nil
}

const dialTime = 30 * time.Second

// nic is the number of the stack's only interface.
const nic = 1

// build makes the stack. It takes packets for every address (promiscuous) and answers in their name (spoofing).
func (g *Gate) build(ctx context.Context) error {
	g.link = channel.New(512, MTU, "")
	g.stack = stack.New(stack.Options{
		NetworkProtocols:   []stack.NetworkProtocolFactory{ipv4.NewProtocol},
		TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocol, udp.NewProtocol},
	})
	steps := []func() tcpip.Error{
		func() tcpip.Error { return g.stack.CreateNIC(nic, g.link) },
		func() tcpip.Error { return g.stack.SetPromiscuousMode(nic, true) },
		func() tcpip.Error { return g.stack.SetSpoofing(nic, true) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return errors.New(err.String())
		}
	}
	g.stack.SetRouteTable([]tcpip.Route{{Destination: header.IPv4EmptySubnet, NIC: nic}})
	sack := tcpip.TCPSACKEnabled(true)
	if err := g.stack.SetTransportProtocolOption(tcp.ProtocolNumber, &sack); err != nil {
		return errors.New(err.String())
	}
	g.stack.SetTransportProtocolHandler(tcp.ProtocolNumber, tcp.NewForwarder(g.stack, 0, maxOpen, func(r *tcp.ForwarderRequest) { g.tcp(ctx, r) }).HandlePacket)
	g.stack.SetTransportProtocolHandler(udp.ProtocolNumber, udp.NewForwarder(g.stack, func(r *udp.ForwarderRequest) { g.udp(ctx, r) }).HandlePacket)
	return nil
}

// Close ends every connection and returns when nothing of the gate works any more.
func (g *Gate) Close() error {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.cancel()
	err := g.tun.Close()
	g.stack.Close()
	g.group.Wait()
	g.link.Close()
	if errors.Is(err, os.ErrClosed) {
		return nil
	}
	return err
}

// begin starts f beside, if the sandbox may have one more; ended reports that it is over.
func (g *Gate) begin(f func()) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	select {
	case g.slots <- struct{}{}:
	default:
		return false
	}
	g.group.Go(func() {
		defer func() { <-g.slots }()
		f()
	})
	return true
}

// in carries packets from the sandbox into the stack.
func (g *Gate) in(ctx context.Context) {
	packet := make([]byte, 64<<10)
	for {
		n, err := g.tun.Read(packet)
		if err != nil {
			if ctx.Err() == nil {
				g.o.Log.Debug("the sandbox's network ended", "error", err)
			}
			return
		}
		if n == 0 || header.IPVersion(packet[:n]) != header.IPv4Version {
			continue
		}
		p := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithData(slices.Clone(packet[:n]))})
		g.link.InjectInbound(ipv4.ProtocolNumber, p)
		p.DecRef()
	}
}

// out carries packets from the stack into the sandbox. One that does not fit there is lost, as packets are.
func (g *Gate) out(ctx context.Context) {
	for {
		p := g.link.ReadContext(ctx)
		if p == nil {
			return
		}
		view := p.ToView()
		_, err := g.tun.Write(view.AsSlice())
		view.Release()
		p.DecRef()
		if errors.Is(err, os.ErrClosed) {
			return
		}
	}
}

// plainName is a host's name as it is compared.
func plainName(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }
