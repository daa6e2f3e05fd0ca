package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/cyborg-bots/cyborg/agent"
	"github.com/cyborg-bots/cyborg/claim/hub"
	"github.com/cyborg-bots/cyborg/selftest"
	"github.com/cyborg-bots/cyborg/tasks"
)

// greet says to the person who reads a bot's first lines what it found and what follows from that. What it may take
// depends on what the repositories teach, and is said by a welcome at the first look.
func (b *bot) greet(login string, report selftest.Report) {
	f := b.flags
	b.greets = true
	say := func(format string, args ...any) { fmt.Fprintf(f.env.Stderr, "cyborg: "+format+"\n", args...) }
	say("%s is %s as @%s, on %s %s/%s", f.name, buildVersion(), login, hostName(), runtime.GOOS, runtime.GOARCH)
	say("serves %s: looks every %v, does %s", listed(b.repos), f.poll, counted(f.jobs, "job at the same time", "jobs at the same time"))
	var found []string
	for _, p := range report.Probes {
		if p.OK && slices.Contains([]string{"cpus", "memory", "disk", "git", "clock"}, p.Name) {
			found = append(found, p.Name+" "+p.Finding)
		}
	}
	say("found: %s", strings.Join(found, "; "))
	say("can do: %s", cmp.Or(b.has.String(), "nothing"))
	say("jobs run: %s", strings.Join(b.placesHere(), "; "))
	say("outsiders: %s", b.outsiders())
	say("state: %s%s", b.state, lasting(b.state))
	say("logs: %s", b.logs())
	say("asked to stop, it gives running jobs %v, and what is left to its peers", f.drain)
}

// placesHere says of each kind of place whether jobs run in it.
func (b *bot) placesHere() []string {
	var list []string
	for _, kind := range []tasks.PlaceKind{tasks.InVM, tasks.InContainer, tasks.OnHost} {
		switch {
		case kind == tasks.OnHost && b.offers(kind):
			where := "with all that " + userName() + " may do here"
			if contained() {
				where = "with all that " + userName() + " may do in this container"
			}
			list = append(list, "on the host, "+where)
		case kind == tasks.InContainer && !b.offers(kind) && b.offers("sandbox"):
			list = append(list, "in a sandbox of this machine's own programs, but no container IMAGE")
		case b.offers(kind):
			list = append(list, fmt.Sprintf("in a %s", kind))
		default:
			list = append(list, fmt.Sprintf("not in a %s, this bot has none", kind))
		}
	}
	return list
}

func (b *bot) offers(kind tasks.PlaceKind) bool {
	return slices.ContainsFunc(b.has, func(c tasks.Capability) bool { return c.Name == string(kind) })
}

// outsiders says what happens to pull requests of people without write access.
func (b *bot) outsiders() string {
	if !b.holdsBack() {
		return "their pull requests are left to bots that have a vm or a container"
	}
	return "their pull requests wait for /ok-to-test, and never run on the host, nor with secrets"
}

// logs says where people find them.
func (b *bot) logs() string {
	if b.store.URL("x") == "" {
		return "on this machine only, statuses have no link: give --logs and --public-url"
	}
	return "at " + strings.TrimSuffix(b.store.URL("x"), "/x")
}

// contained tells whether this is a container, as the programs say that make them.
func contained() bool {
	for _, mark := range []string{"/.dockerenv", "/run/.containerenv"} {
		if _, err := os.Stat(mark); err == nil {
			return true
		}
	}
	return os.Getenv("KUBERNETES_SERVICE_HOST") != ""
}

// lasting says what becomes of the state folder when the container goes.
func lasting(dir string) string {
	if !contained() || mounted(dir) {
		return ""
	}
	return ", gone with the container: a volume there saves the next one a clone"
}

// mounted tells whether a folder is a file system of its own.
func mounted(dir string) bool {
	table, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(table)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[1] == dir {
			return true
		}
	}
	return false
}

func listed(repos []hub.Repo) string {
	var names []string
	for _, r := range repos {
		names = append(names, r.String())
	}
	return strings.Join(names, ", ")
}

func counted(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}

// A welcome is a Teacher that says once for each repository which of its tasks the bot takes, and which not and why.
type welcome struct {
	agent.Teacher
	bot *bot

	mu   sync.Mutex
	said map[string]bool
}

var _ agent.Teacher = (*welcome)(nil)

// Catalogue implements agent.Teacher.
func (w *welcome) Catalogue(ctx context.Context, repo hub.Repo, commit string) (*tasks.Catalogue, error) {
	catalogue, err := w.Teacher.Catalogue(ctx, repo, commit)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.bot.greets || w.said[repo.String()] {
		return catalogue, nil
	}
	if w.said == nil {
		w.said = map[string]bool{}
	}
	w.said[repo.String()] = true
	takes, leaves := w.bot.sort(catalogue)
	fmt.Fprintf(w.bot.flags.env.Stderr, "cyborg: %s: takes %s\n", repo, cmp.Or(strings.Join(takes, " "), "nothing"))
	if len(leaves) > 0 {
		fmt.Fprintf(w.bot.flags.env.Stderr, "cyborg: %s: leaves %s\n", repo, strings.Join(leaves, "; "))
	}
	return catalogue, nil
}

// sort tells the tasks that this bot takes from those that it leaves to others, and says why.
func (b *bot) sort(catalogue *tasks.Catalogue) (takes, leaves []string) {
	for _, t := range catalogue.Tasks {
		if t.Builtin() {
			continue
		}
		if why := agent.Lacks(t, b.has); why != "" {
			leaves = append(leaves, t.Name+" ("+why+")")
		} else {
			takes = append(takes, t.Name)
		}
	}
	for _, p := range catalogue.Problems {
		leaves = append(leaves, p.Task.Name+" ("+tasks.Brief(p.Err)+")")
	}
	return takes, leaves
}
