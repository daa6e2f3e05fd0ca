package swarm

import (
	"math/rand/v2"
	"testing"
	"time"
)

// games plays a number of seeds and fails for each that went wrong.
func games(t *testing.T, first, number uint64, level func(*rand.Rand, time.Duration) Faults) *Sum {
	t.Helper()
	all := new(Sum)
	for seed := first; seed < first+number; seed++ {
		sum, err := Play(t.Context(), Game{Seed: seed}.Draw(level), nil)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		for _, s := range sum.Stories {
			t.Error(s)
		}
		all.Add(sum)
	}
	t.Logf("%d games, %d jobs, %d claims (%d wasted), %d requests, %s of virtual time", all.Games, all.Jobs, all.Claims, all.Wasted, all.Usage.Requests, all.Virtual)
	return all
}

func TestGamesWithoutFaults(t *testing.T) { games(t, 0, 5, NoFaults) }

func TestGamesWithAllFaults(t *testing.T) { games(t, 0, 20, AllFaults) }
