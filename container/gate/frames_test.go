package gate

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/checksum"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/network/arp"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
)

// A peer is a guest that says what it likes.
type peer struct {
	t    *testing.T
	conn net.Conn
}

// plugged is a guest at a cable, and what comes out at the gate's end of it.
func plugged(t *testing.T) (*peer, <-chan []byte) {
	t.Helper()
	near, far := net.Pipe()
	t.Cleanup(func() { near.Close() })
	packets := make(chan []byte, 16)
	w := Frames(far)
	go func() {
		defer close(packets)
		packet := make([]byte, 64<<10)
		for {
			n, err := w.Read(packet)
			if err != nil {
				return
			}
			packets <- bytes.Clone(packet[:n])
		}
	}()
	return &peer{t, near}, packets
}

// framed puts a frame's length before it.
func framed(frame []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(frame))), frame...)
}

// ether makes a frame.
func ether(from, to tcpip.LinkAddress, kind tcpip.NetworkProtocolNumber, body []byte) []byte {
	frame := make([]byte, header.EthernetMinimumSize, header.EthernetMinimumSize+len(body))
	header.Ethernet(frame).Encode(&header.EthernetFields{SrcAddr: from, DstAddr: to, Type: kind})
	return append(frame, body...)
}

func (p *peer) send(frame []byte) {
	p.t.Helper()
	if _, err := p.conn.Write(framed(frame)); err != nil {
		p.t.Fatal(err)
	}
}

func (p *peer) receive() header.Ethernet {
	p.t.Helper()
	var length [4]byte
	if _, err := io.ReadFull(p.conn, length[:]); err != nil {
		p.t.Fatal(err)
	}
	frame := make([]byte, binary.BigEndian.Uint32(length[:]))
	if _, err := io.ReadFull(p.conn, frame); err != nil {
		p.t.Fatal(err)
	}
	return frame
}

// whoHas is a question for an address, as the guest asks it.
func whoHas(address string) []byte {
	question := header.ARP(make([]byte, header.ARPSize))
	question.SetIPv4OverEthernet()
	question.SetOp(header.ARPRequest)
	copy(question.HardwareAddressSender(), hardware(GuestMAC))
	copy(question.ProtocolAddressSender(), netip.MustParseAddr(Address).AsSlice())
	copy(question.ProtocolAddressTarget(), netip.MustParseAddr(address).AsSlice())
	return ether(hardware(GuestMAC), header.EthernetBroadcastAddress, arp.ProtocolNumber, question)
}

// packetFrom is a packet without anything in it.
func packetFrom(source, destination string) header.IPv4 {
	p := header.IPv4(make([]byte, header.IPv4MinimumSize))
	p.Encode(&header.IPv4Fields{
		TotalLength: uint16(len(p)), TTL: 64, Protocol: uint8(header.TCPProtocolNumber),
		SrcAddr: tcpip.AddrFrom4(netip.MustParseAddr(source).As4()), DstAddr: tcpip.AddrFrom4(netip.MustParseAddr(destination).As4()),
	})
	return p
}

// asks is a question for an address to have, with these changes.
func asks(t testing.TB, kind dhcpv4.MessageType, with ...dhcpv4.Modifier) []byte {
	t.Helper()
	mac, err := net.ParseMAC(GuestMAC)
	if err != nil {
		t.Fatal(err)
	}
	m, err := dhcpv4.New(append([]dhcpv4.Modifier{dhcpv4.WithHwAddr(mac), dhcpv4.WithMessageType(kind), dhcpv4.WithBroadcast(true)}, with...)...)
	if err != nil {
		t.Fatal(err)
	}
	packet := header.IPv4(datagram(net.IPv4zero.To4(), net.IPv4bcast.To4(), m.ToBytes()))
	udp := header.UDP(packet.Payload())
	udp.SetSourcePort(dhcpv4.ClientPort)
	udp.SetDestinationPort(dhcpv4.ServerPort)
	return ether(hardware(GuestMAC), header.EthernetBroadcastAddress, ipv4.ProtocolNumber, packet)
}

