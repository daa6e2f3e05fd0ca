//go:build drill

package drill

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cyborg-bots/cyborg/selftest/mutant"
)

// tomorrow makes this program's sources into those of a version whose records say more than this one can read: how many
// processors a job has, in each claim, sign of life and result. Its own words it reads, as a real one would.
var tomorrow = []mutant.Edit{
	{File: "claim/text.go", From: "\treturn strings.TrimPrefix(clip(clean(m.Human), MaxText-length(tail))+tail, \" \")\n",
		To:  "\tif tail != \"\" {\n\t\ttail += newer\n\t}\n\treturn strings.TrimPrefix(clip(clean(m.Human), MaxText-length(tail))+tail, \" \")\n",
		Add: "\nconst newer = \" cpus=2\"\n"},
	{File: "claim/text.go", From: "\tm := Mark{State: state, Text: text, Human: clean(text)}\n",
		To: "\tm := Mark{State: state, Text: text, Human: strings.TrimSuffix(clean(text), newer)}\n"},
}

// sharedTask writes down each time that it runs.
const sharedTask = `#!/bin/sh
# check: a short test of one part
# on: pull request
# with: part=a b c d e
# in: host
# timeout: 2 minutes
echo "$CYBORG_SHA/$PART" >>%s/ran
sleep 0.5
`

// TestUpgrade: bots of this version and of one to come work on one queue. Each job runs once and has one result; both do some;
// and what the newer ones have written is left as it is by the older ones, whether it is a claim, a sign of life or a result.
func TestUpgrade(t *testing.T) {
	const repo, pulls = "acme/parts", 6
	f := enter(t, 8*time.Minute, repo, "--no-limits", "--lag", "200ms")
	newer := f.path("cyborg-newer")
	build := exec.CommandContext(f.ctx, "go", "build", "-tags", "libvirt_dlopen", "-overlay", mutant.Overlay(t, tomorrow...),
		"-ldflags", "-X main.version=tomorrow", "-o", newer, "./agent/cmd/cyborg")
	build.Dir = mutant.Root(t)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the version to come: %v: %s", err, out)
	}
	heads := f.openPulls(repo, f.path("parts"), fmt.Sprintf(sharedTask, f.dir), pulls)
	flags := []string{"--poll", "1s", "--settle", "2s", "--lease", "4m"}
	f.bot("old-0", repo, flags...)
	older := f.bin
	f.bin = newer
	f.bot("new-0", repo, flags...)
	f.bot("new-1", repo, flags...)
	f.bin = older
	f.bot("old-1", repo, flags...)
	f.until("people see a result of every context", func() bool {
		for _, sha := range heads {
			if finished(f.statuses(repo, sha)) < 5 {
				return false
			}
		}
		return true
	})
	// Who sees a result that is not there for him would do the job again: so they look once more, all of them.
	before := f.requests()
	f.until("all have looked again", func() bool { return f.requests() >= before+40 })
	for _, p := range f.bots {
		f.stop(p)
	}
	f.judgeUpgrade(repo, heads)
	checkNothingLeft(f, 0)
}

// judgeUpgrade reads the statuses as people do: neither version's eyes count here.
func (f *field) judgeUpgrade(repo string, heads []string) {
	f.t.Helper()
	data, err := os.ReadFile(filepath.Join(f.dir, "ran"))
	if err != nil {
		f.t.Fatal(err)
	}
	runs, by := map[string]int{}, map[string]int{}
	for job := range strings.Lines(string(data)) {
		runs[strings.TrimSpace(job)]++
	}
	for _, sha := range heads {
		byContext := map[string][]status{} // newest first
		for _, s := range f.history(repo, sha) {
			byContext[s.Context] = append(byContext[s.Context], s)
		}
		for context, list := range byContext {
			results := 0
			for _, s := range list {
				if s.State != "pending" {
					results++
				}
			}
			newest := list[0]
			by[strings.SplitN(newest.Description+" [nobody-", "[", 2)[1][:3]]++
			if newest.State != "success" || results != 1 {
				f.t.Errorf("%.8s %s: %d results, people see %s %q", sha, context, results, newest.State, newest.Description)
				for _, s := range list {
					f.t.Logf("  %s %s %q", s.CreatedAt.Format(time.TimeOnly), s.State, s.Description)
				}
			}
		}
		if len(byContext) != 5 {
			f.t.Errorf("%.8s: %d contexts, want 5", sha, len(byContext))
		}
	}
	for job, n := range runs {
		if n != 1 {
			f.t.Errorf("%s ran %d times", job, n)
		}
	}
	if len(runs) != 5*len(heads) || by["old"] == 0 || by["new"] == 0 || by["old"]+by["new"] != len(runs) {
		f.t.Errorf("%d jobs ran, results by %v; want %d, some by each version", len(runs), by, 5*len(heads))
	}
	f.t.Logf("%d jobs, each run once: %d by this version, %d by the one to come", len(runs), by["old"], by["new"])
}
