package world

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"

	"github.com/cyborg-bots/cyborg/publish/dir"
	"github.com/cyborg-bots/cyborg/selftest/fakehub"
	"github.com/cyborg-bots/cyborg/selftest/people"
)

// Options say what kind of world it is.
type Options struct {
	Dir    string         // for everything; it must be there
	Listen string         // address of the emulator; empty is a free port of the loopback interface
	Seed   uint64         // of the emulator's faults and the bots' jitter
	Faults fakehub.Faults // what goes wrong
	Log    *slog.Logger   // of the bots; nil discards
}

// A World is an emulated GitHub with people, a place for logs, and bots.
type World struct {
	Hub    *fakehub.Server
	URL    string // of the emulator, for API, git and people
	o      Options
	logs   *dir.Store
	people map[string]people.Person
	bots   sync.WaitGroup
	stop   context.CancelFunc
	served chan error
}

// The accounts that every world has.
const (
	Owner   = "ada"      // may do everything
	Writer  = "grace"    // may push
	Account = "cyborg"   // whose token the bots use
	Visitor = "stranger" // may read
)

// New makes a world and serves it until Close.
func New(ctx context.Context, o Options) (*World, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	repos := filepath.Join(o.Dir, "github")
	if err := os.MkdirAll(repos, 0o700); err != nil {
		return nil, fmt.Errorf("make world: %w", err)
	}
	hub, err := fakehub.New(fakehub.Options{Dir: repos, Seed: o.Seed, Faults: o.Faults, Limits: fakehub.GitHubLimits(), Log: o.Log})
	if err != nil {
		return nil, fmt.Errorf("make world: %w", err)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", o.Listen)
	if err != nil {
		return nil, fmt.Errorf("make world: %w", err)
	}
	w := &World{Hub: hub, URL: "http://" + listener.Addr().String(), o: o, people: map[string]people.Person{}, served: make(chan error, 1)}
	if w.logs, err = dir.Open(filepath.Join(o.Dir, "logs"), dir.Options{PublicURL: w.URL + LogsPath}); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	for _, login := range []string{Owner, Writer, Account, Visitor} {
		p := people.Person{Login: login, Token: login + "-token", URL: w.URL}
		if err := hub.AddUser(fakehub.User{Login: login, Token: p.Token}); err != nil {
			return nil, errors.Join(err, listener.Close())
		}
		w.people[login] = p
	}
	ctx, w.stop = context.WithCancel(context.WithoutCancel(ctx))
	go func() { w.served <- Serve(ctx, listener, Beside(hub, w.logs)) }()
	return w, nil
}

// AddRepo makes an empty repository in which the writer may write and the bots' account may too.
func (w *World) AddRepo(ctx context.Context, name string) error {
	if err := w.Hub.AddRepo(ctx, fakehub.Repo{Name: name}); err != nil {
		return err
	}
	for login, permission := range map[string]fakehub.Permission{Owner: fakehub.Admin, Writer: fakehub.Write, Account: fakehub.Write} {
		if err := w.Hub.Grant(name, login, permission); err != nil {
			return err
		}
	}
	return nil
}

// Person gives one of the people.
func (w *World) Person(login string) people.Person { return w.people[login] }

// Clone makes a work tree of a repository for one of the people.
func (w *World) Clone(ctx context.Context, login, repo string) (*people.Clone, error) {
	return w.people[login].Clone(ctx, repo, filepath.Join(w.o.Dir, "people", login, filepath.FromSlash(repo)))
}

// Close stops the emulator. Bots must have been stopped before.
func (w *World) Close() error {
	w.bots.Wait()
	w.stop()
	return errors.Join(<-w.served, w.Hub.Close(), w.logs.Close())
}
