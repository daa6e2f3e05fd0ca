package swarm

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/selftest/fakehub"
)

// A record is a status in the order in which the hub took them.
type record struct {
	fakehub.Status
	mark claim.Mark
}

// records reads the truth about a commit, by context. The caller holds the mutex.
func (w *world) records(sha string) map[string][]record {
	logs := map[string][]record{}
	for _, s := range w.hub.Truth().Statuses(repoName, sha) {
		m, known := w.marks[s.ID]
		if !known {
			m = claim.ParseStatusText(s.State, s.Description)
			m.ID, m.URL, m.Creator, m.At = s.ID, s.TargetURL, s.Creator, s.CreatedAt
			w.marks[s.ID] = m
		}
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

	faults []string // what went wrong
}

// judgeAll judges every subject that there ever was; whether all came to its end only if there was time for that.
func (w *world) judgeAll(sum *Sum, ended bool) {
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
					final: ended && p.open && i == len(p.heads)-1, sum: sum,
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
	j.views()
	j.phantoms()
	j.doubles()
	j.end()
	if len(j.faults) > 0 && len(j.sum.Stories) < mostStories {
		j.sum.Stories = append(j.sum.Stories, j.story(strings.Join(j.faults, "; ")))
	}
}

// blame notes that something went wrong.
func (j *judge) blame(what string, count *int) {
	*count++
	j.faults = append(j.faults, what)
}

// history walks through the log record by record: which claims ever counted, how long a job waited for its first one,
// and whether a result that counted was ever replaced by another.
func (j *judge) history() {
	claims, owners := map[string]bool{}, map[string]bool{}
	counted := !j.since.Before(j.world.since)
	results := map[int]int64{} // by attempt
	waited := map[int]bool{}   // by attempt
	asked := map[int]time.Time{1: j.since}
	for i, r := range j.log {
		if r.mark.Kind == claim.KindClaim {
			claims[r.mark.Nonce] = true
		}
		v := claim.Decide(j.marks[:i+1], r.CreatedAt, j.world.judged())
		if asked[v.Attempt].IsZero() {
			asked[v.Attempt] = r.Received
		}
		if v.State == claim.Held {
			owners[v.Owner.Nonce] = true
			if !waited[v.Attempt] && counted {
				waited[v.Attempt] = true
				j.sum.Pickup = append(j.sum.Pickup, max(r.Received.Sub(asked[v.Attempt]), 0))
			}
		}
		if v.State != claim.Done {
			continue
		}
		if results[v.Attempt] == 0 && j.final {
			j.world.last = later(j.world.last, r.Received)
		}
		if before, ok := results[v.Attempt]; ok && before != v.Result.ID {
			j.blame("two results counted in one attempt", &j.sum.Effects)
		}
		results[v.Attempt] = v.Result.ID
	}
	j.sum.Jobs += len(results)
	j.sum.Records += len(j.log)
	if !counted {
		return
	}
	j.sum.Claims += len(claims)
	for nonce := range claims {
		if !owners[nonce] {
			j.sum.Wasted++
		}
	}
}

// views looks at what readers could see while ids were late, one moment after the other: a result that counts for whoever
// reads now must not be replaced for whoever reads later.
func (j *judge) views() {
	late := slices.ContainsFunc(j.log, func(r record) bool { return r.Visible.After(r.Received) })
	if !late {
		return // the views are the beginnings of the log, which history has walked through
	}
	order := slices.Clone(j.log)
	slices.SortStableFunc(order, func(a, b record) int { return a.Visible.Compare(b.Visible) })
	results := map[int64]string{} // by the wish that began the attempt
	for i, r := range order {
		v := claim.Decide(marksOf(order[:i+1]), r.Visible, j.world.judged())
		if v.State != claim.Done {
			continue
		}
		if before, ok := results[v.Since]; ok && before != v.Result.Nonce {
			j.blame("readers saw first the result of "+before+", then that of "+v.Result.Nonce, &j.sum.Flips)
		}
		results[v.Since] = v.Result.Nonce
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

// doubles looks for two performers at work at once. It is none when a person had asked for the job again meanwhile, which
// the first cannot know at once; nor when the first was frozen, went on when its claim had expired by the hub's clock, and
// stopped as soon as it looked at its own.
func (j *judge) doubles() {
	for i, a := range j.works {
		for _, b := range j.works[:i] {
			if a.nonce == b.nonce {
				continue
			}
			begin, end := later(a.begin, b.begin), earlier(j.over(a, i), j.over(b, i))
			if begin.Before(end) {
				j.blame(a.bot+" and "+b.bot+" worked at once from "+clock(begin)+" to "+clock(end), &j.sum.Doubles)
			}
		}
	}
}

// over is until when a performer's work is to be reckoned with. Before tells how many works came before or with it.
func (j *judge) over(k *work, before int) time.Time {
	end := k.end
	var expires time.Time
	claimed := false
	for _, r := range j.log {
		switch mine := r.mark.Nonce == k.nonce; {
		case r.mark.Kind == claim.KindReset && claimed:
			end = earlier(end, r.Received)
		case mine && (r.mark.Kind == claim.KindClaim || r.mark.Kind == claim.KindBeat):
			claimed = true
			expires = later(expires, r.Received.Add(r.mark.Lease))
		}
	}
	frozen := slices.ContainsFunc(j.works[:before+1], func(o *work) bool { return o.nonce == k.nonce && !o.last && o.begin.Before(k.begin) })
	if frozen {
		end = earlier(end, expires)
	}
	return end
}

// end looks at what is left when everything has come to rest.
func (j *judge) end() {
	if !j.final {
		return
	}
	v := claim.Decide(j.marks, time.Now(), j.world.judged())
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
