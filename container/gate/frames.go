package gate

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net/netip"
	"sync"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/network/arp"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
)

// The hardware addresses at the two ends of a cable. They are the same for every machine: each has a cable of its own, and
// one that goes on from a saved state finds at the end of its new cable what was at the end of the old.
const (
	GuestMAC  = "52:54:00:c0:00:02"
	ServerMAC = "52:54:00:c0:00:01"
)

// The lengths of frames. QEMU sends none that are longer than the first; the interface of a guest that keeps to the MTU none
// that are longer than the second.
const (
	longestFrame = 68 << 10
	usualFrame   = header.EthernetMinimumSize + MTU
)

// A wire makes of a cable with frames an interface with packets.
type wire struct {
	cable io.ReadWriteCloser
	in    *bufio.Reader
	frame []byte

	guest, server tcpip.LinkAddress

	mu sync.Mutex // of writing
}

var _ io.ReadWriteCloser = (*wire)(nil)

// Frames makes of a virtual machine's cable what [Open] takes. Through the cable come Ethernet frames as QEMU sends them:
// their length as 4 bytes, the highest first, and so many bytes. There are two at the cable, the guest with GuestMAC and the
// gate, so that the gate is whoever the guest asks for (ARP), and it gives the guest its address (DHCP). What the guest sends
// in somebody else's name, or not to the gate, is nobody's.
//
// Nothing of what a guest says is kept, so that it cannot fill the bot's memory; a guest that does not take its answers waits
// for itself.
func Frames(cable io.ReadWriteCloser) io.ReadWriteCloser {
	w := &wire{cable: cable, in: bufio.NewReaderSize(cable, 64<<10), frame: make([]byte, usualFrame)}
	w.guest, w.server = hardware(GuestMAC), hardware(ServerMAC)
	return w
}

// hardware reads an address that is written well.
func hardware(text string) tcpip.LinkAddress {
	a, err := tcpip.ParseMACAddress(text)
	if err != nil {
		panic(err)
	}
	return a
}

// Read gives the next packet that is for the gate. Frames that are none of its business go unanswered; a length that no
// frame has ends the cable, as nobody knows where the next frame would begin.
func (w *wire) Read(p []byte) (int, error) {
	for {
		frame, err := w.next()
		if err != nil {
			return 0, err
		}
		if frame == nil || frame.SourceAddress() != w.guest {
			continue
		}
		body := frame[header.EthernetMinimumSize:]
		mine := frame.DestinationAddress() == w.server
		if !mine && frame.DestinationAddress() != header.EthernetBroadcastAddress {
			continue
		}
		switch frame.Type() {
		case arp.ProtocolNumber:
			err = w.ask(header.ARP(body))
		case ipv4.ProtocolNumber:
			packet, ok := whole(body)
			if !ok {
				continue
			}
			if question, asks := dhcpQuestion(packet); asks {
				err = w.lease(question)
			} else if from := netip.AddrFrom4(packet.SourceAddress().As4()); mine && from.String() == Address && len(packet) <= len(p) {
				return copy(p, packet), nil
			}
		}
		if err != nil {
			return 0, err
		}
	}
}

// next reads a frame; one that is too long or too short for the gate is nil.
func (w *wire) next() (header.Ethernet, error) {
	var length [4]byte
	if _, err := io.ReadFull(w.in, length[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(length[:])
	if n > longestFrame {
		return nil, fmt.Errorf("read frame: it would have %d bytes", n)
	}
	if n > usualFrame || n < header.EthernetMinimumSize {
		_, err := w.in.Discard(int(n))
		return nil, err
	}
	_, err := io.ReadFull(w.in, w.frame[:n])
	return header.Ethernet(w.frame[:n]), err
}

// whole cuts a packet out of its frame, which may be longer, as short ones are filled up.
func whole(body []byte) (header.IPv4, bool) {
	packet := header.IPv4(body)
	if !packet.IsValid(len(body)) {
		return nil, false
	}
	return packet[:packet.TotalLength()], true
}

// ask answers who has an address. The gate has all of the network but the guest's own: a guest that asks for that one wants
// to know whether somebody else has it.
func (w *wire) ask(question header.ARP) error {
	if !question.IsValid() || question.Op() != header.ARPRequest {
		return nil
	}
	asked := netip.AddrFrom4([4]byte(question.ProtocolAddressTarget()))
	network := netip.PrefixFrom(netip.MustParseAddr(Server), Bits).Masked()
	if !network.Contains(asked) || asked.String() == Address {
		return nil
	}
	answer := header.ARP(make([]byte, header.ARPSize))
	answer.SetIPv4OverEthernet()
	answer.SetOp(header.ARPReply)
	copy(answer.HardwareAddressSender(), w.server)
	copy(answer.ProtocolAddressSender(), question.ProtocolAddressTarget())
	copy(answer.HardwareAddressTarget(), question.HardwareAddressSender())
	copy(answer.ProtocolAddressTarget(), question.ProtocolAddressSender())
	return w.send(w.guest, arp.ProtocolNumber, answer)
}

// Write sends a packet to the guest.
func (w *wire) Write(packet []byte) (int, error) {
	if err := w.send(w.guest, ipv4.ProtocolNumber, packet); err != nil {
		return 0, err
	}
	return len(packet), nil
}

// send writes one frame.
func (w *wire) send(to tcpip.LinkAddress, kind tcpip.NetworkProtocolNumber, body []byte) error {
	const before = 4 + header.EthernetMinimumSize
	frame := make([]byte, before, before+len(body))
	binary.BigEndian.PutUint32(frame, uint32(header.EthernetMinimumSize+len(body)))
	header.Ethernet(frame[4:]).Encode(&header.EthernetFields{SrcAddr: w.server, DstAddr: to, Type: kind})
	w.mu.Lock()
	defer w.mu.Unlock()
	_, err := w.cable.Write(append(frame, body...))
	return err
}

// Close ends the cable, and with it what waits at it.
func (w *wire) Close() error { return w.cable.Close() }
