package claim

import (
	"context"
	"time"
)

// Repair gives the mark to post if people see something else than the truth: GitHub shows the newest record, and a bot
// that was paused for too long may have posted one which does not count.
//
//   - There is a result, and the newest record says something else: an exact copy of the result.
//   - There is none, and the newest record looks like one: a note, without which a scan that reads newest records only would never
//     look at the job again.
//   - Nobody may claim the job any more: a note that says why, which keeps bots from asking each time.
//
// Words that no bot writes are left alone, whoever wrote them: they may be a person's, or a newer version's.
func (v Verdict) Repair() (Mark, bool) {
	if v.Newest.ID == 0 || v.Newest.Kind == KindOther || v.Newest.Kind == KindHold {
		return Mark{}, false
	}
	if v.State == Done {
		m := v.Result
		m.ID = 0
		return m, !v.Newest.same(v.Result)
	}
	if v.State == Dead {
		return Mark{Kind: KindNote, State: "pending", Human: Waiting(v.Why()), URL: v.Newest.URL}, !v.Newest.GaveUp()
	}
	if !v.Newest.Terminal() || v.Newest.Kind == KindRelease {
		return Mark{}, false
	}
	return Mark{Kind: KindNote, State: "pending", Human: Waiting("a result came too late, and does not count"), URL: v.Newest.URL}, true
}

// NeedsRepair tells whether Board.Show has something to do.
func (v Verdict) NeedsRepair() bool {
	_, needed := v.Repair()
	return needed
}

// repair makes people see the truth, if they do not. It asks the board for nothing else: to show a verdict may be more.
func repair(ctx context.Context, b Board, s Subject, v Verdict) error {
	if !v.NeedsRepair() {
		return nil
	}
	return b.Show(ctx, s, v)
}

// mend posts the repair that a verdict asks for, if it is still needed: many bots may see the need at once, so each
// waits a random while and looks again. It looks once more after it wrote, since nothing keeps a bot from being frozen right
// before that: by the time that it goes on, the truth may be another, and no scan would doubt what it shows.
func mend(ctx context.Context, read, write Board, s Subject, v Verdict, p Policy) error {
	if !v.NeedsRepair() {
		return nil
	}
	for range proofs {
		if err := rest(ctx, p.Jitter(p.Settle+time.Second)); err != nil {
			return err
		}
		marks, now, err := read.Marks(ctx, s)
		if err != nil {
			return err
		}
		repair, needed := Decide(marks, now, p).Repair()
		if !needed {
			return nil
		}
		_, err = write.Post(ctx, s, repair)
		if fault, _ := faultOf(err, true); err != nil && fault != FaultAmbiguous {
			return err
		}
	}
	return nil
}

// rest waits for d, or for the end of ctx.
func rest(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
