package containertest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/cyborg-bots/cyborg/container"
	"github.com/cyborg-bots/cyborg/container/gate"
)

// An internet is what a gate believes to be beyond it: two names, a web server, and an echo for datagrams. What it is
// asked to connect to is kept.
type internet struct {
	web  *httptest.Server
	echo net.PacketConn
	blob []byte

	mu     sync.Mutex
	dialed []string
}

// The addresses of the internet. They are of nobody's private network, and only the test's hooks ever see them.
const (
	webAddress   = "93.184.216.34"
	otherAddress = "93.184.216.35"
	ownAddress   = "93.184.217.1"
)

func newInternet(t *testing.T) *internet {
	t.Helper()
	n := &internet{blob: make([]byte, 8<<20)}
	for i := range n.blob {
		n.blob[i] = byte(i * i >> 7)
	}
	n.web = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/blob":
			_, _ = w.Write(n.blob)
		case r.Method == http.MethodPost:
			size, _ := io.Copy(io.Discard, r.Body)
			fmt.Fprintf(w, "got %d\n", size)
		default:
			fmt.Fprintf(w, "hello from %s\n", r.Host)
		}
	}))
	t.Cleanup(n.web.Close)
	var config net.ListenConfig
	echo, err := config.ListenPacket(t.Context(), "udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { echo.Close() })
	n.echo = echo
	go func() {
		packet := make([]byte, 2048)
		for {
			size, from, err := echo.ReadFrom(packet)
			if err != nil {
				return
			}
			_, _ = echo.WriteTo(packet[:size], from)
		}
	}()
	return n
}

// options are those of a gate before this internet.
func (n *internet) options() gate.Options {
	return gate.Options{
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			n.mu.Lock()
			n.dialed = append(n.dialed, network+" "+address)
			n.mu.Unlock()
			var d net.Dialer
			switch {
			case network == "udp4" && address == webAddress+":5000":
				return d.DialContext(ctx, network, n.echo.LocalAddr().String())
			case network == "tcp4" && strings.HasSuffix(address, ":80"):
				return d.DialContext(ctx, network, n.web.Listener.Addr().String())
			}
			return nil, errors.New("nobody is there")
		},
		Resolve: func(_ context.Context, name string) ([]netip.Addr, error) {
			known := map[string]string{"web.test": webAddress, "other.test": otherAddress, "inside.test": "10.1.2.3", "metadata.test": "169.254.169.254", "own.test": ownAddress}
			if a, ok := known[name]; ok {
				return []netip.Addr{netip.MustParseAddr(a)}, nil
			}
			return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
		},
		Own: func() []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix("93.184.217.0/24")} },
	}
}

// asked is what was connected to so far.
func (n *internet) asked() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]string(nil), n.dialed...)
}

// fetch is a program for perl: get(host, path) prints what a web server says, or why not.
const fetch = `use Socket qw(:DEFAULT inet_pton); use strict; $| = 1;
sub via { my ($host, $port) = @_; my $a = inet_aton($host) or return; socket(my $s, PF_INET, SOCK_STREAM, 0) or return;
	connect($s, sockaddr_in($port, $a)) or return; select((select($s), $| = 1)[0]); return $s }
sub get { my ($host, $path) = @_; my $s = via($host, 80) or do { print "$host: $!\n"; return };
	print $s "GET $path HTTP/1.0\r\nHost: $host\r\n\r\n"; local $/; my $all = <$s>; $all =~ s/.*?\r\n\r\n//s; return $all }
`

// networks are the tests of what a sandbox may reach.
func networks(t *testing.T, p Place) {
	for name, test := range map[string]func(*testing.T, Place, *internet){
		"internet":                   reachesOut,
		"not the networks around it": staysOut,
		"hosts only":                 hostsOnly,
		"much data":                  muchData,
		"datagrams":                  datagrams,
	} {
		t.Run("network/"+name, func(t *testing.T) {
			t.Parallel()
			test(t, p, newInternet(t))
		})
	}
}

// online prepares a perl program as a job behind a gate.
func online(t *testing.T, p Place, n *internet, hosts []string, program string) *bench {
	t.Helper()
	b := newBench(t, p, "")
	b.runner = p.Online(b.scratch(), n.options())
	b.spec.Argv, b.spec.Network = []string{"perl", "-e", fetch + program}, hosts
	return b
}

