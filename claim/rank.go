package claim

import "hash/fnv"

// Rank is the place of a bot among its peers for a subject's key: each draws a number from its name and the key, the same on every
// bot, and the rank is how many peers drew a higher one (rendezvous hashing). The bot ranked 0 claims at once; each next waits
// longer before it does, so that bots which see the same queue seldom want the same job (3-claims 3.8). Peers may or may not
// contain me; a name counts once.
func Rank(key string, peers []string, me string) int {
	mine, rank := weight(key, me), 0
	for i, p := range peers {
		if p == me || i > 0 && p == peers[i-1] {
			continue
		}
		if w := weight(key, p); w > mine || w == mine && p < me {
			rank++
		}
	}
	return rank
}

// weight is what a name draws for a key. FNV alone orders names that differ in their last letter alike for every key, so its bits
// are spread (splitmix64's finalizer).
func weight(key, name string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name + "\x00" + key))
	x := h.Sum64()
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}
