//go:build drill

package drill

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/cyborg-bots/cyborg/claim"
)

const (
	chaosRepo  = "acme/chaos"
	chaosLocks = "acme/locks"
	chaosLease = 12 * time.Second
	longLease  = 3 * time.Minute // of a claim that nobody may have to wait out
)

// slowTask waits for its gate, and writes down that it began.
const slowTask = `#!/bin/sh
# slow: wait until the gate is open
# on: pull request
# in: host
# timeout: 5 minutes
echo begun >>%[1]s/begun
while [ ! -e %[1]s/gate ]; do sleep 0.1; done
echo the gate is open
`

// A chaos is one pull request, one job that runs until its gate is opened, and bots that get into trouble with it.
type chaos struct {
	*field
	sha string
}

func newChaos(t *testing.T) *chaos {
	t.Helper()
	t.Parallel()
	f := enter(t, 4*time.Minute, chaosRepo, "--no-limits", "--lag", "200ms", "--repo", chaosLocks)
	dir := f.path("work")
	if err := os.MkdirAll(filepath.Join(dir, "bots"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "bots", "slow"), fmt.Appendf(nil, slowTask, f.dir), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"init", "-q", "-b", "main"}, {"add", "-A"}, {"commit", "-q", "-m", "Begin"}, {"remote", "add", "origin", f.remote(chaosRepo)},
		{"push", "-q", "origin", "main"}, {"checkout", "-q", "-b", "topic"}, {"commit", "-q", "--allow-empty", "-m", "Change"},
		{"push", "-q", "origin", "topic"}, {"push", "-q", f.remote(chaosLocks), "main"},
	} {
		f.git(dir, args...)
	}
	_, sha := f.pull(chaosRepo, "topic", "A change")
	return &chaos{f, sha}
}

// start starts a bot with the drill's times, as the account of a login.
func (c *chaos) start(login, name string, flags ...string) *process {
	return c.botAs(login, name, chaosRepo, append([]string{"--poll", "1s", "--settle", "1s", "--lease", chaosLease.String(), "--drain", "0s"}, flags...)...)
}

// begun counts how many times the job was begun.
func (c *chaos) begun() int {
	data, _ := os.ReadFile(c.path("begun"))
	return strings.Count(string(data), "\n")
}

func (c *chaos) openGate() {
	if err := os.WriteFile(c.path("gate"), nil, 0o600); err != nil {
		c.t.Fatal(err)
	}
}

func (c *chaos) untilBegun(n int) {
	c.t.Helper()
	c.until(fmt.Sprintf("the job was begun %d times", n), func() bool { return c.begun() >= n })
}

// marks is the log of the job's context, oldest first.
func (c *chaos) marks() []claim.Mark {
	c.t.Helper()
	var marks []claim.Mark
	for _, s := range c.history(chaosRepo, c.sha) {
		m := claim.ParseStatusText(s.State, s.Description)
		m.ID, m.At, m.URL = s.ID, s.CreatedAt, s.TargetURL
		marks = append([]claim.Mark{m}, marks...)
	}
	return marks
}

// finish opens the gate, and wants one result, from the bot named.
func (c *chaos) finish(winner string) {
	c.t.Helper()
	c.openGate()
	c.settled(winner)
}

// settled waits until people see the result that counts, and wants it to be the only one, by the bot named.
func (c *chaos) settled(winner string) {
	c.t.Helper()
	var marks []claim.Mark
	var v claim.Verdict
	c.until("people see the job's result", func() bool {
		marks = c.marks()
		v = claim.Decide(marks, time.Now(), claim.DefaultPolicy())
		return v.State == claim.Done && !v.NeedsRepair()
	})
	results := 0
	for _, m := range marks {
		if m.Kind == claim.KindResult {
			results++
		}
	}
	if v.Result.Name != winner || results != 1 {
		c.t.Errorf("done by %q with %d results, want by %q with one; the log:", v.Result.Name, results, winner)
		for _, m := range marks {
			c.t.Logf("  %d %s %s %s", m.ID, m.At.Format(time.TimeOnly), m.State, m.Text)
		}
	}
}

// takeover says how long after the last sign of life of one bot the claim of the next was posted, by GitHub's clock.
func (c *chaos) takeover(from, to string) time.Duration {
	c.t.Helper()
	var last, next time.Time
	for _, m := range c.marks() {
		switch {
		case m.Name == from && (m.Kind == claim.KindClaim || m.Kind == claim.KindBeat):
			last = m.At
		case m.Name == to && m.Kind == claim.KindClaim && next.IsZero():
			next = m.At
		}
	}
	if last.IsZero() || next.IsZero() {
		c.t.Fatalf("no takeover from %s to %s", from, to)
	}
	return next.Sub(last)
}

