package agent_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyborg-bots/cyborg/selftest/fakehub"
)

// onBadDays are the faults of a seed: replicas that are behind and of different age, records that are seen late, answers that are
// lost. All in all what somebody wrote is seen by all within a settle wait, which is what bots count on.
func onBadDays(seed uint64) fakehub.Faults {
	second := fakehub.Duration(time.Second)
	f := fakehub.Faults{Lag: fakehub.EvenLag(second)}
	f.Lag.Jitter = second
	if seed%4 != 3 {
		f.LateIDs, f.LateBy, f.BackwardReads, f.BackwardBy = 0.3, 3*second/2, 0.1, second
	}
	if seed%4 != 0 {
		f.LostAcks, f.FailAfter, f.FailBefore, f.Killed = 0.06, 0.02, 0.02, 0.01
	}
	f.Latency = second / 5
	return f
}

// TestErrandOnce is the conversation of the slides: five bots want every step of it, on a GitHub that lags and loses answers.
// One of them has the issue, makes one branch and one pull request of it; the fleet tests that, and a person merges.
func TestErrandOnce(t *testing.T) {
	const done = `Update translations, open pull request: "Please.\r\n\r\n * [x] po-refresh\r\n"
ada labeled this bot
cyborg renamed this from Update translations to WIP: BOT [NONCE]: Update translations
cyborg: po-refresh in progress on BOT.
  Log: on host
cyborg: po-refresh done: https://hub.example/acme/widget/commits/po-refresh-NONCE
cyborg renamed this from WIP: BOT [NONCE]: Update translations to Update translations
`
	merged := strings.Replace(done, "open", "closed", 1) + "ada merged this\nada closed this\n"
	for seed := range seeds(3) {
		enter(t, withTests, func(t *testing.T, o *office) {
			number := o.file("Update translations", "Please.\r\n\r\n * [ ] po-refresh\r\n")
			o.must(o.hub.SetFaults(onBadDays(seed + 1)))
			end := o.clerks(5, seed)
			o.after(15 * time.Minute)
			o.calm()
			if diff := cmp.Diff(done, o.conversation(number)); diff != "" {
				t.Errorf("seed %d: %s", seed, diff)
			}
			if list := o.made.names(); len(slices.Compact(list)) != 1 || len(o.hub.Truth().Issues(widget)) != 1 {
				t.Errorf("seed %d: the branches are %q, the issues and pull requests %+v", seed, list, o.hub.Truth().Issues(widget))
			}
			sha := o.truth(number).HeadSHA
			for _, context := range []string{"verify", "style"} {
				if n := o.results(sha, context); n != 1 {
					t.Errorf("seed %d: %s has %d results", seed, context, n)
				}
			}
			o.merge(number)
			o.after(10 * time.Minute)
			if diff := cmp.Diff(merged, o.conversation(number)); diff != "" {
				t.Errorf("seed %d: %s", seed, diff)
			}
			end()
		})
	}
}
