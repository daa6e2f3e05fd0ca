package swarm

import (
	"cmp"
	"slices"
	"time"

	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/selftest/fakehub"
)

// A record is a status in the order in which the hub took them.
type record struct {
	fakehub.Status
	mark claim.Mark
}

// records reads the truth about a commit, by context.
func (w *world) records(sha string) map[string][]record {
	logs := map[string][]record{}
	for _, s := range w.hub.Truth().Statuses(repoName, sha) {
		m := claim.ParseStatusText(s.State, s.Description)
		m.ID, m.URL, m.Creator, m.At = s.ID, s.TargetURL, s.Creator, s.CreatedAt
		logs[s.Context] = append(logs[s.Context], record{s, m})
	}
	return logs
}

func marksOf(log []record) []claim.Mark {
	marks := make([]claim.Mark, len(log))
	for i, r := range log {
		marks[i] = r.mark
	}
	return marks
}

// A judge goes through everything that happened to one subject.
type judge struct {
	world *world
	of    subject
	log   []record
	marks []claim.Mark
	works []*work
	since time.Time // when it was first asked for
	final bool      // its commit is the head of an open pull request at the end
	sum   *Sum
}

// judgeAll judges every subject that there ever was.
func (w *world) judgeAll(sum *Sum) {
	works := map[subject][]*work{}
	for _, k := range w.ledger.works {
		works[k.subject] = append(works[k.subject], k)
	}
	for _, p := range w.pulls {
		for i, h := range p.heads {
			logs := w.records(h.sha)
			for _, of := range w.subjects(h.sha) {
				j := judge{
					world: w, of: of, log: logs[of.context], works: works[of], since: h.since,
					final: p.open && i == len(p.heads)-1, sum: sum,
				}
				j.marks = marksOf(j.log)
				j.all()
			}
		}
	}
}

func (j *judge) all() {
	j.sum.Subjects++
	j.history()
	j.phantoms()
	j.doubles()
	j.end()
}

// blame notes that something went wrong, and tells the story.
func (j *judge) blame(what string, count *int) {
	*count++
	const enough = 20
	if len(j.sum.Stories) < enough {
		j.sum.Stories = append(j.sum.Stories, j.story(what))
	}
}

// history walks through the log record by record: which claims ever counted, how long a job waited for its first one,
// and whether a result that counted was ever replaced by another.
func (j *judge) history() {
	claims, owners := map[string]bool{}, map[string]bool{}
	results := map[int]int64{} // by attempt
	waited := map[int]bool{}   // by attempt
	asked := map[int]time.Time{1: j.since}
	for i, r := range j.log {
		if r.mark.Kind == claim.KindClaim {
			claims[r.mark.Nonce] = true
		}
		v := claim.Decide(j.marks[:i+1], r.CreatedAt, claim.Policy{Racers: true})
		if asked[v.Attempt].IsZero() {
			asked[v.Attempt] = r.Received
		}
		if v.State == claim.Held {
			owners[v.Owner.Nonce] = true
			if !waited[v.Attempt] {
				waited[v.Attempt] = true
				j.sum.Pickup = append(j.sum.Pickup, max(r.Received.Sub(asked[v.Attempt]), 0))
			}
		}
		if v.State != claim.Done {
			continue
		}
		if before, ok := results[v.Attempt]; ok && before != v.Result.ID {
			j.blame("two results counted in one attempt", &j.sum.Effects)
		}
		results[v.Attempt] = v.Result.ID
	}
	j.sum.Jobs += len(results)
	j.sum.Records += len(j.log)
	j.sum.Claims += len(claims)
	for nonce := range claims {
		if !owners[nonce] {
			j.sum.Wasted++
		}
	}
}

// phantoms compares every result with what the performer said, and looks for its claim.
func (j *judge) phantoms() {
	claimed := map[string]bool{}
	for _, r := range j.log {
		if r.mark.Kind == claim.KindClaim {
			claimed[r.mark.Nonce] = true
		}
		if r.mark.Kind != claim.KindResult {
			continue
		}
		said := slices.ContainsFunc(j.works, func(k *work) bool {
			return k.last && k.nonce == r.mark.Nonce && k.state == r.State
		})
		if !said || !claimed[r.mark.Nonce] {
			j.blame("a result that nobody produced: "+r.Description, &j.sum.Phantoms)
		}
	}
}

// doubles looks for two performers at work at once whose claims were both unexpired by the hub's clock, and not undone by
// a person who asked for the job again.
func (j *judge) doubles() {
	for i, a := range j.works {
		for _, b := range j.works[:i] {
			if a.nonce == b.nonce {
				continue
			}
			begin, end := later(a.begin, b.begin), earlier(a.end, b.end)
			end = earlier(end, earlier(j.valid(a.nonce, begin), j.valid(b.nonce, begin)))
			if begin.Before(end) {
				j.blame(a.bot+" and "+b.bot+" worked at once from "+clock(begin)+" to "+clock(end), &j.sum.Doubles)
			}
		}
	}
}

// valid is until when the claim with this nonce held, as far as was known at a time: its last record's lease, cut by a
// reset.
func (j *judge) valid(nonce string, at time.Time) time.Time {
	var until time.Time
	claimed := false
	for _, r := range j.log {
		mine := r.mark.Nonce == nonce
		switch {
		case r.mark.Kind == claim.KindReset && claimed && r.Received.Before(at):
			return r.Received
		case mine && r.mark.Kind == claim.KindRelease:
			return earlier(until, r.Received)
		case mine && (r.mark.Kind == claim.KindClaim || r.mark.Kind == claim.KindBeat) && !r.Received.After(at):
			claimed = true
			until = later(until, r.Received.Add(r.mark.Lease))
		}
	}
	return until
}

// end looks at what is left when everything has come to rest.
func (j *judge) end() {
	if !j.final {
		return
	}
	v := claim.Decide(j.marks, time.Now(), claim.Policy{Racers: true})
	switch {
	case v.State != claim.Done:
		j.blame("nobody did it: "+v.Why(), &j.sum.Lost)
	case shown(j.log) != claim.FormatStatusText(v.Result):
		j.blame("people see "+shown(j.log)+", and what counts is "+claim.FormatStatusText(v.Result), &j.sum.Wrong)
	}
}

func shown(log []record) string {
	if len(log) == 0 {
		return ""
	}
	return slices.MaxFunc(log, func(a, b record) int { return cmp.Compare(a.ID, b.ID) }).Description
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func clock(t time.Time) string { return t.UTC().Format("15:04:05.000") }
