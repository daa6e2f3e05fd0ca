package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/cyborg-bots/cyborg/selftest/fakehub"
	"github.com/cyborg-bots/cyborg/selftest/swarm"
)

// simulateFlags are the flags of `cyborg simulate`.
type simulateFlags struct {
	game    swarm.Game
	hours   float64
	faults  string
	games   int
	enough  time.Duration
	jobs    int
	verbose bool
	limits  bool
}

func simulateCommand() command {
	return command{
		Name: "simulate", Short: "let fleets of bots work in virtual time, and judge whether anything went wrong",
		Long: `
Plays games: in each a fleet of real bots works for a repository of an emulated GitHub, all in this process, and a day
takes as long as its computing. The judge reads what the emulator knows and prints a table; a double run, a lost job, a
result that nobody produced or that people do not see is told as a story, and makes the exit status 1. What is not given
is drawn from the seed, anew for each game; the seeds are printed, and a game can be played again:

	cyborg simulate --games 200 --faults all
	cyborg simulate --bots 20 --jobs 100 --hours 8 --faults some --seed 7

With --faults none nothing goes wrong; with some GitHub lags and hiccups, machines sleep and people push; with all there
is everything that the claims' assumptions allow, each game with another mixture. Or give JSON, such as
	{"hub":{"lag":"3s","lost_acks":0.1},"crashes":0.5,"suspends":0.5,"triggers":0.3}`,
		Exits: []exitStatus{{exitDone, "all was as it must be"}, {exitNo, "something went wrong; the stories tell what"},
			{exitUsage, "the command line is wrong"}, {exitInfra, "a game could not be played"}},
		New: func(fs *flag.FlagSet, env *environment) func(context.Context, []string) error {
			f := new(simulateFlags)
			f.register(fs)
			return func(ctx context.Context, _ []string) error {
				fs.Visit(func(g *flag.Flag) {
					if g.Name == "settle" && f.game.Settle == 0 {
						f.game.Settle = -1 // none, not drawn
					}
				})
				return f.run(ctx, env)
			}
		},
	}
}

func (f *simulateFlags) register(fs *flag.FlagSet) {
	g := &f.game
	fs.IntVar(&g.Bots, "bots", 0, "`N` bots (default: drawn)")
	fs.IntVar(&g.Jobs, "jobs", 0, "pull requests ask for `N` contexts in each game (default: drawn)")
	fs.IntVar(&g.Contexts, "contexts", 0, "`N` contexts of each pull request (default: drawn)")
	fs.Float64Var(&f.hours, "hours", 0, "people do things for `H` hours; a game ends when all is done (default: drawn)")
	fs.DurationVar(&g.Mean, "mean", 0, "a job takes `TIME` on average (default: drawn)")
	fs.BoolVar(&g.Even, "even", false, "jobs take between 2/7 and 12/7 of --mean; else most are short, some long, and a few ten times as long")
	fs.IntVar(&g.Accounts, "accounts", 0, "spread the bots over `N` accounts (default: drawn)")
	fs.DurationVar(&g.Poll, "poll", 0, "bots look every `TIME` (default: drawn)")
	fs.DurationVar(&g.Settle, "settle", 0, "bots wait `TIME` after claiming; 0 is none (default: drawn)")
	fs.DurationVar(&g.Lease, "lease", 0, "claims hold for `TIME` (default: drawn)")
	fs.BoolVar(&f.limits, "limits", false, "keep the rate limits of github.com")
	fs.BoolVar(&g.Merge, "merge", false, "people close pull requests that are done")
	fs.BoolVar(&g.Claims, "claims", false, "claims alone, with no agents around them: many more jobs in the same time")
	fs.StringVar(&f.faults, "faults", "some", "what goes wrong: `none, some, all, or JSON`")
	fs.Uint64Var(&g.Seed, "seed", 0, "of the first game; the next ones have the numbers that follow (default: a random one)")
	fs.IntVar(&f.games, "games", 1, "play `K` games")
	fs.DurationVar(&f.enough, "for", 0, "begin no game when `TIME` of ours is over")
	fs.IntVar(&f.jobs, "total", 0, "begin no game when `N` jobs are done")
	fs.BoolVar(&f.verbose, "verbose", false, "with one game, show the bots' own logs")
}

