package machine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// A Network is a Switch with a place on this host: it is named, locked and swept as a machine is.
type Network struct {
	*Switch
	dir  string
	lock *os.File
}

// Network makes a private network. Life is as that of a Spec.
func (p *Pool) Network(life time.Duration) (*Network, error) {
	n, err := p.network(life)
	if err != nil {
		return nil, fmt.Errorf("make network: %w", err)
	}
	return n, nil
}

func (p *Pool) network(life time.Duration) (*Network, error) {
	if err := os.MkdirAll(p.o.Dir, 0o700); err != nil {
		return nil, err
	}
	name, lock, err := takeName(p.o.Dir, time.Now().Add(orDefault(life, DefaultLife)))
	if err != nil {
		return nil, err
	}
	n := &Network{dir: filepath.Join(p.o.Dir, name), lock: lock}
	if err := os.Mkdir(n.dir, 0o700); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	if n.Switch, err = NewSwitch(filepath.Join(n.dir, "net")); err != nil {
		return nil, errors.Join(err, removeFiles(n.dir, lock))
	}
	return n, nil
}

// Close ends the network and removes what it was. Its machines go on without it.
func (n *Network) Close() error {
	if err := errors.Join(n.Switch.Close(), removeFiles(n.dir, n.lock)); err != nil {
		return fmt.Errorf("end network: %w", err)
	}
	return nil
}

// A Node is a machine's place in a network.
type Node struct {
	Machine *Machine
	Name    string // by which the others reach it
	Address string // IPv4
}

// networkBits is how long the common part of the addresses of one network is.
const networkBits = "24"

// Join puts machines with an interface to one network into it: each gets its address, and the names of all. Whoever works
// in one enters the others by "ssh NAME" without being asked anything, with a key that is made for that and by their host
// keys, which are known.
func Join(ctx context.Context, nodes []Node) error {
	k, err := newKey()
	if err != nil {
		return err
	}
	var hosts, known strings.Builder
	for _, n := range nodes {
		fmt.Fprintf(&hosts, "%s %s\n", n.Address, n.Name)
		for _, name := range []string{n.Name, n.Address} { // a line each, as dropbear reads no lists of names
			fmt.Fprintf(&known, "%s %s", name, ssh.MarshalAuthorizedKey(n.Machine.hostKey))
		}
	}
	failed := make(chan error, len(nodes))
	for i, n := range nodes {
		script := joinScript(n, hosts.String())
		if i > 0 { // the first is what it was
			script += "echo " + n.Name + " >/proc/sys/kernel/hostname\n"
		}
		script += keyFiles(k, known.String())
		go func() { failed <- n.configure(ctx, script) }()
	}
	for range nodes {
		err = errors.Join(err, <-failed)
	}
	return err
}

// joinScript gives a guest its address, whatever it has to do that with, and the names of all.
func joinScript(n Node, hosts string) string {
	return `set -eu
device=
for d in /sys/class/net/*; do
	[ "$(cat "$d/address")" != ` + Quote(n.Machine.mac) + ` ] || device=${d##*/}
done
[ -n "$device" ] || { echo "it has no interface with the address" ` + Quote(n.Machine.mac) + `; exit 1; }
if command -v ip >/dev/null; then
	ip link set "$device" up
	ip address add ` + n.Address + "/" + networkBits + ` dev "$device"
else
	ifconfig "$device" ` + n.Address + ` netmask 255.255.255.0 up
fi
printf %s ` + Quote(hosts) + ` >>/etc/hosts
umask 077
mkdir -p ~/.ssh
`
}

// keyFiles are lines of a script that give a guest the key, in the file and the form of either ssh, and let in who has it.
func keyFiles(k key, known string) string {
	return "printf %s " + Quote(string(k.private)) + " >~/.ssh/id_ed25519\n" +
		"printf %b " + Quote(octal(k.dropbear())) + " >~/.ssh/id_dropbear\n" +
		"printf %s " + Quote(known) + " >>~/.ssh/known_hosts\n" +
		"echo " + Quote(k.authorized) + " >>~/.ssh/authorized_keys\n"
}

// octal writes any bytes for the %b of printf.
func octal(raw []byte) string {
	var b strings.Builder
	for _, c := range raw {
		fmt.Fprintf(&b, `\0%03o`, c)
	}
	return b.String()
}

// configure runs a script in a guest.
func (n Node) configure(ctx context.Context, script string) error {
	var said strings.Builder
	exit, err := n.Machine.Run(ctx, Cmd{Argv: []string{"sh", "-s"}, Stdin: strings.NewReader(script), Output: &limited{w: &said, left: 1 << 10}})
	switch {
	case err != nil:
		return fmt.Errorf("put machine %s into its network: %w", n.Name, err)
	case exit != Exit{}:
		return fmt.Errorf("put machine %s into its network: %w: %s", n.Name, ErrGuest, printable(strings.TrimSpace(said.String())))
	}
	return nil
}

// Died waits until the machine has died, and tells of what, as Run does. The end of ctx is nil.
func (m *Machine) Died(ctx context.Context) error {
	ended := make(chan error, 1)
	go func() { ended <- m.client.Wait() }() // at the latest Close ends that
	err := m.follow(ctx, ended, func() {})
	if ctx.Err() != nil {
		return nil
	}
	return m.explain(ctx, "watch", cmp.Or(err, errSilent))
}
