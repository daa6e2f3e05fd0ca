package swarm

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cyborg-bots/cyborg/agent"
	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/claim/hub"
	"github.com/cyborg-bots/cyborg/selftest/fakehub"
	"github.com/cyborg-bots/cyborg/tasks"
)

// The names that are the same in every game.
const (
	repoName = "acme/widget"
	apiURL   = "https://hub.example"
	person   = "ada"
	account  = "cyborg" // and a number
)

// A world is a game that is being played: a hub, the bots, and people. It is the bots' teacher.
type world struct {
	game    Game
	die     die
	hub     *fakehub.Server
	taught  *tasks.Catalogue
	ledger  ledger
	bots    []*bot
	lives   sync.WaitGroup
	scratch string
	store   shredder
	apart   bool         // bots have no store together, and know each other by their words on GitHub alone
	chat    *slog.Logger // of all bots, nil: none

	calm atomic.Bool // nothing happens to bots any more

	mu    sync.Mutex
	pulls []*pull
	begun time.Time            // when the first pull request was opened
	last  time.Time            // when the last result came that counts, as the judge finds out
	since time.Time            // what was asked for before is not counted among claims and waits
	free  []subject            // what nobody had at the last look, for games of claims alone
	heard map[subject]string   // the nonce of the result at whose log somebody looked, in games of claims alone
	marks map[int64]claim.Mark // of the truth, as far as it was read; by id
}

var _ agent.Teacher = (*world)(nil)

// newWorld makes everything, and lets nothing begin yet.
func newWorld(ctx context.Context, g Game, scratch string, chat *slog.Logger) (*world, error) {
	w := &world{game: g, die: die(g.Seed).of("world"), scratch: scratch, chat: chat, marks: map[int64]claim.Mark{}, heard: map[subject]string{}}
	var err error
	if w.taught, err = tasks.Load(slices.Values(lessons(g.Contexts))); err != nil {
		return nil, err
	}
	if w.hub, err = fakehub.New(fakehub.Options{Seed: g.Seed, Faults: g.Faults.Hub, Limits: g.Limits}); err != nil {
		return nil, err
	}
	if err := w.hub.AddUser(fakehub.User{Login: person, Token: person + "-token"}); err != nil {
		return nil, err
	}
	if err := w.hub.AddRepo(ctx, fakehub.Repo{Name: repoName}); err != nil {
		return nil, err
	}
	logins := []string{person}
	for i := range g.Accounts {
		logins = append(logins, accountName(i))
		if err := w.hub.AddUser(fakehub.User{Login: accountName(i)}); err != nil {
			return nil, err
		}
	}
	for _, login := range logins {
		if err := w.hub.Grant(repoName, login, fakehub.Write); err != nil {
			return nil, err
		}
	}
	if _, err := w.hub.Commit(ctx, repoName, fakehub.Commit{Branch: "main", Files: map[string]string{"README": "widget\n"}}); err != nil {
		return nil, err
	}
	return w, w.addBots()
}

func accountName(i int) string { return fmt.Sprint(account, i) }

func (w *world) addBots() error {
	for i := range w.game.Bots {
		b := &bot{world: w, name: fmt.Sprintf("bot%d", i), token: fmt.Sprintf("token-%d", i), die: w.die.of("bot").at(int64(i))}
		if w.game.Faults.Twins && i == 1 {
			b.name = "bot0"
		}
		b.rate = 1 + w.game.Faults.Skew*(2*b.die.of("clock").float()-1)
		b.able = i == 0 || b.die.of("able").yes(0.7)
		if err := w.hub.AddToken(accountName(i%w.game.Accounts), b.token, "public_repo"); err != nil {
			return err
		}
		w.bots = append(w.bots, b)
	}
	return nil
}

// lessons are the files in bots/: two tasks, one of which not all bots can do.
func lessons(contexts int) []tasks.File {
	names := make([]string, contexts)
	for i := range names {
		names[i] = fmt.Sprintf("system-%d", i)
	}
	task := func(name, more string) tasks.File {
		text := "#!/bin/sh\n# " + name + ": wait\n# on: pull request\n" + more + "exit 0\n"
		return tasks.File{Path: "bots/" + name, Mode: 0o755, Data: []byte(text)}
	}
	hard := contexts / 3
	files := []tasks.File{task("verify", "# image: "+strings.Join(names[hard:], " ")+"\n")}
	if hard > 0 {
		files = append(files, task("guest", "# image: "+strings.Join(names[:hard], " ")+"\n# needs: kvm\n"))
	}
	return files
}

// Catalogue implements agent.Teacher.
func (w *world) Catalogue(context.Context, hub.Repo, string) (*tasks.Catalogue, error) {
	return w.taught, nil
}

// length is how long the job on a subject takes: most are short, some long, and a few take several leases. The mean
// is the game's.
func (w *world) length(s subject) time.Duration {
	d := w.die.of("length", s.sha, s.context)
	part := func(low, high float64) time.Duration {
		return max(time.Duration(float64(w.game.Mean)*(low+(high-low)*d.of("part").float())), time.Second)
	}
	switch kind := d.of("kind").float(); {
	case w.game.Even:
		return part(2.0/7, 12.0/7)
	case kind < 0.7:
		return part(0.05, 0.6)
	case kind < 0.95:
		return part(0.6, 2.5)
	}
	return part(2.5, 13)
}

func (w *world) log(l *life) *slog.Logger {
	if w.chat == nil {
		return nil
	}
	return w.chat.With("bot", l.name)
}