// storiesTold bounds what is told of all that went wrong.
const storiesTold = 5

// run plays and judges.
func (f *simulateFlags) run(ctx context.Context, env *environment) error {
	level, err := f.level()
	if err != nil {
		return err
	}
	if f.limits {
		f.game.Limits = fakehub.GitHubLimits()
	}
	f.game.Span = time.Duration(f.hours * float64(time.Hour))
	for name, v := range map[string]bool{
		"bots": f.game.Bots >= 0, "jobs": f.game.Jobs >= 0, "contexts": f.game.Contexts >= 0, "accounts": f.game.Accounts >= 0,
		"hours": f.hours >= 0, "games": f.games >= 1, "poll": f.game.Poll >= 0, "mean": f.game.Mean >= 0, "total": f.jobs >= 0,
	} {
		if !v {
			return usageError("simulate: --%s is not negative, and --games at least 1", name)
		}
	}
	if f.game.Seed == 0 {
		f.game.Seed = uint64(rand.Uint32()) + 1
	}
	if err := f.game.Draw(level).Check(); err != nil {
		return usageError("simulate: %v", err)
	}
	debug.SetGCPercent(400) // the games make much garbage and keep little
	sum, err := f.play(ctx, env, level)
	if err != nil {
		return infra(err)
	}
	last := f.game.Seed + uint64(max(sum.Games, 1)) - 1
	if f.games == 1 {
		fmt.Fprintf(env.Stdout, "seed %d: %s\n", f.game.Seed, f.game.Draw(level))
	} else {
		fmt.Fprintf(env.Stdout, "seeds %d to %d\n", f.game.Seed, last)
	}
	if err := sum.Table(env.Stdout); err != nil {
		return infra(err)
	}
	if sum.Bad() == 0 {
		return nil
	}
	if f.games == 1 {
		for _, s := range sum.Stories[:min(len(sum.Stories), storiesTold)] {
			fmt.Fprintf(env.Stdout, "\n%s", s)
		}
	}
	return &exitError{Code: exitNo, Err: fmt.Errorf("simulate: %d things went wrong", sum.Bad()),
		Hint: "play a game again with the same flags, --games 1 and the --seed of its story; --verbose shows what the bots thought"}
}

func (f *simulateFlags) play(ctx context.Context, env *environment, level levelFunc) (*swarm.Sum, error) {
	if f.games == 1 {
		var chat *slog.Logger
		if f.verbose {
			chat = demoLog(env.Stderr, true)
		}
		return swarm.Play(ctx, f.game.Draw(level), chat)
	}
	shown, told := time.Now(), 0
	return swarm.Series{
		Game: f.game, Level: level, First: f.game.Seed, Games: f.games, Parallel: runtime.GOMAXPROCS(0), Jobs: f.jobs, For: f.enough,
		Progress: func(s *swarm.Sum) {
			for ; told < min(len(s.Stories), storiesTold); told++ {
				fmt.Fprintf(env.Stdout, "%s\n", s.Stories[told])
			}
			if time.Since(shown) > 10*time.Second {
				shown = time.Now()
				fmt.Fprintf(env.Stderr, "cyborg: simulate: %d games, %d jobs, %d things went wrong\n", s.Games, s.Jobs, s.Bad())
			}
		},
	}.Play(ctx)
}

// A levelFunc draws what goes wrong in a game; nil: nothing is drawn.
type levelFunc = func(*rand.Rand, time.Duration) swarm.Faults

// level reads --faults.
func (f *simulateFlags) level() (levelFunc, error) {
	switch f.faults {
	case "none":
		return swarm.NoFaults, nil
	case "some":
		return swarm.SomeFaults, nil
	case "all":
		return swarm.AllFaults, nil
	}
	if !strings.HasPrefix(f.faults, "{") {
		return nil, usageError("simulate: --faults %q: write none, some, all, or JSON", f.faults)
	}
	d := json.NewDecoder(bytes.NewReader([]byte(f.faults)))
	d.DisallowUnknownFields()
	if err := d.Decode(&f.game.Faults); err != nil {
		return nil, usageError("simulate: read --faults: %v", err)
	}
	return nil, nil
}
