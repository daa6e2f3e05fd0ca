package claim

import (
	"hash/fnv"
	"time"
)

// Rank is the place of a bot among its peers for a subject, from 0, by rendezvous hashing: everybody who knows the same names
// agrees on the places, each subject has another order, and a bot that comes or goes changes few of them. Peers are the names seen
// lately, in claims on GitHub for example; whether me is among them does not matter, nor do repetitions.
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

// RankDelay is how long a bot of this rank waits after a subject became free before it claims it, so that the first of the ranking that
// is idle usually has it unopposed. Visible is how long it takes from the look at the queue until one's claim is seen by others; the
// pause between two ranks is twice that. Only order and costs depend on it, never safety.
func RankDelay(rank int, visible time.Duration) time.Duration {
	return time.Duration(rank) * 2 * visible
}

// score is a well mixed hash of a pair. FNV alone leaves the scores of names that differ in their last letter close together.
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
