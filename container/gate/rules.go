package gate

import (
	"cmp"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
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

// ports are those at which an address may be reached.
type ports map[uint16]bool

// every stands for all ports.
const every = 0

// and is both sets together.
func (p ports) and(others ports) ports {
	all := maps.Clone(p)
	if all == nil {
		all = ports{}
	}
	maps.Copy(all, others)
	return all
}

// unnamed says why a job may not reach an address when only hosts are allowed by name; it is empty when it may.
func (g *Gate) unnamed(to netip.AddrPort) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	told := g.told[to.Addr().Unmap()]
	if len(g.o.Hosts) > 0 && !told[every] && !told[to.Port()] {
		return fmt.Sprintf("not an address of %v", g.o.Hosts)
	}
	return ""
}

// knows tells whether questions for a name are answered, and at which ports the host may be reached then.
func (g *Gate) knows(name string) (ports, bool) {
	if len(g.o.Hosts) == 0 {
		return ports{every: true}, true
	}
	name, found := plainName(name), ports{}
	for _, host := range g.o.Hosts {
		host, text, limited := strings.Cut(host, ":")
		port, err := strconv.ParseUint(cmp.Or(text, "0"), 10, 16)
		if err != nil || limited && port == every {
			continue // nobody is at such a port
		}
		domain, below := strings.CutPrefix(host, "*.")
		domain = plainName(domain)
		if below && strings.HasSuffix(name, "."+domain) || !below && name == domain {
			found[uint16(port)] = true
		}
	}
	return found, len(found) > 0
}