func reachesOut(t *testing.T, p Place, n *internet) {
	b := online(t, p, n, nil, `print get("web.test", "/"); print get("`+otherAddress+`", "/"); print inet_aton("nobody.test") ? "found" : "not found"`)
	ends(t, b, container.Result{})
	if got, want := b.output.String(), "hello from web.test\nhello from "+otherAddress+"\nnot found"; got != want {
		t.Errorf("output %q, want %q", got, want)
	}
}

// forbidden are addresses that no job may reach.
func forbidden() []string {
	return []string{
		"10.0.0.1", "172.17.0.1", "172.31.255.1", "192.168.0.1", "192.168.122.1", "169.254.169.254", "169.254.170.2", "100.100.100.200",
		"192.0.0.192", "198.18.0.1", "224.0.0.1", "255.255.255.255", "0.0.0.0", "127.0.0.1", "127.1.2.3", gate.Server, ownAddress, "93.184.217.9",
	}
}

func staysOut(t *testing.T, p Place, n *internet) {
	b := online(t, p, n, nil, `
		for my $host (qw(`+strings.Join(forbidden(), " ")+` inside.test metadata.test own.test)) {
			for my $port (80, 22, 5000) { print "reached $host:$port\n" if via($host, $port) }
			if (my $a = inet_aton($host)) { socket(my $u, PF_INET, SOCK_DGRAM, 0); send($u, "x", 0, sockaddr_in(5000, $a)); }
		}
		print "mail\n" if via("web.test", 25);
		socket(my $s, PF_INET6, SOCK_STREAM, 0);
		print "reached v6\n" if connect($s, pack("S n N a16 N", PF_INET6, 80, 0, inet_pton(PF_INET6, "2606:2800:220:1::1"), 0));
		print get("web.test", "/");`)
	ends(t, b, container.Result{})
	if got := b.output.String(); got != "hello from web.test\n" {
		t.Errorf("output %q", got)
	}
	for _, dialed := range n.asked() {
		if dialed != "tcp4 "+webAddress+":80" {
			t.Errorf("the gate connected to %s", dialed)
		}
	}
}

func hostsOnly(t *testing.T, p Place, n *internet) {
	b := online(t, p, n, []string{"web.test"}, `
		print "too early\n" if via("`+webAddress+`", 80);
		print get("WEB.test", "/");
		for my $host ("other.test", "`+otherAddress+`", "inside.test") { print "reached $host\n" if via($host, 80) }
		print get("`+webAddress+`", "/");`)
	ends(t, b, container.Result{})
	if got, want := b.output.String(), "hello from WEB.test\nhello from "+webAddress+"\n"; got != want {
		t.Errorf("output %q, want %q", got, want)
	}
}

func muchData(t *testing.T, p Place, n *internet) {
	b := online(t, p, n, nil, `binmode STDOUT; print get("web.test", "/blob");
		my $s = via("web.test", 80); my $body = "x" x 5_000_000;
		print $s "POST / HTTP/1.0\r\nHost: x\r\nContent-Length: " . length($body) . "\r\n\r\n$body"; my @all = <$s>; print $all[-1];`)
	b.spec.Limits.Memory = 0
	ends(t, b, container.Result{})
	got, uploaded := strings.CutSuffix(b.output.String(), "got 5000000\n")
	if !uploaded {
		t.Error("the upload did not arrive whole")
	}
	if sha256.Sum256([]byte(got)) != sha256.Sum256(n.blob) {
		t.Errorf("%d bytes came, want %d and the same", len(got), len(n.blob))
	}
}

func datagrams(t *testing.T, p Place, n *internet) {
	b := online(t, p, n, nil, `socket(my $u, PF_INET, SOCK_DGRAM, 0); my $to = sockaddr_in(5000, inet_aton("web.test"));
		for my $try (1..100) { send($u, "ping $try", 0, $to); my $r = ""; vec($r, fileno($u), 1) = 1;
			if (select($r, undef, undef, 2)) { recv($u, my $back, 100, 0); print "$back\n"; exit } }`)
	ends(t, b, container.Result{})
	if !strings.HasPrefix(b.output.String(), "ping ") {
		t.Errorf("output %q", b.output)
	}
}
