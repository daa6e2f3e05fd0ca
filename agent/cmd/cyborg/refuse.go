package main

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"

	"github.com/cyborg-bots/cyborg/claim/hub"
	"github.com/cyborg-bots/cyborg/selftest"
)

// riskFlags are with what a bot starts although one better does not.
type riskFlags struct{ socket, token bool }

func (r *riskFlags) register(fs *flag.FlagSet) {
	fs.BoolVar(&r.socket, "allow-engine-socket", false, "start in a container that can command the machine's Docker or Podman")
	fs.BoolVar(&r.token, "allow-broad-token", false, "start with a token that may do more than a bot needs")
}

// refuse says why a bot does not start: what would make a way out of one job the end of the machine, or of the
// repositories. Each has a flag for those who know what they do. mounted tells whether a file is one that somebody put into this container.
func (b *bot) refuse(uid int, mounted func(name string) bool) error {
	var errs []error
	if uid == 0 && !b.holdsBack() && !b.boxes.refusedByName() {
		errs = append(errs, &exitError{Code: exitInfra, Err: errors.New("start as root without a sandbox: each job would be root on this machine"),
			Hint: "install bubblewrap, or start the bot as another user; --sandbox none accepts it"})
	}
	if socket := engineSocket(mounted); socket != "" && !b.flags.risk.socket {
		errs = append(errs, &exitError{Code: exitInfra, Err: fmt.Errorf("start with %s in this container: whoever can open it owns the machine", socket),
			Hint: "leave the socket out of the container, a bot does not need it; --allow-engine-socket accepts it"})
	}
	if more := b.tooMuch(); len(more) > 0 && !b.flags.risk.token {
		errs = append(errs, &exitError{Code: exitInfra, Err: fmt.Errorf("start with a token that may do more than a bot needs: %s", strings.Join(more, ", ")),
			Hint: "use a fine-grained token or a GitHub App that is limited to the repositories served; --allow-broad-token accepts it"})
	}
	if len(errs) == 0 {
		return nil
	}
	return errs[0] // one after the other: each has a hint of its own
}

// refusedByName tells whether a person said that no sandbox is wanted.
func (s *sandboxes) refusedByName() bool { return s.named && s.bubble == nil && len(s.engine) == 0 }

// engineSocket is where a Docker or Podman outside can be commanded; empty if nowhere. One that runs in here is no danger
// for the machine outside, and its socket is not mounted.
func engineSocket(mounted func(name string) bool) string {
	for _, name := range []string{"/run/docker.sock", "/var/run/docker.sock", "/run/podman/podman.sock", "/run/containerd/containerd.sock"} {
		if mounted(name) {
			return name
		}
	}
	return ""
}

// tooMuch lists what the bot's token may do beyond a bot's work.
func (b *bot) tooMuch() []string {
	scopes := scopesOf(b.user)
	list := selftest.Excess(scopes)
	if !slices.Contains(scopes, "repo") {
		return list
	}
	for name, r := range b.names {
		if r.Permission == "admin" {
			list = append(list, "repo, as @"+b.user.Login+", who is an admin of "+name)
		}
	}
	slices.Sort(list)
	return list
}

// scopesOf lists the scopes of a classic token.
func scopesOf(u hub.User) []string {
	return strings.FieldsFunc(u.Scopes, func(r rune) bool { return r == ',' || r == ' ' })
}
