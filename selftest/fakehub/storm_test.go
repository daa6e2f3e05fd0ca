package fakehub

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// storm is everything that can go wrong with a write or a read, at once.
var storm = Faults{
	Lag:           Lag{Statuses: Duration(2 * time.Second), Refs: Duration(time.Second), Jitter: Duration(3 * time.Second)},
	BackwardReads: 0.1, BackwardBy: Duration(10 * time.Second), LateIDs: 0.2, LateBy: Duration(5 * time.Second),
	LostAcks: 0.1, FailBefore: 0.1, FailAfter: 0.1, Killed: 0.02, Limited: 0.1, SlowBodies: 0.1, SlowBy: Duration(3 * time.Second),
	Latency: Duration(100 * time.Millisecond), SkewCreated: Duration(time.Minute),
}

// TestStorm lets eight bots post and read in the storm. What was answered 201 is
// there, what was refused is not, no read ever invents anything, and when it is
// over all see the same.
func TestStorm(t *testing.T) {
	for seed := range uint64(5) {
		synctest.Test(t, func(t *testing.T) {
			h := newHub(t, Options{Seed: seed})
			h.set(storm)
			var mu sync.Mutex
			acked, sent := map[string]bool{}, map[string]bool{}
			var wg sync.WaitGroup
			for bot := range 8 {
				wg.Go(func() {
					for i := range 25 {
						text := fmt.Sprint("bot ", bot, " record ", i)
						mu.Lock()
						sent[text] = true
						mu.Unlock()
						r, err := h.try("bot", post, widget+"/statuses/"+h.sha, dict{"state": "pending", "context": "c", "description": text})
						mu.Lock()
						acked[text] = err == nil && r.status == 201
						mu.Unlock()
						r, err = h.try("bot", get, widget+"/commits/"+h.sha+"/statuses?per_page=20", nil)
						var list []struct{ Description string }
						if err != nil || r.status != 200 || json.Unmarshal(r.body, &list) != nil {
							continue
						}
						mu.Lock()
						for _, st := range list {
							if !sent[st.Description] {
								t.Errorf("seed %d: a read has %q, which nobody sent", seed, st.Description)
							}
						}
						mu.Unlock()
					}
				})
			}
			wg.Wait()
			h.set(Faults{})
			h.pass(time.Minute)
			h.afterStorm(seed, acked)
		})
	}
}

// afterStorm compares the server's truth with what bots were told, with the
// journal, and with what is read in the end.
func (h *hub) afterStorm(seed uint64, acked map[string]bool) {
	h.t.Helper()
	there := map[string]bool{}
	var truth []any
	for _, st := range h.s.Truth().Statuses("acme/widget", h.sha) {
		there[st.Description] = true
		truth = append(truth, st.Description)
	}
	for text, ok := range acked {
		if ok && !there[text] {
			h.t.Errorf("seed %d: %s was answered 201 and is not there", seed, text)
		}
	}
	applied, unknown := 0, 0
	for _, e := range h.s.Journal() {
		switch {
		case e.Method != post:
		case e.Fault == "killed":
			unknown++
		case e.Status == 201 || e.Fault == "fail-after":
			applied++
		}
	}
	if n := len(truth); n < applied || n > applied+unknown {
		h.t.Errorf("seed %d: %d records, the journal says between %d and %d", seed, n, applied, applied+unknown)
	}
	var read []any
	for page := 1; len(read) < len(truth) && page < 10; page++ {
		path := fmt.Sprint(widget, "/commits/", h.sha, "/statuses?per_page=100&page=", page)
		read = append(read, column(h.want(200, "bot", get, path, nil).list(h.t), "description")...)
	}
	slices.Reverse(read)
	if diff := cmp.Diff(truth, read); diff != "" {
		h.t.Errorf("seed %d: in the end reads differ from the truth: %s", seed, diff)
	}
}
