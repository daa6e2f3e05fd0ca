package claim_test

import (
	"testing"
	"time"

	"github.com/cyborg-bots/cyborg/claim"
)

// TestLifeEndsWithItsLease: whatever comes when the time to stop is there, the claim is lost, and nothing more is said.
func TestLifeEndsWithItsLease(t *testing.T) {
	p := policyFor()
	stop := claim.StopAfter(p.Lease)
	for _, row := range []struct {
		phase claim.Phase
		event claim.EventKind
	}{
		{claim.Working, claim.OnWake}, {claim.Working, claim.OnFinish}, {claim.Beating, claim.OnPosted}, {claim.Beating, claim.OnMissed},
		{claim.Watching, claim.OnListed}, {claim.Watching, claim.OnMissed},
	} {
		for _, late := range []time.Duration{-1, 0, time.Hour} {
			l := claim.NewLife(claim.Owner{Name: "bot-1"}, p, "k7m2q9xa")
			l.Phase, l.Stop = row.phase, stop
			l, next := l.Step(claim.Event{Kind: row.event, Elapsed: stop + late, Result: claim.Result{State: "success"}})
			lost := l.Phase == claim.Ended && l.Outcome == claim.Lost && next.Do == claim.DoEnd
			inTime := late < 0 && row.event != claim.OnListed // a list without the claim loses it too
			if lost == inTime {
				t.Errorf("%v, event %d, %s after the time to stop: %v, and next is %d", row.phase, row.event, late, l, next.Do)
			}
		}
	}
}
