//go:build linux

package shadow

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyborg-bots/cyborg/container"
)

// smallBot has the manners of a bot at its window, and not its mind: it takes one job that wants a machine, if it has one, and
// one that does not.
func smallBot(word, has string) int {
	switch word {
	case "selftest":
		fmt.Println(`{"probes": [{"name": "disk", "ok": true, "finding": "1 GB"}], "capabilities": ["disk=1G", "host"]}`)
	case "demo":
	case "scan":
		list := []string{`{"line": "cyborg lint", "place": "host", "priority": 5}`}
		if strings.Contains(has, "vm") {
			list = append(list, `{"line": "cyborg verify", "place": "vm", "priority": 4}`)
		}
		fmt.Printf("[%s]\n", strings.Join(list, ", "))
	case "run":
		sha := strings.Repeat("1", 40)
		for context, text := range map[string]string{"lint": "Testing in progress [shadow] k7m2q9xa 10m", "verify": "Not yet tested: needs vm"} {
			body := fmt.Sprintf(`{"state": "pending", "context": %q, "description": %q}`, context, text)
			resp, err := http.Post(os.Getenv("GITHUB_API_URL")+"/repos/acme/widget/statuses/"+sha, "application/json", strings.NewReader(body))
			if err != nil || resp.StatusCode != http.StatusUnprocessableEntity {
				fmt.Fprintln(os.Stderr, "the window is broken:", err)
				return 1
			}
			resp.Body.Close()
		}
	default:
		return 2
	}
	return 0
}

// TestTrial: what a candidate does instead of what it is asked is caught by the clause that is there for it, in bounded
// time and space, and with words that say what it was.
func TestTrial(t *testing.T) {
	source, _ := github(t)
	const honest = `exec ./relay "$@"`
	for _, row := range []struct {
		name, on, do string // what it does for one word; it is honest for all others
		bad          []string
		says         string
	}{
		{"honest", "never", "", nil, "ok 7 - demo"},
		{"no program", "", "", []string{"builds"}, "make build leaves no program in out/cyborg"},
		{"a boast", "selftest", `echo '{"probes": [{"name": "disk", "ok": true}], "capabilities": ["kvm"]}'`, []string{"selftest"},
			"it says that it can do kvm, which this version does not find here"},
		{"a crash", "run", "echo panic: no bot; kill -SEGV $$", []string{"shadow/run"}, "panic: no bot"},
		{"an endless scan", "scan", "sleep 1000", []string{"shadow/run"}, "scan: timed out after"},
		{"gigabytes", "scan", "yes | head -c 100000000", []string{"shadow/run"}, "invalid character 'y'"},
		{"idle", "run", "exit 0", []string{"shadow/choices"}, "lint of 11111111 in acme/widget: it leaves alone what gets a claim"},
		{"another place", "scan", `./relay "$@" | sed s/vm/host/`, []string{"shadow/choices"}, `it would take "cyborg verify" in the place "host"`},
		{"a demo that fails", "demo", "exit 1", []string{"demo"}, "exit code 1"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			log := &keeper{most: 20 << 20}
			script := ""
			if row.on != "" {
				script = "[ $1 = " + row.on + " ] || " + honest + "\n" + row.do
			}
			bad, err := trialOf(t, source, script, strings.HasPrefix(row.name, "an endless "), row.on, log).Run(t.Context())
			if diff := cmp.Diff(row.bad, bad); diff != "" || err != nil || !strings.Contains(string(log.Bytes()), row.says) {
				t.Errorf("%v; want %q in the log; bad clauses (-want +got):\n%s\n%.9000s", err, row.says, diff, log.Bytes())
			}
			if n := bytes.Count(log.Bytes(), []byte("ok ")); n != len(clauses()) || len(log.Bytes()) > 64<<10 {
				t.Errorf("%d clauses in a log of %d bytes", n, len(log.Bytes()))
			}
		})
	}
}

// trialOf is the trial of a script, in a place that holds nobody back. One that never ends for a word has a moment for that, and no minutes.
func trialOf(t *testing.T, source Source, script string, endless bool, word string, log *keeper) *Trial {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	checkout, scratch := t.TempDir(), t.TempDir()
	rule := "build:\n\tmkdir out && cp candidate.sh out/cyborg\n"
	if script == "" {
		rule = "build:\n\tmkdir out\n"
	}
	for name, text := range map[string]string{"Makefile": rule, "candidate.sh": "#!/bin/sh\n" + script + "\n"} {
		if err := os.WriteFile(filepath.Join(checkout, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	host := container.NewHost(container.HostOptions{Dir: t.TempDir()})
	return &Trial{Source: checkout, GitHub: source, Repos: []string{"acme/widget"}, Has: "host", Place: Place{
		Dir: scratch, Output: log, Program: self,
		Command: func(ctx context.Context, s container.Spec) (container.Result, error) {
			s.Name = "trial"
			if s.Timeout == 0 {
				t.Errorf("%q may run for ever", s.Argv)
			}
			if endless && s.Dir == filepath.Join(scratch, thenName) && slices.Contains(s.Argv, word) {
				s.Timeout = time.Second
			}
			return host.Run(ctx, s)
		},
	}}
}