// answerIn is what a server of addresses says in a frame.
func answerIn(t *testing.T, frame header.Ethernet) *dhcpv4.DHCPv4 {
	t.Helper()
	packet, ok := whole(frame[header.EthernetMinimumSize:])
	if !ok || frame.Type() != ipv4.ProtocolNumber || !packet.IsChecksumValid() || packet.SourceAddress().String() != Server {
		t.Fatalf("no packet in %x", frame)
	}
	udp := header.UDP(packet.Payload())
	if !udp.IsChecksumValid(packet.SourceAddress(), packet.DestinationAddress(), checksum.Checksum(udp.Payload(), 0)) {
		t.Errorf("the sum of %x is wrong", packet)
	}
	if udp.SourcePort() != dhcpv4.ServerPort || udp.DestinationPort() != dhcpv4.ClientPort {
		t.Fatalf("from port %d to %d", udp.SourcePort(), udp.DestinationPort())
	}
	m, err := dhcpv4.FromBytes(udp.Payload())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestLease: the guest gets the one address there is, the gate as its router and server of names, and no other address.
func TestLease(t *testing.T) {
	p, _ := plugged(t)
	own := dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(net.ParseIP(Address)))
	for _, test := range []struct {
		name  string
		frame []byte
		kind  dhcpv4.MessageType
		gives string
	}{
		{"discover", asks(t, dhcpv4.MessageTypeDiscover), dhcpv4.MessageTypeOffer, Address},
		{"request", asks(t, dhcpv4.MessageTypeRequest, own, dhcpv4.WithOption(dhcpv4.OptServerIdentifier(net.ParseIP(Server)))), dhcpv4.MessageTypeAck, Address},
		{"renew", asks(t, dhcpv4.MessageTypeRequest, dhcpv4.WithClientIP(net.ParseIP(Address)), dhcpv4.WithBroadcast(false)), dhcpv4.MessageTypeAck, Address},
		{"inform", asks(t, dhcpv4.MessageTypeInform, dhcpv4.WithClientIP(net.ParseIP(Address))), dhcpv4.MessageTypeAck, "0.0.0.0"},
		{"another", asks(t, dhcpv4.MessageTypeRequest, dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(net.ParseIP("192.0.2.77")))), dhcpv4.MessageTypeNak, "0.0.0.0"},
		{"none", asks(t, dhcpv4.MessageTypeRequest), dhcpv4.MessageTypeNak, "0.0.0.0"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p.send(test.frame)
			m := answerIn(t, p.receive())
			if m.MessageType() != test.kind || m.YourIPAddr.String() != test.gives || m.ServerIdentifier().String() != Server {
				t.Errorf("got %s", m.Summary())
			}
			if test.kind == dhcpv4.MessageTypeNak {
				return
			}
			if len(m.Router()) != 1 || m.Router()[0].String() != Server || len(m.DNS()) != 1 || m.DNS()[0].String() != Server {
				t.Errorf("router %v, names %v", m.Router(), m.DNS())
			}
			if ones, _ := m.SubnetMask().Size(); ones != Bits || !bytes.Equal(m.Options.Get(dhcpv4.OptionInterfaceMTU), []byte{5, 220}) {
				t.Errorf("got %s", m.Summary())
			}
			if test.kind != dhcpv4.MessageTypeAck || test.gives == Address {
				if got := m.IPAddressLeaseTime(0); got != forever {
					t.Errorf("for %v", got)
				}
			}
		})
	}
}

