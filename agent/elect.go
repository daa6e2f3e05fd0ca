package agent

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/cyborg-bots/cyborg/claim"
)

// An election finds out which of several strangers speaks for all. Bots that have claimed something know each other by
// their claims and have a ranking; those that were started a moment ago, or can do nothing that is asked for, know nobody.
// Each waits a random time, then posts one note. Who has posted the first one on that job, as all can see a settle wait
// later, goes on; the others leave it to that bot, as long as they see it speak.
type election struct {
	ballot ballot
	count  time.Time // when the ballot can be counted
	won    string    // the commit of which this bot speaks
	until  time.Time // and until when; who says nothing for so long has no right to any more
	first  bool      // it won the last election, and is not shy
	quiet  time.Time // until then somebody else may go on
}

// A ballot is the note with which a bot stands for election.
type ballot struct {
	on    claim.Subject
	after int64 // id of the newest record before it
	id    int64
}

// shyFor is over how many polls strangers spread.
const shyFor = 6

// shyness is a bot's part of that time, from its luck, which is between 0 and 1. Most wait for nearly all of it, and few
// do not: so the first of five is as far in front of the second as the first of fifty. If 4 s go by until a word is seen
// and bots look every 30 s, it is far enough in seven elections of eight; else one note is there twice.
func shyness(luck float64) float64 {
	const most = 64 // bots, or a few times as many
	return math.Log(1+(most-1)*luck) / math.Log(most)
}

// left is how long nothing is to be said.
func (v *election) left() time.Duration {
	return max(time.Until(v.quiet), time.Until(v.count), 0)
}

// speaks tells whether the bot speaks for all of a commit.
func (v *election) speaks(sha string) bool { return v.won == sha && time.Now().Before(v.until) }

// heard takes in what came of the wish to speak, and tells whether the bot may go on.
func (v *election) heard(b ballot, settle, step time.Duration) bool {
	switch {
	case b.id == 0: // another was quicker
		*v = election{quiet: time.Now().Add(step)}
	case v.speaks(b.on.SHA):
		v.until = time.Now().Add(step)
		return true
	default:
		v.ballot, v.count = b, time.Now().Add(settle)
	}
	return false
}

// mine puts the commit first of which this bot speaks.
func (v *election) mine(queue []Entry) []Entry {
	if !v.speaks(v.won) {
		return queue
	}
	queue = slices.Clone(queue)
	slices.SortStableFunc(queue, func(x, y Entry) int {
		switch mine := v.won; {
		case x.SHA == mine && y.SHA != mine:
			return -1
		case y.SHA == mine && x.SHA != mine:
			return 1
		}
		return 0
	})
	return queue
}

// audible tells whether a stranger may say something now, or stand for election: not while another speaks, nor before its
// own ballot is counted.
func (a *Agent) audible(ctx context.Context, queue []Entry) bool {
	v := &a.election
	switch {
	case v.left() > 0:
		return false
	case v.ballot.id != 0:
		a.elect(ctx)
		return v.won != ""
	case v.speaks(v.won):
		return true
	}
	for _, e := range queue {
		if ago := a.c.Hub.Now().Sub(e.Since); e.State == "pending" && e.Nonce == "" && ago < a.step() {
			v.quiet = time.Now().Add(a.step() - ago)
			return false
		}
	}
	return true
}

// elect counts the ballots.
func (a *Agent) elect(ctx context.Context) {
	v := &a.election
	marks, _, err := a.c.Board.Marks(ctx, v.ballot.on)
	if err != nil {
		return // the next round asks again
	}
	for _, m := range marks {
		if m.Kind != claim.KindNote || m.ID <= v.ballot.after {
			continue
		}
		if m.ID == v.ballot.id {
			*v = election{won: v.ballot.on.SHA, until: time.Now().Add(a.step()), first: true}
			return
		}
		break
	}
	*v = election{quiet: time.Now().Add(a.step())}
}
