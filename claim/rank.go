package claim

import (
	"cmp"
	"hash/fnv"
	"math/bits"
	"slices"
	"time"
)

// Rank is the place of a bot among its peers for a subject, from 0, by rendezvous hashing: everybody who knows the same
// names agrees on the places, each subject has another order, and a bot that comes or goes changes few of them. Peers
// are the names seen lately, in claims on GitHub for example; whether me is among them does not matter, nor do
// repetitions.
//
// A place by itself prevents few collisions, since two bots may have the same favourite. The pause of RankDelay does.
func Rank(key string, peers []string, me string) int {
	mine := score(key, me)
	seen := map[string]bool{me: true}
	rank := 0
	for _, peer := range peers {
		if seen[peer] {
			continue
		}
		seen[peer] = true
		if s := score(key, peer); s > mine || s == mine && peer < me {
			rank++
		}
	}
	return rank
}

// Places shares the subjects out among the bots that look idle: it gives the place of me for each subject, and
// everybody who sees the same subjects and names agrees on all places. At place 0 every bot has another subject, and
// every subject another bot (as far as there are as many), so bots that take place 0 do not collide. Places 1, 2, … do
// the same again with other pairs, for bots that get nothing, or when a bot does not take what it could.
//
// Pairs are served by rendezvous hash, best first. So when a bot has taken its subject, and both leave the lists,
// everybody else's place 0 stays as it was, and bots whose view is a little behind still agree.
//
// The work grows with the product of both lists, which are therefore cut to the first mostPlaced; subjects behind that
// come last.
func Places(subjects, idle []string, me string) []int {
	places := make([]int, len(subjects))
	for i := mostPlaced; i < len(subjects); i++ {
		places[i] = len(idle) + i
	}
	names := slices.Clone(idle)
	slices.SortFunc(names, func(a, b string) int { return cmp.Compare(score("", a), score("", b)) })
	names = slices.Compact(names)
	names = names[:min(len(names), mostPlaced)]
	if !slices.Contains(names, me) {
		names = append(names, me)
	}
	keys := subjects[:min(len(subjects), mostPlaced)]
	pairs := make([]pair, 0, len(names)*len(keys))
	for b, name := range names {
		for s, key := range keys {
			pairs = append(pairs, pair{bot: b, subject: s, score: score(key, name)})
		}
	}
	slices.SortFunc(pairs, func(a, b pair) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.subject, b.subject), cmp.Compare(a.bot, b.bot))
	})
	ofBot, ofSubject := make([]taken, len(names)), make([]taken, len(keys))
	for _, p := range pairs {
		place := ofBot[p.bot].both(ofSubject[p.subject])
		ofBot[p.bot].use(place)
		ofSubject[p.subject].use(place)
		if names[p.bot] == me {
			places[p.subject] = place
		}
	}
	return places
}

const mostPlaced = 150

type pair struct {
	bot, subject int
	score        uint64
}

// A taken is the set of the places that a bot, or a subject, has already.
type taken []uint64

// both is the lowest place that neither has.
func (p taken) both(q taken) int {
	for i := 0; ; i++ {
		var used uint64
		if i < len(p) {
			used |= p[i]
		}
		if i < len(q) {
			used |= q[i]
		}
		if used != ^uint64(0) {
			return 64*i + bits.TrailingZeros64(^used)
		}
	}
}

func (p *taken) use(place int) {
	for len(*p) <= place/64 {
		*p = append(*p, 0)
	}
	(*p)[place/64] |= 1 << (place % 64)
}

// RankDelay is how long a bot of this rank waits after a subject became free before it claims it, so that the first of
// the ranking that is idle usually has it unopposed. Visible is how long it takes from the look at the queue until
// one's claim is seen by others; the pause between two ranks is twice that. Only order and costs depend on it, never
// safety.
func RankDelay(rank int, visible time.Duration) time.Duration {
	return time.Duration(rank) * 2 * visible
}

// score is a well mixed hash of a pair. FNV alone leaves the scores of names that differ in their last letter close
// together.
func score(key, name string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(key)) // never fails
	_, _ = h.Write([]byte{0})
	_, _ = h.Write([]byte(name))
	x := h.Sum64()
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}