// TestFramesOfNobody: what is not from the guest to the gate comes out nowhere and is not answered.
func TestFramesOfNobody(t *testing.T) {
	guest, server := hardware(GuestMAC), hardware(ServerMAC)
	good := packetFrom(Address, "93.184.216.34")
	stranger := tcpip.LinkAddress("\x52\x54\x00\x00\x00\x99")
	reply := whoHas(Server)
	header.ARP(reply[header.EthernetMinimumSize:]).SetOp(header.ARPReply)
	foreign := whoHas(Server)
	foreign[header.EthernetMinimumSize+1] = 6 // a network of another kind
	long := bytes.Clone(good)
	header.IPv4(long).SetTotalLength(1000)
	fragment := bytes.Clone(asks(t, dhcpv4.MessageTypeDiscover))
	header.IPv4(fragment[header.EthernetMinimumSize:]).SetFlagsFragmentOffset(header.IPv4FlagMoreFragments, 0)
	mac := func(last byte) dhcpv4.Modifier {
		return dhcpv4.WithHwAddr(net.HardwareAddr{0x52, 0x54, 0, 0xc0, 0, last})
	}
	for name, frame := range map[string][]byte{
		"nothing":                      {},
		"half a head":                  make([]byte, header.EthernetMinimumSize-1),
		"a head alone":                 ether(guest, server, ipv4.ProtocolNumber, nil),
		"longer than the interface's":  ether(guest, server, ipv4.ProtocolNumber, make([]byte, MTU+1)),
		"as long as can be":            make([]byte, longestFrame),
		"of a stranger":                ether(stranger, server, ipv4.ProtocolNumber, good),
		"of the gate itself":           ether(server, server, ipv4.ProtocolNumber, good),
		"to a stranger":                ether(guest, stranger, ipv4.ProtocolNumber, good),
		"to all":                       ether(guest, header.EthernetBroadcastAddress, ipv4.ProtocolNumber, good),
		"in another's name":            ether(guest, server, ipv4.ProtocolNumber, packetFrom("192.0.2.3", "93.184.216.34")),
		"in the gate's name":           ether(guest, server, ipv4.ProtocolNumber, packetFrom(Server, "93.184.216.34")),
		"in this host's name":          ether(guest, server, ipv4.ProtocolNumber, packetFrom("127.0.0.1", "93.184.216.34")),
		"in nobody's name":             ether(guest, server, ipv4.ProtocolNumber, packetFrom("0.0.0.0", "93.184.216.34")),
		"a packet without its end":     ether(guest, server, ipv4.ProtocolNumber, long),
		"IPv6":                         ether(guest, server, header.IPv6ProtocolNumber, make([]byte, 60)),
		"IPv6 that says it is not":     ether(guest, server, ipv4.ProtocolNumber, append([]byte{0x60}, make([]byte, 59)...)),
		"a network in the network":     ether(guest, server, 0x8100, append([]byte{0, 1, 8, 0}, good...)),
		"who has my own":               whoHas(Address),
		"who has an address elsewhere": whoHas("169.254.169.254"),
		"who has this host":            whoHas("10.0.2.2"),
		"an answer that nobody asked":  reply,
		"a question to a stranger":     append([]byte(stranger), whoHas(Server)[6:]...),
		"a question elsewhere":         foreign,
		"half a question":              ether(guest, server, arp.ProtocolNumber, make([]byte, header.ARPSize-1)),
		"address for another":          asks(t, dhcpv4.MessageTypeDiscover, mac(3)),
		"address for a relay":          asks(t, dhcpv4.MessageTypeDiscover, dhcpv4.WithGatewayIP(net.ParseIP("10.0.0.1"))),
		"address of another server":    asks(t, dhcpv4.MessageTypeRequest, dhcpv4.WithOption(dhcpv4.OptServerIdentifier(net.ParseIP("10.0.2.2")))),
		"address given back":           asks(t, dhcpv4.MessageTypeRelease),
		"address in parts":             fragment,
		"a long name":                  asks(t, dhcpv4.MessageTypeDiscover, dhcpv4.WithGeneric(dhcpv4.OptionClientIdentifier, make([]byte, 1200))),
	} {
		t.Run(name, func(t *testing.T) {
			p, packets := plugged(t)
			p.send(frame)
			p.send(whoHas("192.0.2.200"))
			answer := p.receive()
			if answer.Type() != arp.ProtocolNumber || answer.SourceAddress() != server || answer.DestinationAddress() != guest {
				t.Fatalf("it was answered: %x", answer)
			}
			found := header.ARP(answer[header.EthernetMinimumSize:])
			if who := netip.AddrFrom4([4]byte(found.ProtocolAddressSender())); !found.IsValid() || who.String() != "192.0.2.200" || found.Op() != header.ARPReply {
				t.Fatalf("it was answered: %x is %v", found, who)
			}
			next := packetFrom(Address, "93.184.216.35")
			p.send(append(ether(guest, server, ipv4.ProtocolNumber, next), make([]byte, 26)...)) // filled up, as short frames are
			if got := <-packets; !bytes.Equal(got, next) {
				t.Errorf("%x came out", got)
			}
		})
	}
}

