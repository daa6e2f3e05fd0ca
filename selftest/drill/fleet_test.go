//go:build drill

package drill

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cyborg-bots/cyborg/claim"
)

const partsTask = `#!/bin/sh
# check: a short test of one part
# on: pull request
# with: part=a b c d e
# in: host
# timeout: 2 minutes
echo "part $PART of $CYBORG_SHA"
exit 0
`

// TestFleet: 8 bots and 40 pull requests of 5 contexts, while reads lag and answers get lost: every context has exactly
// one effective result, none is lost, and nothing is left on the machine.
func TestFleet(t *testing.T) {
	const repo, bots, pulls = "acme/parts", 8, 40
	f := enter(t, 10*time.Minute, repo, "--no-limits", "--seed", "20261127", "--lag", "500ms", "--lag-jitter", "500ms",
		"--lost-acks", "0.02", "--fail-after", "0.01", "--late-ids", "0.05", "--late-by", "1s")
	dir := f.path("parts")
	heads := f.openPulls(repo, dir, partsTask, pulls)
	began := time.Now()
	var fleet []*process
	for i := range bots {
		fleet = append(fleet, f.bot(fmt.Sprintf("bot-%d", i), repo, "--jobs", "3", "--poll", "2s", "--settle", "2500ms", "--lease", "2m"))
	}
	left := map[string]bool{}
	for _, sha := range heads {
		left[sha] = true
	}
	f.until("people see a result of every context", func() bool {
		for sha := range left {
			if finished(f.statuses(repo, sha)) == 5 {
				delete(left, sha)
			}
		}
		return len(left) == 0
	})
	took := time.Since(began)
	f.untilShown(repo, heads)
	for _, p := range fleet {
		f.stop(p)
	}
	records := judgeFleet(f, repo, heads)
	requests := f.requests()
	t.Logf("%d jobs by %d bots: %.0f s to the last result, %d requests (%.1f a job), %d statuses (%.2f a job)",
		5*pulls, bots, took.Seconds(), requests, float64(requests)/(5*pulls), records, float64(records)/(5*pulls))
	checkNothingLeft(f, bots)
	if t.Failed() {
		t.Logf("bot-0:\n%s", f.tail("bot-0"))
	}
}

// openPulls pushes the task check and n branches at once, and opens their pull requests.
func (f *field) openPulls(repo, dir, task string, n int) []string {
	f.t.Helper()
	if err := os.MkdirAll(filepath.Join(dir, "bots"), 0o755); err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "bots", "check"), []byte(task), 0o755); err != nil {
		f.t.Fatal(err)
	}
	f.git(dir, "init", "-q", "-b", "main")
	f.git(dir, "remote", "add", "origin", f.remote(repo))
	f.git(dir, "add", "-A")
	f.git(dir, "commit", "-q", "-m", "Teach the bots to check")
	f.git(dir, "push", "-q", "origin", "main")
	args := []string{"push", "-q", "origin"}
	for i := range n {
		branch := fmt.Sprintf("topic-%d", i)
		f.git(dir, "checkout", "-q", "-b", branch, "main")
		if err := os.WriteFile(filepath.Join(dir, branch), []byte(branch+"\n"), 0o644); err != nil {
			f.t.Fatal(err)
		}
		f.git(dir, "add", "-A")
		f.git(dir, "commit", "-q", "-m", "Add "+branch)
		args = append(args, branch)
	}
	f.git(dir, args...)
	heads := make([]string, n)
	for i := range n {
		var p struct{ Head struct{ SHA string } }
		branch := fmt.Sprintf("topic-%d", i)
		body := map[string]string{"title": "Add " + branch, "head": branch, "base": "main"}
		if err := f.api("ada", "POST", "repos/"+repo+"/pulls", body, &p); err != nil {
			// The answer may have got lost: the pull request is there then.
			f.until(branch+" has a pull request", func() bool {
				var list []struct{ Head struct{ Ref, SHA string } }
				if err := f.api("ada", "GET", "repos/"+repo+"/pulls?head=acme:"+branch, nil, &list); err != nil || len(list) == 0 {
					return false
				}
				p.Head.SHA = list[0].Head.SHA
				return true
			})
		}
		heads[i] = p.Head.SHA
	}
	return heads
}

