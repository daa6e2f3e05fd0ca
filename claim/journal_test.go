package claim_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/claim/claimtest"
)

// TestRestart: the next start of a bot that was killed gives its claims back, and those of a living one not.
func TestRestart(t *testing.T) {
	dir := t.TempDir()
	journal := func() *claim.DirJournal {
		j, err := claim.OpenJournal(dir)
		if err != nil {
			t.Fatal(err)
		}
		return j
	}
	synctest.Test(t, func(t *testing.T) {
		m := claimtest.NewMemory(3, claimtest.Faults{})
		b := m.Board("cyborg")
		first, second := journal(), journal()
		p := policyFor()
		p.Journal = first
		acquire(t, b, "bot-1", p)
		give := func(e []claim.Entry) ([]claim.Entry, error) { return claim.Return(t.Context(), b, e, p) }
		if err := second.Orphans(give); err != nil {
			t.Fatal(err)
		}
		if v := verdict(m); v.State != claim.Held {
			t.Fatalf("a living bot's claim was given back: %s", v.Why())
		}
		if err := first.Abandon(); err != nil {
			t.Fatal(err)
		}
		m.Break(errors.New("502 Bad Gateway"))
		if err := second.Orphans(give); err == nil {
			t.Error("no error though GitHub did not answer")
		}
		if err := second.Abandon(); err != nil {
			t.Fatal(err)
		}
		m.Break(nil)
		third := journal()
		if err := third.Orphans(give); err != nil {
			t.Fatal(err)
		}
		if v := verdict(m); v.State != claim.Free {
			t.Errorf("not given back: %s", v.Why())
		}
		if err := third.Close(); err != nil {
			t.Fatal(err)
		}
		if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 0 {
			t.Errorf("files left: %q", left)
		}
	})
}

func TestJournalForgets(t *testing.T) {
	dir := t.TempDir()
	j, err := claim.OpenJournal(dir)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		m := claimtest.NewMemory(3, claimtest.Faults{})
		b := &scripted{Board: m.Board("cyborg"), post: func(_ int, mark claim.Mark) (bool, error) {
			files, _ := filepath.Glob(filepath.Join(dir, "*"))
			data, err := os.ReadFile(files[0])
			if mark.Kind == claim.KindClaim && (err != nil || !strings.Contains(string(data), mark.Nonce)) {
				t.Errorf("posted before it was written down: %q, %v", data, err)
			}
			return true, nil
		}}
		p := policyFor()
		p.Journal = j
		c := acquire(t, b, "bot-1", p)
		_, release := c.Keep(t.Context())
		if err := release(claim.Result{State: "success", Text: "Tests passed"}); err != nil {
			t.Fatal(err)
		}
	})
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 0 {
		t.Errorf("files left: %q", left)
	}
}

// TestOpenWhileOthersAdopt: a bot that starts while others look for what the dead left can write down its claims, and none of
// them is lost: a new journal is not taken for a dead one's.
func TestOpenWhileOthersAdopt(t *testing.T) {
	dir := t.TempDir()
	other, err := claim.OpenJournal(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	found := map[string]int{}
	adopt := func() {
		err := other.Orphans(func(entries []claim.Entry) ([]claim.Entry, error) {
			for _, e := range entries {
				found[e.Nonce]++
			}
			return nil, nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	stop := make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				adopt()
			}
		}
	})
	const starts = 300
	for i := range starts {
		j, err := claim.OpenJournal(dir)
		if err != nil {
			t.Error(err)
			continue
		}
		if err := errors.Join(j.Begin(claim.Entry{Nonce: fmt.Sprint(i)}), j.Abandon()); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	group.Wait()
	adopt()
	for i := range starts {
		if n := found[fmt.Sprint(i)]; n != 1 {
			t.Errorf("the claim of start %d was found %d times", i, n)
		}
	}
}
