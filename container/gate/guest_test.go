package gate

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/link/channel"
	"gvisor.dev/gvisor/pkg/tcpip/link/ethernet"
	"gvisor.dev/gvisor/pkg/tcpip/network/arp"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
)

// A guest is a machine's kernel as far as its network goes: a stack of its own behind an Ethernet interface.
type guest struct {
	stack *stack.Stack
	conn  net.Conn
	mu    sync.Mutex // of writing
}

// newGuest is a guest at a cable; nets says that it has all the addresses, as one that lies.
func newGuest(t *testing.T, conn net.Conn) *guest {
	t.Helper()
	link := channel.New(512, usualFrame, hardware(GuestMAC))
	g := &guest{conn: conn, stack: stack.New(stack.Options{
		NetworkProtocols:   []stack.NetworkProtocolFactory{arp.NewProtocol, ipv4.NewProtocol},
		TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocol, udp.NewProtocol},
	})}
	if err := g.stack.CreateNIC(nic, ethernet.New(link)); err != nil {
		t.Fatal(err)
	}
	own := tcpip.ProtocolAddress{Protocol: ipv4.ProtocolNumber, AddressWithPrefix: tcpip.AddressWithPrefix{Address: addressOf(Address), PrefixLen: Bits}}
	if err := g.stack.AddProtocolAddress(nic, own, stack.AddressProperties{}); err != nil {
		t.Fatal(err)
	}
	g.stack.SetRouteTable([]tcpip.Route{
		{Destination: own.AddressWithPrefix.Subnet(), NIC: nic},
		{Destination: header.IPv4EmptySubnet, Gateway: addressOf(Server), NIC: nic},
	})
	var group sync.WaitGroup
	group.Go(func() {
		for {
			var length [4]byte
			if _, err := io.ReadFull(conn, length[:]); err != nil {
				return
			}
			frame := make([]byte, binary.BigEndian.Uint32(length[:]))
			if _, err := io.ReadFull(conn, frame); err != nil {
				return
			}
			p := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithData(frame)})
			link.InjectInbound(0, p)
			p.DecRef()
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	group.Go(func() {
		for p := link.ReadContext(ctx); p != nil; p = link.ReadContext(ctx) {
			view := p.ToView()
			g.send(view.AsSlice())
			view.Release()
			p.DecRef()
		}
	})
	t.Cleanup(func() {
		cancel()
		conn.Close()
		group.Wait()
		g.stack.Close()
		link.Close()
	})
	return g
}

func addressOf(text string) tcpip.Address {
	return tcpip.AddrFrom4(netip.MustParseAddr(text).As4())
}

// send sends a frame, of the stack or made up.
func (g *guest) send(frame []byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	_, _ = g.conn.Write(framed(frame))
}

// dial connects to an address and port.
func (g *guest) dial(ctx context.Context, to string) (net.Conn, error) {
	a := netip.MustParseAddrPort(to)
	return gonet.DialContextTCP(ctx, g.stack, tcpip.FullAddress{NIC: nic, Addr: addressOf(a.Addr().String()), Port: a.Port()}, ipv4.ProtocolNumber)
}

// lookup asks the gate for a name.
func (g *guest) lookup(t *testing.T, name string) []string {
	t.Helper()
	conn, err := gonet.DialUDP(g.stack, nil, &tcpip.FullAddress{NIC: nic, Addr: addressOf(Server), Port: domain}, ipv4.ProtocolNumber)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write(question(t, name+".", dnsmessage.TypeA)); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, MTU)
	n, err := conn.Read(answer)
	if err != nil {
		t.Fatal(err)
	}
	var m dnsmessage.Message
	if err := m.Unpack(answer[:n]); err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, r := range m.Answers {
		if a, ok := r.Body.(*dnsmessage.AResource); ok {
			list = append(list, netip.AddrFrom4(a.A).String())
		}
	}
	return list
}

// fetch gets a page as the guest would.
func (g *guest) fetch(t *testing.T, address string) (string, error) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return g.dial(ctx, address) },
	}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://web.test/", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return string(text), err
}

// A page is a log that may be read while it is written.
type page struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (p *page) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(b)
}

func (p *page) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