// judgeFleet folds the whole log of each context as every bot does, and wants one effective result, shown as the newest
// status. It gives the number of statuses.
func judgeFleet(f *field, repo string, heads []string) (records int) {
	f.t.Helper()
	for _, sha := range heads {
		byContext := f.marks(repo, sha)
		for context, marks := range byContext {
			v := claim.Decide(marks, time.Now(), claim.DefaultPolicy())
			records += len(marks)
			nonces := map[string]bool{}
			for _, m := range marks {
				if m.Kind == claim.KindResult {
					nonces[m.Nonce] = true
				}
			}
			if v.State != claim.Done || len(nonces) != 1 {
				f.t.Errorf("%.8s %s: %s, results by %d claims, want done by one", sha, context, v.State, len(nonces))
			}
			if !v.Newest.Terminal() {
				f.t.Errorf("%.8s %s: people see %q", sha, context, v.Newest.Text)
			}
		}
		if len(byContext) != 5 {
			f.t.Errorf("%.8s: %d contexts, want 5", sha, len(byContext))
		}
	}
	return records
}

// untilShown waits until people see the result that counts of each context: who came too late has looked again.
func (f *field) untilShown(repo string, heads []string) {
	f.t.Helper()
	f.until("people see what counts", func() bool {
		for _, sha := range heads {
			for _, marks := range f.marks(repo, sha) {
				if v := claim.Decide(marks, time.Now(), claim.DefaultPolicy()); v.State != claim.Done || v.NeedsRepair() {
					return false
				}
			}
		}
		return true
	})
}

// marks is what was said of each context of a commit, oldest first.
func (f *field) marks(repo, sha string) map[string][]claim.Mark {
	f.t.Helper()
	byContext := map[string][]claim.Mark{}
	for _, s := range slices.Backward(f.history(repo, sha)) {
		m := claim.ParseStatusText(s.State, s.Description)
		m.ID, m.At, m.URL = s.ID, s.CreatedAt, s.TargetURL
		byContext[s.Context] = append(byContext[s.Context], m)
	}
	return byContext
}

// requests counts what the bots' account asked.
func (f *field) requests() int {
	f.t.Helper()
	n := 0
	for line := range strings.Lines(f.page(f.url + "/_journal")) {
		var e struct{ Actor, Path string }
		if json.Unmarshal([]byte(line), &e) == nil && e.Actor == "cyborg" && !strings.Contains(e.Path, ".git/") {
			n++
		}
	}
	return n
}

// checkNothingLeft looks for processes and directories of jobs after all bots have stopped.
func checkNothingLeft(f *field, bots int) {
	f.t.Helper()
	for i := range bots {
		for _, kind := range []string{"work", "jobs"} {
			entries, err := os.ReadDir(f.path("state", fmt.Sprintf("bot-%d", i), kind))
			if err != nil && !os.IsNotExist(err) {
				f.t.Error(err)
			}
			for _, e := range entries {
				if e.IsDir() {
					f.t.Errorf("bot-%d left the directory %s/%s", i, kind, e.Name())
				}
			}
		}
	}
	state := []byte(f.path("state"))
	procs, err := os.ReadDir("/proc")
	if err != nil {
		f.t.Fatal(err)
	}
	var look sync.WaitGroup
	for _, p := range procs {
		if _, err := strconv.Atoi(p.Name()); err != nil {
			continue
		}
		look.Go(func() {
			line, _ := os.ReadFile("/proc/" + p.Name() + "/cmdline")
			environ, _ := os.ReadFile("/proc/" + p.Name() + "/environ")
			if bytes.Contains(line, state) || bytes.Contains(environ, state) {
				f.t.Errorf("a process is left: %s %q", p.Name(), bytes.ReplaceAll(line, []byte{0}, []byte{' '}))
			}
		})
	}
	look.Wait()
}