// TestCableBreaks: a length that no frame has ends the cable, and so does its other end, in the middle of whatever.
func TestCableBreaks(t *testing.T) {
	good := framed(ether(hardware(GuestMAC), hardware(ServerMAC), ipv4.ProtocolNumber, packetFrom(Address, "93.184.216.34")))
	for name, data := range map[string][]byte{
		"too long":      append([]byte{0, 1, 16, 1}, append(make([]byte, longestFrame+1), good...)...),
		"a text":        []byte("GET / HTTP/1.1\r\n"),
		"no length":     {0, 0},
		"no frame":      {0, 0, 0, 60, 1, 2, 3},
		"no long frame": {0, 1, 0, 0, 1, 2, 3},
	} {
		t.Run(name, func(t *testing.T) {
			p, packets := plugged(t)
			go func() {
				_, _ = p.conn.Write(data)
				p.conn.Close()
			}()
			if got, more := <-packets; more {
				t.Errorf("%x came out", got)
			}
		})
	}
}

// TestCloseWhileGuestIsSilent: a guest that asks and does not take the answers holds nobody up but itself.
func TestCloseWhileGuestIsSilent(t *testing.T) {
	near, far := net.Pipe()
	defer near.Close()
	w := Frames(far)
	ended := make(chan error, 1)
	go func() {
		_, err := w.Read(make([]byte, MTU))
		ended <- err
	}()
	if _, err := near.Write(framed(whoHas(Server))); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("got %v", err)
	}
}

// A still is a cable on which all is there that comes, and that keeps what goes.
type still struct {
	io.Reader
	sent bytes.Buffer
}

func (s *still) Write(p []byte) (int, error) { return s.sent.Write(p) }
func (*still) Close() error                  { return nil }

// FuzzFrames: whatever a guest sends, what comes out is packets of the guest, and what it hears are frames of the gate, not more
// than it has sent itself.
func FuzzFrames(f *testing.F) {
	f.Add(framed(whoHas(Server)))
	f.Add(append(framed(asks(f, dhcpv4.MessageTypeDiscover)), framed(asks(f, dhcpv4.MessageTypeRequest, dhcpv4.WithClientIP(net.ParseIP(Address))))...))
	f.Add(framed(ether(hardware(GuestMAC), hardware(ServerMAC), ipv4.ProtocolNumber, packetFrom(Address, "93.184.216.34"))))
	f.Add([]byte{0, 1, 0, 0, 1, 2})
	f.Fuzz(func(t *testing.T, data []byte) {
		s := &still{Reader: bytes.NewReader(data)}
		w := Frames(s)
		packet := make([]byte, 64<<10)
		for {
			n, err := w.Read(packet)
			if err != nil {
				break
			}
			p := header.IPv4(packet[:n])
			if n > MTU || !p.IsValid(n) || p.SourceAddress().String() != Address {
				t.Fatalf("%x came out", packet[:n])
			}
		}
		heard := 0
		for rest := s.sent.Bytes(); len(rest) > 0; heard++ {
			n := binary.BigEndian.Uint32(rest)
			if n > usualFrame || int(n) > len(rest)-4 {
				t.Fatalf("a frame of %d bytes", n)
			}
			if frame := header.Ethernet(rest[4 : 4+n]); frame.SourceAddress() != hardware(ServerMAC) {
				t.Fatalf("frame %x", frame)
			}
			rest = rest[4+n:]
		}
		if most := len(data) / (4 + header.EthernetMinimumSize); heard > most {
			t.Errorf("%d answers to at most %d frames", heard, most)
		}
	})
}
