package gate

import (
	"context"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// asked is a gate that answers questions without a sandbox.
func asked(hosts ...string) *Gate {
	return &Gate{told: map[netip.Addr]ports{}, o: Options{
		Hosts: hosts, Log: slog.New(slog.DiscardHandler), Own: func() []netip.Prefix { return nil },
		Resolve: func(_ context.Context, name string) ([]netip.Addr, error) {
			if name != "web.test" {
				return nil, &net.DNSError{IsNotFound: true}
			}
			return []netip.Addr{netip.MustParseAddr("93.184.216.34"), netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("2001:db8::1")}, nil
		},
	}}
}

func question(t testing.TB, name string, kind dnsmessage.Type) []byte {
	t.Helper()
	m := dnsmessage.Message{Header: dnsmessage.Header{ID: 7, RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(name), Type: kind, Class: dnsmessage.ClassINET}}}
	data, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestAnswer(t *testing.T) {
	for _, test := range []struct {
		name    string
		kind    dnsmessage.Type
		hosts   []string
		code    dnsmessage.RCode
		answers int
	}{
		{"web.test.", dnsmessage.TypeA, nil, dnsmessage.RCodeSuccess, 1},
		{"WEB.Test.", dnsmessage.TypeA, []string{"web.test"}, dnsmessage.RCodeSuccess, 1},
		{"web.test.", dnsmessage.TypeAAAA, nil, dnsmessage.RCodeSuccess, 0},
		{"web.test.", dnsmessage.TypeMX, nil, dnsmessage.RCodeSuccess, 0},
		{"no.test.", dnsmessage.TypeA, nil, dnsmessage.RCodeNameError, 0},
		{"web.test.", dnsmessage.TypeA, []string{"other.test"}, dnsmessage.RCodeNameError, 0},
		{"web.test.", dnsmessage.TypeA, []string{"*.Test.:443"}, dnsmessage.RCodeSuccess, 1},
		{"sub.web.test.", dnsmessage.TypeA, []string{"web.test"}, dnsmessage.RCodeNameError, 0},
		{strings.Repeat("secret.", 20) + "evil.test.", dnsmessage.TypeTXT, []string{"web.test"}, dnsmessage.RCodeNameError, 0},
	} {
		g := asked(test.hosts...)
		var m dnsmessage.Message
		if err := m.Unpack(g.answer(t.Context(), question(t, test.name, test.kind))); err != nil {
			t.Errorf("%s %v: %v", test.name, test.kind, err)
			continue
		}
		if m.ID != 7 || !m.Response || m.RCode != test.code || len(m.Answers) != test.answers {
			t.Errorf("%s %v for %v: %v with %d answers, want %v with %d", test.name, test.kind, test.hosts, m.RCode, len(m.Answers), test.code, test.answers)
		}
		if g.told[netip.MustParseAddr("10.0.0.1")] != nil {
			t.Errorf("%s: a private address was told", test.name)
		}
	}
}

// TestHosts: what a list of hosts says, in every form that it may have.
func TestHosts(t *testing.T) {
	for _, test := range []struct {
		hosts []string
		name  string
		ports ports
	}{
		{nil, "any.test", ports{every: true}},
		{[]string{"web.test"}, "WEB.test.", ports{every: true}},
		{[]string{"web.test:443"}, "web.test", ports{443: true}},
		{[]string{"web.test:443", "web.test:80"}, "web.test", ports{80: true, 443: true}},
		{[]string{"*.test:80", "web.test"}, "web.test", ports{80: true, every: true}},
		{[]string{"*.web.test"}, "a.b.web.test", ports{every: true}},
		{[]string{"*.web.test"}, "web.test", nil},
		{[]string{"*.web.test"}, "evilweb.test", nil},
		{[]string{"web.test:0"}, "web.test", nil},
		{[]string{"web.test:70000"}, "web.test", nil},
		{[]string{"web.test:443"}, "web.test:443", nil},
	} {
		got, known := asked(test.hosts...).knows(test.name)
		if known != (test.ports != nil) || !maps.Equal(got, test.ports) {
			t.Errorf("%s of %v: %v, %v; want %v", test.name, test.hosts, got, known, test.ports)
		}
	}
	g := asked("web.test:443", "*.other.test:80")
	a := netip.MustParseAddr("93.184.216.34")
	for i, want := range [][2]bool{{false, false}, {true, false}, {true, true}} {
		if https, http := g.unnamed(netip.AddrPortFrom(a, 443)) == "", g.unnamed(netip.AddrPortFrom(a, 80)) == ""; https != want[0] || http != want[1] {
			t.Errorf("after %d names of one address: 443 %v, 80 %v", i, https, http)
		}
		allowed, _ := g.knows([]string{"web.test", "shared.other.test", ""}[i])
		g.tell(a, allowed)
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add(question(f, "web.test.", dnsmessage.TypeA))
	f.Add(question(f, ".", dnsmessage.TypeALL))
	f.Add([]byte{0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 12})
	f.Fuzz(func(t *testing.T, data []byte) {
		answer := asked("web.test").answer(t.Context(), data)
		if answer == nil {
			return
		}
		var m dnsmessage.Message
		if err := m.Unpack(answer); err != nil || !m.Response || len(m.Answers) > mostAnswers {
			t.Errorf("answer %x to %x: %v", answer, data, err)
		}
	})
}

// TestToldIsBounded: a host whose owner has a new address for each question fills no memory, and the newest lead nowhere.
func TestToldIsBounded(t *testing.T) {
	g, given := asked("web.test"), 0
	g.o.Resolve = func(context.Context, string) ([]netip.Addr, error) {
		given++
		return []netip.Addr{netip.AddrFrom4([4]byte{93, byte(given >> 16), byte(given >> 8), byte(given)})}, nil
	}
	list, code := g.resolve(t.Context(), "web.test")
	for code == dnsmessage.RCodeSuccess && len(list) > 0 && given <= mostTold {
		list, code = g.resolve(t.Context(), "web.test")
	}
	if given != mostTold+1 || len(g.told) != mostTold || code != dnsmessage.RCodeSuccess {
		t.Errorf("%d were told of %d: %v", len(g.told), given, code)
	}
	if g = asked(); !g.tell(netip.MustParseAddr("93.0.0.1"), ports{every: true}) || len(g.told) != 0 {
		t.Errorf("%d are kept of those who may reach all", len(g.told))
	}
}