// The addresses of two hosts beyond the gate.
const (
	webAddress   = "93.184.216.34"
	otherAddress = "93.184.216.35"
)

// gated is a guest behind a gate with a web server beyond it, and the gate's log.
func gated(t *testing.T, hosts ...string) (*guest, *page) {
	t.Helper()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }))
	t.Cleanup(web.Close)
	log := &page{}
	near, far := net.Pipe()
	gate, err := Open(t.Context(), Frames(far), Options{
		Hosts: hosts, Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Own: func() []netip.Prefix { return nil },
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			if !strings.HasSuffix(address, ":80") {
				return nil, errors.New("nobody is there")
			}
			return new(net.Dialer).DialContext(ctx, network, web.Listener.Addr().String())
		},
		Resolve: func(_ context.Context, name string) ([]netip.Addr, error) {
			known := map[string]string{"web.test": webAddress, "other.test": otherAddress, "inside.test": "10.0.2.2"}
			if a, ok := known[name]; ok {
				return []netip.Addr{netip.MustParseAddr(a)}, nil
			}
			return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := gate.Close(); err != nil {
			t.Error(err)
		}
	})
	return newGuest(t, near), log
}

// TestGuest: a machine reaches through its cable what the rules allow, and nothing else; why not is in the log.
func TestGuest(t *testing.T) {
	t.Parallel()
	g, log := gated(t, "web.test", "inside.test")
	if _, err := g.fetch(t, webAddress+":80"); err == nil {
		t.Error("it reached an address that it was not told")
	}
	if got := g.lookup(t, "web.test"); len(got) != 1 || got[0] != webAddress {
		t.Fatalf("web.test is %v", got)
	}
	if text, err := g.fetch(t, webAddress+":80"); err != nil || text != "hello" {
		t.Errorf("got %q, %v", text, err)
	}
	for name, want := range map[string]string{"other.test": "not told", "inside.test": "not on the Internet"} {
		if got := g.lookup(t, name); len(got) != 0 || !strings.Contains(log.String(), want) {
			t.Errorf("%s is %v; the log has %s", name, got, log)
		}
	}
	for address, why := range map[string]string{
		otherAddress + ":80": "not an address of [web.test inside.test]", webAddress + ":25": "a mail server", "10.0.2.2:80": "not on the Internet",
		"169.254.169.254:80": "not on the Internet", "192.168.122.1:80": "not on the Internet", Server + ":80": "not on the Internet",
		"192.0.2.200:80": "not on the Internet",
	} {
		if _, err := g.fetch(t, address); err == nil {
			t.Errorf("it reached %s", address)
		}
		if text := log.String(); !strings.Contains(text, fmt.Sprintf("to=%s why=%q", address, why)) {
			t.Errorf("the log does not say why not %s: %s", address, text)
		}
	}
}

// TestGuestOnTheInternet: one that was not told hosts reaches all of the Internet, nothing else.
func TestGuestOnTheInternet(t *testing.T) {
	t.Parallel()
	g, _ := gated(t)
	if text, err := g.fetch(t, otherAddress+":80"); err != nil || text != "hello" {
		t.Errorf("got %q, %v", text, err)
	}
	if _, err := g.fetch(t, "10.0.2.2:80"); err == nil {
		t.Error("it reached this host")
	}
}

// TestGuestFloods: a guest that sends nonsense without end is served afterwards as before.
func TestGuestFloods(t *testing.T) {
	t.Parallel()
	g, _ := gated(t)
	const many = 20_000
	guest, server := hardware(GuestMAC), hardware(ServerMAC)
	forged := packetFrom("10.0.0.1", webAddress)
	for i := range many {
		binary.BigEndian.PutUint32(forged[12:], uint32(i))
		g.send(ether(guest, server, ipv4.ProtocolNumber, forged))
		g.send(whoHas(fmt.Sprintf("192.0.2.%d", i%256)))
		g.send(ether(guest, server, ipv4.ProtocolNumber, packetFrom(Address, "192.0.2.77")))
	}
	if text, err := g.fetch(t, webAddress+":80"); err != nil || text != "hello" {
		t.Errorf("got %q, %v", text, err)
	}
}
