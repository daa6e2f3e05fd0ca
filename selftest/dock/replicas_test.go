//go:build docker

package dock

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cyborg-bots/cyborg/claim"
)

const (
	replicas = 5
	contexts = 5 // of each pull request
	lease    = 12 * time.Second
)

const partsTask = `#!/bin/sh
# check: a short test of one part
# on: pull request
# with: part=a b c d e
# in: host
# timeout: 2 minutes
echo "part $PART of $CYBORG_SHA"
sleep 0.3
`

// TestReplicas: five bots in containers work on 100 jobs, or as many as CYBORG_JOBS says, while somebody kills them, pauses them
// past their lease, takes their network away and restarts them. At the end each job has one effective result, people see it, and
// no container, process, folder or volume is left.
func TestReplicas(t *testing.T) {
	const repo = "acme/parts"
	jobs := 100
	if text := os.Getenv("CYBORG_JOBS"); text != "" {
		if _, err := fmt.Sscan(text, &jobs); err != nil {
			t.Fatal(err)
		}
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	chance := rand.New(rand.NewPCG(seed, 1))
	d := enter(t, 8*time.Minute, repo, "--no-limits")
	heads := d.open(repo, "check", partsTask, jobs/contexts)
	if err := d.api("ada", http.MethodPost, "_faults", map[string]any{"lag": "200ms", "lost_acks": 0.01}, nil); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	for i := range replicas {
		d.bot(fmt.Sprintf("bot-%d", i), repo, "--poll", "1s", "--settle", "1500ms", "--lease", lease.String(), "--drain", "2s")
	}
	m := &mob{dock: d, repo: repo, troubles: max(jobs/8, 5), due: map[string]cure{}, happened: map[string]int{}}
	next := time.Now().Add(3 * time.Second)
	d.until("all troubles have happened, and all jobs are done", func() bool {
		m.heal(false)
		if m.troubles > 0 && time.Now().After(next) {
			next = time.Now().Add(time.Duration(500+chance.IntN(1500)) * time.Millisecond)
			m.trouble(d.bots[chance.IntN(replicas)], chance.IntN(4))
		}
		return m.troubles == 0 && m.finished(heads)
	})
	took := time.Since(began)
	m.heal(true)
	d.until("people see what counts", func() bool { return m.shown(heads) })
	for _, name := range d.bots {
		d.docker("stop", "--time", "60", name)
	}
	m.judge(heads, jobs)
	for _, name := range d.bots {
		m.tidy(name)
	}
	t.Logf("%d jobs by %d replicas in %.0f s, through %v: %d late results that do not count, 0 lost", jobs, replicas, took.Seconds(), m.happened, m.late)
	d.docker(append([]string{"rm", "--force", "--volumes", d.hub()}, d.bots...)...)
	d.docker("network", "rm", d.name)
	for _, kind := range []string{"container", "volume", "network"} {
		args := []string{kind, "ls", "--quiet", "--filter", "label=" + d.name}
		if kind == "container" {
			args = append(args, "--all")
		}
		if left := d.docker(args...); left != "" {
			t.Errorf("a %s is left: %s", kind, left)
		}
	}
}

// A cure ends a trouble when its time has come.
type cure struct {
	at  time.Time
	end func()
}

// A mob is a fleet of containers that gets into trouble.
type mob struct {
	*dock
	repo     string
	troubles int // to come
	happened map[string]int
	due      map[string]cure // by container
	late     int
}

// trouble kills a bot and starts it again, pauses it past its lease, takes its network away for as long, or restarts it as
// whoever replaces its container does.
func (m *mob) trouble(name string, kind int) {
	if _, ill := m.due[name]; ill {
		return
	}
	m.troubles--
	past := time.Now().Add(lease + 4*time.Second)
	var word string
	switch kind {
	case 0:
		word = "killed"
		m.docker("kill", name)
		m.docker("start", name)
	case 1:
		word = "paused"
		m.docker("pause", name)
		m.due[name] = cure{past, func() { m.docker("unpause", name) }}
	case 2:
		word = "disconnected"
		m.docker("network", "disconnect", m.name, name)
		m.due[name] = cure{past, func() { m.docker("network", "connect", m.name, name) }}
	default:
		word = "restarted"
		m.docker("restart", "--time", "20", name)
	}
	m.happened[word]++
}

// heal ends the troubles whose time has come, or all.
func (m *mob) heal(all bool) {
	for name, c := range m.due {
		if all || time.Now().After(c.at) {
			c.end()
			delete(m.due, name)
		}
	}
}

// finished tells whether people see a result of each context.
func (m *mob) finished(heads []string) bool {
	m.t.Helper()
	for _, sha := range heads {
		var combined struct{ Statuses []status }
		if err := m.api("ada", http.MethodGet, fmt.Sprintf("repos/%s/commits/%s/status?per_page=100", m.repo, sha), nil, &combined); err != nil {
			return false // the emulator loses answers
		}
		done := 0
		for _, s := range combined.Statuses {
			if s.State == "success" {
				done++
			}
		}
		if done < contexts {
			return false
		}
	}
	return true
}

// shown tells whether people see the result that counts of each context: who came too late has looked again.
func (m *mob) shown(heads []string) bool {
	for _, sha := range heads {
		for _, marks := range m.marks(m.repo, sha) {
			if v := claim.Decide(marks, time.Now(), claim.DefaultPolicy()); v.State != claim.Done || v.NeedsRepair() {
				return false
			}
		}
	}
	return true
}

// judge wants each job done once: with one result that counts.
func (m *mob) judge(heads []string, jobs int) {
	m.t.Helper()
	seen := 0
	for _, sha := range heads {
		for context, marks := range m.marks(m.repo, sha) {
			seen++
			v := claim.Decide(marks, time.Now(), claim.DefaultPolicy())
			if v.State != claim.Done || v.NeedsRepair() {
				m.t.Errorf("%.8s %s: %s, people see %q", sha, context, v.State, v.Newest.Text)
			}
			for _, mark := range marks {
				if mark.Kind == claim.KindResult && mark.Nonce != v.Result.Nonce {
					m.late++
				}
			}
		}
	}
	if seen != jobs {
		m.t.Errorf("%d jobs have a word, want %d", seen, jobs)
	}
}

// tidy looks into a stopped container for what jobs have left.
func (m *mob) tidy(name string) {
	m.t.Helper()
	if state := m.docker("inspect", "--format", "{{.State.ExitCode}} {{.State.Pid}} {{len .Mounts}}", name); state != "0 0 0" {
		m.t.Errorf("%s ended with status, process and mounts %s, want 0 0 0:\n%s", name, state, m.logs(name))
	}
	for line := range strings.Lines(m.docker("diff", name)) {
		_, path, _ := strings.Cut(strings.TrimSpace(line), " ")
		if left, ok := strings.CutPrefix(path, "/var/lib/cyborg/jobs/"); ok && left != "gate" {
			m.t.Errorf("%s left %s", name, path)
		}
	}
}

// A status is one commit status, as the API gives it.
type status struct {
	ID                          int64
	State, Description, Context string
	TargetURL                   string    `json:"target_url"`
	CreatedAt                   time.Time `json:"created_at"`
}

// marks is what was said of each context of a commit, oldest first.
func (d *dock) marks(repo, sha string) map[string][]claim.Mark {
	d.t.Helper()
	var all []status
	for page := 1; ; page++ {
		var list []status
		d.until("the statuses can be read", func() bool {
			return d.api("ada", http.MethodGet, fmt.Sprintf("repos/%s/commits/%s/statuses?per_page=100&page=%d", repo, sha, page), nil, &list) == nil
		})
		all = append(all, list...)
		if len(list) < 100 {
			break
		}
	}
	byContext := map[string][]claim.Mark{}
	for _, s := range slices.Backward(all) {
		m := claim.ParseStatusText(s.State, s.Description)
		m.ID, m.At, m.URL = s.ID, s.CreatedAt, s.TargetURL
		byContext[s.Context] = append(byContext[s.Context], m)
	}
	return byContext
}
