package gate

import (
	"encoding/binary"
	"math"
	"net"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/iana"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/checksum"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
)

// forever is a lease that never ends, as RFC 2131 writes it: there is nobody else to give the address to.
const forever = math.MaxUint32 * time.Second

// dhcpQuestion is what a guest asks of its server of addresses, if the packet is such a question.
func dhcpQuestion(packet header.IPv4) ([]byte, bool) {
	if packet.TransportProtocol() != header.UDPProtocolNumber || packet.More() || packet.FragmentOffset() != 0 {
		return nil, false
	}
	datagram := header.UDP(packet.Payload())
	if len(datagram) < header.UDPMinimumSize || datagram.DestinationPort() != dhcpv4.ServerPort {
		return nil, false
	}
	end := min(max(int(datagram.Length()), header.UDPMinimumSize), len(datagram))
	return datagram[header.UDPMinimumSize:end], true
}

// lease answers a question for an address. There is one to give, to one guest, for as long as it lives.
func (w *wire) lease(question []byte) error {
	asked, err := dhcpv4.FromBytes(question)
	if err != nil || !w.fromGuest(asked) {
		return nil
	}
	server, address := net.ParseIP(Server).To4(), net.ParseIP(Address).To4()
	if other := asked.ServerIdentifier(); other != nil && !other.Equal(server) {
		return nil
	}
	var kind dhcpv4.MessageType
	switch asked.MessageType() {
	case dhcpv4.MessageTypeDiscover:
		kind = dhcpv4.MessageTypeOffer
	case dhcpv4.MessageTypeInform:
		kind, address = dhcpv4.MessageTypeAck, nil // it has one, and wants to know the rest
	case dhcpv4.MessageTypeRequest:
		kind = dhcpv4.MessageTypeAck
		wanted := asked.RequestedIPAddress()
		if wanted == nil {
			wanted = asked.ClientIPAddr
		}
		if !wanted.Equal(address) {
			kind = dhcpv4.MessageTypeNak
		}
	default:
		return nil
	}
	answer, err := reply(asked, kind, server, address)
	if err != nil {
		return nil // the question was not one that can be answered
	}
	to, hardware := net.IPv4bcast.To4(), header.EthernetBroadcastAddress
	if kind != dhcpv4.MessageTypeNak && !asked.IsBroadcast() {
		to, hardware = net.ParseIP(Address).To4(), w.guest
	}
	packet := datagram(server, to, answer.ToBytes())
	if len(packet) > MTU {
		return nil // it has in it what the guest calls itself
	}
	return w.send(hardware, ipv4.ProtocolNumber, packet)
}

// fromGuest tells whether it is the guest itself that asks, not somebody for whom it asks.
func (w *wire) fromGuest(m *dhcpv4.DHCPv4) bool {
	relayed := m.GatewayIPAddr != nil && !m.GatewayIPAddr.IsUnspecified()
	return m.OpCode == dhcpv4.OpcodeBootRequest && m.HWType == iana.HWTypeEthernet && string(m.ClientHWAddr) == string(w.guest) && !relayed
}

// reply makes the answer: an address, or none, and what goes with it.
func reply(asked *dhcpv4.DHCPv4, kind dhcpv4.MessageType, server, address net.IP) (*dhcpv4.DHCPv4, error) {
	with := []dhcpv4.Modifier{
		dhcpv4.WithMessageType(kind),
		dhcpv4.WithOption(dhcpv4.OptServerIdentifier(server)),
	}
	if kind != dhcpv4.MessageTypeNak {
		with = append(with,
			dhcpv4.WithNetmask(net.CIDRMask(Bits, 32)), dhcpv4.WithRouter(server), dhcpv4.WithDNS(server),
			dhcpv4.WithGeneric(dhcpv4.OptionInterfaceMTU, binary.BigEndian.AppendUint16(nil, MTU)))
		if address != nil {
			with = append(with, dhcpv4.WithYourIP(address), dhcpv4.WithOption(dhcpv4.OptIPAddressLeaseTime(forever)))
		}
	}
	return dhcpv4.NewReplyFromRequest(asked, with...)
}

// datagram makes a packet of what the server of addresses says.
func datagram(from, to net.IP, text []byte) []byte {
	packet := header.IPv4(make([]byte, header.IPv4MinimumSize+header.UDPMinimumSize+len(text)))
	source, destination := tcpip.AddrFromSlice(from), tcpip.AddrFromSlice(to)
	packet.Encode(&header.IPv4Fields{
		TotalLength: uint16(len(packet)), TTL: 64, Protocol: uint8(header.UDPProtocolNumber), SrcAddr: source, DstAddr: destination,
	})
	packet.SetChecksum(^packet.CalculateChecksum())
	body := header.UDP(packet.Payload())
	body.Encode(&header.UDPFields{SrcPort: dhcpv4.ServerPort, DstPort: dhcpv4.ClientPort, Length: uint16(len(body))})
	copy(body.Payload(), text)
	sum := header.PseudoHeaderChecksum(header.UDPProtocolNumber, source, destination, uint16(len(body)))
	body.SetChecksum(^body.CalculateChecksum(checksum.Checksum(text, sum)))
	return packet
}
