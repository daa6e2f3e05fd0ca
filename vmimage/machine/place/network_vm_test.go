//go:build vm

package place_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/cyborg-bots/cyborg/container/gate"
	"github.com/cyborg-bots/cyborg/vmimage/machine/machinetest"
	"github.com/cyborg-bots/cyborg/vmimage/machine/place"
)

// A world is what a gate believes to be beyond it, and what was said of what was not let there.
type world struct {
	mu     sync.Mutex
	text   bytes.Buffer // the bot's log
	dialed []string
}

// The addresses of the world. They are of nobody's private network, and only the gate of a test ever sees them.
const (
	webAddress   = "93.184.216.34"
	otherAddress = "93.184.216.35"
)

// connect gives a place a world with a web server that is at every address.
func connect(t *testing.T) (*world, func(*place.Options)) {
	t.Helper()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "hello from %s\n", r.Host) }))
	t.Cleanup(web.Close)
	w := &world{}
	return w, func(o *place.Options) {
		o.Log = slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
		o.Gate = gate.Options{
			Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
				w.mu.Lock()
				w.dialed = append(w.dialed, network+" "+address)
				w.mu.Unlock()
				if network != "tcp4" {
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
			Own: func() []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix("93.184.217.0/24")} },
		}
	}
}

// Write implements io.Writer for the log.
func (w *world) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(p)
}

// TestVMNetwork: a job that may reach some hosts finds them by their names and reaches nothing else, whatever it does to its
// machine's network, and the bot's log says why not.
func TestVMNetwork(t *testing.T) {
	w, connected := connect(t)
	p := newPlace(t, connected)
	port, sprung := machinetest.Trap(t)
	s, out := job(t, strings.NewReplacer("PORT", fmt.Sprint(port), "OTHER", otherAddress, "WEB", webAddress).Replace(`
get() { timeout 100 wget -q -O - "http://$1/" 2>&1 | sed "s/^/$2: /"; }
try() { timeout 60 nc "$@" </dev/null && echo "reached $*"; }
cable=$(sed -n 's/^\([^[:space:]]*\)[[:space:]]00000000.*/\1/p' /proc/net/route)
echo "ways out: $(echo "$cable" | wc -w)"
get WEB early
get web.test fetched
get other.test named
get inside.test named
get OTHER direct
for host in 169.254.169.254 192.168.122.1 172.17.0.1 192.0.2.1 93.184.217.1; do try $host 80; done
try web.test 25
try 10.0.2.2 PORT # by QEMU's own network
ip route add 10.0.2.2/32 via 192.0.2.1 dev "$cable" # which is where ssh comes from, too
timeout 5 nc 10.0.2.2 PORT </dev/null && touch reached # by the gate
ip route del 10.0.2.2/32 via 192.0.2.1 dev "$cable"
[ ! -e reached ] || echo "reached by the gate"
ip addr add 192.0.2.77/24 dev "$cable"
ip route add WEB/32 via 192.0.2.1 dev "$cable" src 192.0.2.77
timeout 5 wget -q -O - http://web.test/ && echo "reached in another name"
ip route del WEB/32
arping -q -f -w 2 -c 1 -I "$cable" 192.0.2.2 && echo "somebody else has my address"
arping -q -f -w 2 -c 1 -I "$cable" 169.254.169.254 && echo "somebody has the address of a cloud"
udhcpc -n -q -t 3 -T 3 -i "$cable" -s /bin/true -r 192.0.2.99 2>&1 | grep -o 'lease of .* obtained'
get web.test again
`))
	s.Network = []string{"web.test", "inside.test"}
	result, err := p.Run(t.Context(), s)
	t.Logf("%s", out)
	if err != nil || result.Died != "" {
		t.Errorf("got %+v, %v", result, err)
	}
	for _, want := range []string{"ways out: 1\n", "fetched: hello from web.test\n", "again: hello from web.test\n", "lease of 192.0.2.2 obtained\n", "(from a saved state)\n"} {
		if strings.Count(out.String(), want) != 1 {
			t.Errorf("the log has not once %q", want)
		}
	}
	for _, never := range []string{"early: hello", "named: hello", "direct: hello", "reached", "somebody"} {
		if strings.Contains(out.String(), never) {
			t.Errorf("the log has %q", never)
		}
	}
	if sprung() {
		t.Error("the machine reached a port of this host's loopback interface")
	}
	w.said(t)
}

// said demands that the gate went nowhere but to the web server, and that each refusal is explained.
func (w *world) said(t *testing.T) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, d := range w.dialed {
		if d != "tcp4 "+webAddress+":80" {
			t.Errorf("the gate connected to %s", d)
		}
	}
	for _, want := range []string{
		`msg="not told" job=verify name=other.test.`, `name=inside.test address=10.0.2.2 why="not on the Internet"`,
		"to=" + webAddress + `:80 why="not an address of [web.test inside.test]"`, "to=" + otherAddress + `:80 why="not an address of`,
		`to=169.254.169.254:80 why="not on the Internet"`, `to=192.168.122.1:80 why="not on the Internet"`, `to=172.17.0.1:80 why="not on the Internet"`,
		`to=93.184.217.1:80 why="in a network of this machine"`, "to=" + webAddress + `:25 why="a mail server"`, "to=10.0.2.2:",
	} {
		if !strings.Contains(w.text.String(), want) {
			t.Errorf("the bot's log has no %s", want)
		}
	}
	if t.Failed() {
		t.Log(w.text.String())
	}
}