func TestChaos(t *testing.T) {
	t.Run("killed", func(t *testing.T) {
		c := newChaos(t)
		first := c.start("cyborg", "first")
		c.untilBegun(1)
		_ = first.Process.Kill()
		c.start("cyborg", "second")
		c.untilBegun(2)
		d := c.takeover("first", "second")
		t.Logf("the claim of a killed bot was taken over %s after its last sign of life, with a lease of %s", d, chaosLease)
		if d < chaosLease {
			t.Errorf("taken over %s after the last sign of life, before the lease of %s ended", d, chaosLease)
		}
		c.finish("second")
	})
	t.Run("killed, with claims as refs", func(t *testing.T) {
		c := newChaos(t)
		first := c.start("cyborg", "first", "--locks", chaosLocks)
		c.untilBegun(1)
		_ = first.Process.Kill()
		c.start("cyborg", "second", "--locks", chaosLocks)
		c.untilBegun(2)
		if d := c.takeover("first", "second"); d < chaosLease {
			t.Errorf("taken over %s after the last sign of life, before the lease of %s ended", d, chaosLease)
		}
		c.finish("second")
		var refs []struct{ Ref string }
		if err := c.api("ada", "GET", "repos/"+chaosLocks+"/git/matching-refs/done/", nil, &refs); err != nil || len(refs) != 1 {
			t.Errorf("refs of results: %v (%v), want one", refs, err)
		}
		if err := c.api("ada", "PATCH", "repos/"+chaosRepo+"/pulls/1", map[string]string{"state": "closed"}, nil); err != nil {
			t.Fatal(err)
		}
		c.until("the refs of a closed pull request are gone", func() bool {
			err := c.api("ada", "GET", "repos/"+chaosLocks+"/git/matching-refs/done/", nil, &refs)
			return err == nil && len(refs) == 0
		})
	})
	t.Run("killed and started again", func(t *testing.T) {
		c := newChaos(t)
		first := c.start("cyborg", "first", "--lease", longLease.String())
		c.untilBegun(1)
		_ = first.Process.Kill()
		<-first.done
		first.done <- nil
		began := time.Now()
		c.start("cyborg", "first") // the same state folder: it finds its orphan in the journal
		c.untilBegun(2)
		if d := time.Since(began); d > longLease {
			t.Errorf("the orphan was done again after %s: it was not given back at once", d)
		}
		c.finish("first")
	})
	t.Run("asked to stop", func(t *testing.T) {
		c := newChaos(t)
		first := c.start("cyborg", "first", "--lease", longLease.String())
		c.untilBegun(1)
		c.start("cyborg", "second")
		began := time.Now()
		_ = first.Process.Signal(syscall.SIGTERM)
		c.untilBegun(2)
		if d := time.Since(began); d > longLease {
			t.Errorf("a peer began %s after the bot was asked to stop: it waited for the lease", d)
		} else {
			t.Logf("a peer began %s after the bot was asked to stop", d.Round(100*time.Millisecond))
		}
		c.finish("second")
	})
	t.Run("stopped past its lease and continued", func(t *testing.T) {
		c := newChaos(t)
		first := c.start("cyborg", "first")
		c.untilBegun(1)
		_ = first.Process.Signal(syscall.SIGSTOP)
		c.start("cyborg", "second")
		c.untilBegun(2)
		c.openGate() // the first bot's job ends now too, while the bot is still stopped
		c.until("the second bot has published", func() bool { return finished(c.statuses(chaosRepo, c.sha)) == 1 })
		_ = first.Process.Signal(syscall.SIGCONT)
		c.until("the first bot has noticed", func() bool { return strings.Contains(c.tail("first"), "the claim is lost") })
		c.settled("second")
	})
	t.Run("cut off", func(t *testing.T) {
		c := newChaos(t)
		line := newCable(t, strings.TrimPrefix(c.url, "http://"))
		c.start("cyborg", "first", "--api", "http://"+line.addr)
		c.untilBegun(1)
		line.cut()
		c.start("cyborg", "second")
		c.untilBegun(2)
		if d := c.takeover("first", "second"); d < chaosLease {
			t.Errorf("taken over %s after the last sign of life, before the lease of %s ended", d, chaosLease)
		}
		c.until("the bot that was cut off has stopped its run", func() bool { return strings.Contains(c.tail("first"), "the claim is lost") })
		c.finish("second")
	})
	t.Run("two of one name", func(t *testing.T) {
		c := newChaos(t)
		c.start("cyborg", "twin", "--state", c.path("state", "one"))
		c.start("cyborg", "twin", "--state", c.path("state", "two"))
		c.untilBegun(1)
		c.finish("twin")
		if n := c.begun(); n != 1 {
			t.Errorf("the job was begun %d times by two bots of one name, want once", n)
		}
	})
	t.Run("token revoked", func(t *testing.T) {
		c := newChaos(t)
		c.start("cyborg", "first")
		c.untilBegun(1)
		if err := c.api("ada", "POST", "_faults", map[string]any{"lag": "200ms", "revoked_tokens": []string{"cyborg"}}, nil); err != nil {
			t.Fatal(err)
		}
		c.start("grace", "second")
		c.untilBegun(2)
		if d := c.takeover("first", "second"); d < chaosLease {
			t.Errorf("taken over %s after the last sign of life, before the lease of %s ended", d, chaosLease)
		}
		c.finish("second")
	})
}

// A cable is a TCP proxy that can be cut.
type cable struct {
	addr string
	mu   sync.Mutex
	dead bool
	open []net.Conn
}

func newCable(t *testing.T, target string) *cable {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cable{addr: l.Addr().String()}
	t.Cleanup(func() { _ = l.Close(); c.cut() })
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			go c.join(in, target)
		}
	}()
	return c
}

func (c *cable) join(in net.Conn, target string) {
	out, err := net.Dial("tcp", target)
	c.mu.Lock()
	if err != nil || c.dead {
		c.mu.Unlock()
		_ = in.Close()
		return
	}
	c.open = append(c.open, in, out)
	c.mu.Unlock()
	go func() { _, _ = io.Copy(out, in); _ = out.Close() }()
	_, _ = io.Copy(in, out)
	_ = in.Close()
}

func (c *cable) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dead = true
	for _, conn := range c.open {
		_ = conn.Close()
	}
}
