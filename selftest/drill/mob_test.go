//go:build drill

package drill

import (
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/cyborg-bots/cyborg/claim"
)

// TestChaosOfEight: eight bots work on 60 jobs while somebody kills them, stops them past their lease and lets them go
// on, and starts them again. At the end each job has one effective result, people see it, and nothing is left.
func TestChaosOfEight(t *testing.T) {
	const repo, bots, pulls, troubles = "acme/parts", 8, 12, 14
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	chance := rand.New(rand.NewPCG(seed, 1))
	f := enter(t, 6*time.Minute, repo, "--no-limits", "--lag", "300ms", "--lost-acks", "0.01")
	heads := f.openPulls(repo, f.path("parts"), partsTask, pulls)
	m := &mob{field: f, repo: repo, fleet: make([]*process, bots), wake: map[int]time.Time{}}
	for i := range bots {
		m.start(i)
	}
	next := time.Now().Add(2 * time.Second)
	f.until("all troubles have happened", func() bool {
		m.wakeUp()
		if time.Now().Before(next) {
			return false
		}
		next = time.Now().Add(time.Duration(500+chance.IntN(1500)) * time.Millisecond)
		m.trouble(chance.IntN(bots), chance.IntN(3))
		return m.troubles >= troubles
	})
	f.until("all bots go on, and all jobs are done", func() bool {
		m.wakeUp()
		for _, sha := range heads {
			if finished(f.statuses(repo, sha)) < 5 {
				return false
			}
		}
		return len(m.wake) == 0
	})
	f.untilShown(repo, heads)
	for _, p := range m.fleet {
		f.stop(p)
	}
	m.judge(heads)
	checkNothingLeft(f, bots)
}

// A mob is a fleet that gets into trouble.
type mob struct {
	*field
	repo     string
	fleet    []*process
	wake     map[int]time.Time // stopped bots, and when they go on
	troubles int
}

// start starts a bot, over the state folder that its forerunner left.
func (m *mob) start(i int) {
	m.fleet[i] = m.bot(fmt.Sprintf("bot-%d", i), m.repo, "--jobs", "2", "--poll", "1s", "--settle", "1500ms",
		"--lease", chaosLease.String(), "--drain", "1s")
}

// trouble kills a bot, asks it to stop, or stops it until its lease is over; the first two start it again.
func (m *mob) trouble(i, kind int) {
	if _, asleep := m.wake[i]; asleep {
		return
	}
	p := m.fleet[i]
	m.troubles++
	switch kind {
	case 0:
		m.t.Logf("%s is killed", p.name)
		_ = p.Process.Kill()
	case 1:
		m.t.Logf("%s is asked to stop", p.name)
		_ = p.Process.Signal(syscall.SIGTERM)
	default:
		m.t.Logf("%s is stopped past its lease", p.name)
		_ = p.Process.Signal(syscall.SIGSTOP)
		m.wake[i] = time.Now().Add(chaosLease + 3*time.Second)
		return
	}
	err := <-p.done
	p.done <- err
	m.start(i)
}

// wakeUp lets stopped bots go on whose time has come.
func (m *mob) wakeUp() {
	for i, at := range m.wake {
		if time.Now().After(at) {
			_ = m.fleet[i].Process.Signal(syscall.SIGCONT)
			delete(m.wake, i)
		}
	}
}

// judge wants each context done, and people to see the result that counts.
func (m *mob) judge(heads []string) {
	m.t.Helper()
	jobs, late := 0, 0
	for _, sha := range heads {
		byContext := m.marks(m.repo, sha)
		if len(byContext) != 5 {
			m.t.Errorf("%.8s: %d contexts, want 5", sha, len(byContext))
		}
		for context, marks := range byContext {
			jobs++
			v := claim.Decide(marks, time.Now(), claim.DefaultPolicy())
			if v.State != claim.Done || v.NeedsRepair() {
				m.t.Errorf("%.8s %s: %s, people see %q; the log:", sha, context, v.State, v.Newest.Text)
				for _, mark := range marks {
					m.t.Logf("  %d %s %s %s", mark.ID, mark.At.Format(time.TimeOnly), mark.State, mark.Text)
				}
			}
			for _, mark := range marks {
				if mark.Kind == claim.KindResult && mark.Nonce != v.Result.Nonce {
					late++
				}
			}
		}
	}
	m.t.Logf("%d jobs, %d troubles, %d results that came too late and do not count", jobs, m.troubles, late)
}
