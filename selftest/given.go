package selftest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Secrets asks whether the secrets are there that the bot may hand to tasks; then it has each as a capability
// (secret=NPM_TOKEN). read gives them by name. What one says is never shown, nor anything of it.
func Secrets(read func() (map[string]string, error)) Probe {
	return Probe{
		Name: "secrets", Doc: "which secrets may be handed to tasks",
		Hint: "CYBORG_SECRETS is a folder with a file for each secret, named as headers name it",
		Check: func(context.Context) (Finding, error) {
			all, err := read()
			if err != nil {
				return Finding{}, err
			}
			var full, empty, words []string
			for name, secret := range all {
				if secret == "" {
					empty = append(empty, name)
					continue
				}
				full, words = append(full, name), append(words, "secret="+name)
			}
			slices.Sort(full)
			slices.Sort(empty)
			f := Finding{OK: len(full) > 0, Text: strings.Join(full, ", "), Capabilities: words}
			switch {
			case len(empty) > 0: // it is there for nobody's good: the task that wants it would fail
				f.Text = strings.TrimPrefix(f.Text+"; nothing is in "+strings.Join(empty, ", "), "; ")
				f.Hint = "write the secret into its file, or remove the file"
			case len(full) == 0:
				f.Text = "there is none"
			}
			return f, nil
		},
	}
}

// networkTime is how long a machine in a network has to answer. One that packets to get lost in says nothing at all.
const networkTime = 5 * time.Second

// Network asks whether the bot is in a network that tasks name ("lab"), by connecting to something that is only to be had
// in there; then it has the capability network=lab. address is HOST:PORT.
func Network(name, address string) Probe {
	return Probe{
		Name: "network", Doc: "is the bot in the network " + name, Cheap: true, Timeout: networkTime,
		Hint: "connect this machine to the network " + name + ", or leave it out of CYBORG_NETWORKS",
		Check: func(ctx context.Context) (Finding, error) {
			conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
			if err != nil {
				return Finding{Text: fmt.Sprintf("not in %s: %s", name, unreached(ctx, address, err))}, nil
			}
			conn.Close()
			return Finding{OK: true, Text: fmt.Sprintf("in %s: %s answers", name, address), Capabilities: []string{"network=" + name}}, nil
		},
	}
}

// unreached is why nobody was met at an address.
func unreached(ctx context.Context, address string, err error) string {
	if unknown, ok := errors.AsType[*net.DNSError](err); ok && unknown.IsNotFound {
		return "nobody knows " + unknown.Name
	}
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return address + " refuses"
	case ctx.Err() != nil:
		return fmt.Sprintf("%s does not answer within %v", address, networkTime)
	}
	return err.Error()
}
