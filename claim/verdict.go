package claim

import (
	"fmt"
	"time"
)

// A State is what may be done about a subject.
type State int

// The states of a subject.
const (
	Free State = iota // nobody has it: it may be claimed
	Held              // a claim runs, or a person has it
	Done              // there is a result
	Dead              // nobody may claim it any more: GitHub's ceiling of statuses, or too many tries; see Verdict.Why
)

// String names the state.
func (s State) String() string {
	names := [...]string{"free", "held", "done", "dead"}
	if s < 0 || int(s) >= len(names) {
		return "unknown"
	}
	return names[s]
}

// A Verdict is what a log comes to.
type Verdict struct {
	State   State
	Owner   Mark      // of Held: the claim, or the person's mark; of Done: whose result it is; of Free: who had it last, if it expired
	Renewed Mark      // the claim or beat from which Until counts
	Until   time.Time // of Held: when the claim expires, on GitHub's clock; zero for a person's, which never does
	Open    time.Time // of Held: from when on it may be taken over: Until and the allowed difference of GitHub's times

	Attempt int    // how many times the job was asked for, from 1
	Since   int64  // id of the reset that asked for the current attempt, 0 for the first
	Tries   int    // how many claims of this attempt had it, the current one included
	Racers  []Mark // claims that came while Owner had it, in order
	Result  Mark   // of Done: the effective result
	Newest  Mark   // what people see
	Count   int    // how many records there are, of GitHub's 1,000
}

// Mine tells whether the claim with this nonce holds the subject.
func (v Verdict) Mine(nonce string) bool {
	return v.State == Held && nonce != "" && v.Owner.Nonce == nonce
}

// Why says in one sentence, for people, why the subject is in its state. Times are GitHub's, in UTC.
func (v Verdict) Why() string {
	switch v.State {
	case Held:
		return v.whyHeld()
	case Done:
		return fmt.Sprintf("done: %s", FormatStatusText(v.Result))
	case Dead:
		if v.Count >= deadAt {
			return fmt.Sprintf("dead: the commit has %d of GitHub's 1000 statuses for this context; push a new commit", v.Count)
		}
		return fmt.Sprintf("given up: %d claims brought no result; ask again with %q", v.Tries, Triggered)
	case Free:
	}
	if v.Owner.Kind == KindClaim {
		return fmt.Sprintf("free: %s claimed it at %s and was not heard of since %s", name(v.Owner), clock(v.Owner.At), clock(v.Renewed.At))
	}
	return "free: nobody has claimed it"
}

func (v Verdict) whyHeld() string {
	switch {
	case v.Owner.At.IsZero():
		return "held by a peer, or by a person"
	case v.Until.IsZero():
		return fmt.Sprintf("held by hand since %s: %s", clock(v.Owner.At), clean(v.Owner.Text))
	}
	s := fmt.Sprintf("held by %s since %s, until %s", name(v.Owner), clock(v.Owner.At), clock(v.Until))
	if v.Tries > 1 {
		s += fmt.Sprintf(", try %d", v.Tries)
	}
	return s
}

func name(m Mark) string {
	if m.Name == "" {
		return "somebody"
	}
	return clean(m.Name)
}

func clock(t time.Time) string { return t.UTC().Format("15:04:05") }
