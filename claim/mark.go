package claim

import (
	"cmp"
	"slices"
	"time"
)

// A Kind is what a record means to the fold.
type Kind int

// The kinds of marks. KindOther is the only one that a bot neither writes nor ever paints over.
const (
	KindOther   Kind = iota // somebody's words: a person's, another program's, a newer version's
	KindClaim               // "Testing in progress [name] k7m2q9xa 30m": this bot does the job now
	KindBeat                // the same with "+10m" behind: and it is still alive
	KindResult              // success, failure or error: "Tests passed [name] k7m2q9xa"
	KindRelease             // "Not yet tested (released) k7m2q9xa": given back, a peer may have it
	KindReset               // "Not yet tested", "Not yet tested (direct trigger)": do it, or do it again
	KindNote                // "Not yet tested: needs kvm, 0 of 3 bots have it": why it waits; changes nothing
	KindHold                // a title "WIP: stef: …" without a nonce: a person has it until the prefix is gone
)

// String names the kind as the documentation does.
func (k Kind) String() string {
	names := [...]string{"other", "claim", "beat", "result", "release", "reset", "note", "hold"}
	if k < 0 || int(k) >= len(names) {
		return "unknown"
	}
	return names[k]
}

// A Mark is one record of a board's log: a status of a commit, or a change of an issue's title. Marks are append only:
// GitHub gives each an id and a time, and nobody can change or remove one. The board fills in ID, Creator and At; what
// is posted has none of them.
type Mark struct {
	ID      int64         // given by GitHub; order of the log
	Kind    Kind          //
	Name    string        // of the bot; empty in marks which name nobody
	Nonce   string        // of the claim, 8 characters; empty for a claim of the bots of 2017, and for people
	Lease   time.Duration // of a claim and a beat: how long it holds without a further beat
	Beat    time.Duration // of a beat: how long after the claim it was sent
	State   string        // pending, success, failure or error
	Human   string        // the words for people: "Tests passed"
	Text    string        // the whole text as it was read; not used for posting
	URL     string        // of the log
	Creator string        // login of the account that wrote it
	At      time.Time     // GitHub's time, to the second
}

// Terminal tells whether people (and a scan that sees only newest statuses) take the mark for the end of the job.
func (m Mark) Terminal() bool {
	return m.State == "success" || m.State == "failure" || m.State == "error"
}

// same tells whether two marks look the same to people.
func (m Mark) same(o Mark) bool {
	return m.State == o.State && m.Kind == o.Kind && m.Nonce == o.Nonce && m.Human == o.Human && m.Name == o.Name && m.URL == o.URL
}

// inOrder gives the log in its order, each id once, and leaves marks alone.
func inOrder(marks []Mark) []Mark {
	if ordered(marks) {
		return marks
	}
	list := slices.Clone(marks)
	slices.SortStableFunc(list, func(a, b Mark) int { return cmp.Compare(a.ID, b.ID) })
	return slices.CompactFunc(list, func(a, b Mark) bool { return a.ID == b.ID })
}

func ordered(marks []Mark) bool {
	for i := range marks {
		if i > 0 && marks[i-1].ID >= marks[i].ID {
			return false
		}
	}
	return true
}
