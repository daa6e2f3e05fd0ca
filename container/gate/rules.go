package gate

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
)

// closed are the networks that nobody on the Internet has, or that are not for a job: this host, private networks,
// those of carriers, link-local ones, for documentation and tests, relays, groups, and what is set aside.
func closed() []netip.Prefix {
	var list []netip.Prefix
	for _, text := range []string{
		"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
		"192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
	} {
		list = append(list, netip.MustParsePrefix(text))
	}
	return list
}

// ownNetworks are those that the machine has an address in. Its neighbours are there, and it is itself.
func ownNetworks() []netip.Prefix {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")} // who does not know where he is lets nobody out
	}
	var list []netip.Prefix
	for _, a := range addresses {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			list = append(list, p.Masked())
		}
	}
	return list
}

// mail is the port at which mail servers take letters from strangers.
const mail = 25

// refuses says why no job may reach an address; it is empty when it may.
func (g *Gate) refuses(to netip.AddrPort) string {
	a := to.Addr().Unmap()
	in := func(p netip.Prefix) bool { return p.Contains(a) }
	switch {
	case !a.Is4():
		return "not an IPv4 address"
	case slices.ContainsFunc(closed(), in):
		return "not on the Internet"
	case slices.ContainsFunc(g.o.Own(), in):
		return "in a network of this machine"
	case to.Port() == mail:
		return "a mail server"
	}
	return ""
}

// unnamed says why a job may not reach an address when only hosts are allowed by name; it is empty when it may.
func (g *Gate) unnamed(to netip.AddrPort) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.o.Hosts) > 0 && !g.told[to.Addr().Unmap()] {
		return fmt.Sprintf("not an address of %v", g.o.Hosts)
	}
	return ""
}

// knows tells whether questions for a name are answered.
func (g *Gate) knows(name string) bool {
	return len(g.o.Hosts) == 0 || slices.Contains(g.o.Hosts, plainName(name))
}
