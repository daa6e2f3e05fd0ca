package swarm

import (
	"encoding/binary"
	"hash/fnv"
	"math/rand/v2"
	"time"
)

// A die gives numbers that follow from a seed and from what they are drawn for, and not from the order of draws: the
// goroutines of one bot may ask in any order.
type die uint64

// of is another die, for what the words name.
func (d die) of(words ...string) die {
	h := fnv.New64a()
	_, _ = h.Write(binary.LittleEndian.AppendUint64(nil, uint64(d))) // never fails
	for _, w := range words {
		_, _ = h.Write([]byte(w))
		_, _ = h.Write([]byte{0})
	}
	return die(mix(h.Sum64()))
}

// at is another die, for a number.
func (d die) at(n int64) die { return die(mix(uint64(d) ^ mix(uint64(n)+0x9e3779b97f4a7c15))) }

// mix spreads a change of one bit over all of them.
func mix(x uint64) uint64 {
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

// float is between 0 and 1.
func (d die) float() float64 { return float64(mix(uint64(d))>>11) / (1 << 53) }

// below is between 0 and n, n excluded.
func (d die) below(n time.Duration) time.Duration { return time.Duration(d.float() * float64(n)) }

// yes comes with probability p.
func (d die) yes(p float64) bool { return d.float() < p }

// rand is a generator for what is drawn in an order that is always the same.
func (d die) rand() *rand.Rand { return rand.New(rand.NewPCG(uint64(d), 0x73776172)) }

// nonce is a claim's.
func (d die) nonce() string {
	const alphabet = "0123456789abcdefghjkmnpqrstvwxyz"
	b := make([]byte, 8)
	x := mix(uint64(d))
	for i := range b {
		b[i] = alphabet[x%32]
		x /= 32
	}
	return string(b)
}

// between draws a duration.
func between(r *rand.Rand, low, high time.Duration) time.Duration {
	return low + time.Duration(r.Int64N(int64(max(high-low, 0))+1))
}
