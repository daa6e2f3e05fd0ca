package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cyborg-bots/cyborg/agent/checkout"
	"github.com/cyborg-bots/cyborg/claim/hub"
	"github.com/cyborg-bots/cyborg/container"
	"github.com/cyborg-bots/cyborg/publish"
	"github.com/cyborg-bots/cyborg/tasks"
)

// A Workshop is where jobs are done on this machine: it reads what the repositories teach, makes fresh directories with
// the commits to test, and runs the tasks there. It is a Teacher and a Performer, and safe for concurrent use.
type Workshop struct {
	Mirror  func(repo string) (*checkout.Mirror, error) // the local copy of a repository
	Places  map[tasks.PlaceKind]container.Runner        // where tasks may run; a place that is missing is not offered
	Secrets map[string]string                           // by name, for tasks that name them
	Also    []tasks.Task                                // that the program can do beside those that are built into every bot
	Own     map[string][]tasks.Task                     // by repository, in lower case: what the program can do for that one alone
	Log     *slog.Logger

	// Named says what is wrong with the name of a task's file, if a line of its name would mean something else; nil: nothing is.
	Named func(file string) error

	// Shell is run in the place of a task, in its directory and with its variables: a person does the work. It gives the exit
	// status. Nil: the task itself is run.
	Shell func(ctx context.Context, dir string, vars []string) (int, error)

	// Prune deletes a repository's logs that are older than that, and says what it did; nil: this bot does not.
	Prune func(ctx context.Context, repo string, keep time.Duration) (string, error)

	// Issues and Store are what tasks that look after issues work with, as the account Login; nil: they are not done here.
	Issues tasks.IssueDesk
	Store  publish.Store
	Login  string

	mu     sync.Mutex
	taught map[string]*tasks.Catalogue // by repository: the newest that was read
	at     map[string]string           // by repository: the commit it was read at
}

var (
	_ Teacher   = (*Workshop)(nil)
	_ Performer = (*Workshop)(nil)
)

// Catalogue implements Teacher with the bots/ folder of a commit, read from the mirror. What was read last is kept, as a
// default branch moves seldom.
func (w *Workshop) Catalogue(ctx context.Context, repo hub.Repo, commit string) (*tasks.Catalogue, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	name := repo.String()
	if w.at[name] == commit {
		return w.taught[name], nil
	}
	mirror, err := w.Mirror(name)
	if err != nil {
		return nil, err
	}
	if _, err := mirror.Fetch(ctx, commit); err != nil {
		return nil, fmt.Errorf("fetch %s: %w", short(commit), err)
	}
	catalogue, err := readCatalogue(ctx, mirror, commit, slices.Concat(w.Also, w.Own[strings.ToLower(name)]))
	if catalogue == nil {
		return nil, err
	}
	if w.Named != nil {
		err = errors.Join(err, catalogue.Refuse(w.Named))
	}
	if err != nil && w.Log != nil {
		w.Log.Warn("the repository teaches something wrongly", "repo", name, "commit", short(commit), "error", err)
	}
	if w.at == nil {
		w.at, w.taught = map[string]string{}, map[string]*tasks.Catalogue{}
	}
	w.at[name], w.taught[name] = commit, catalogue
	return catalogue, nil
}

// readCatalogue loads bots/ of a commit that the mirror has. With a catalogue, the error is about single files of it.
func readCatalogue(ctx context.Context, mirror *checkout.Mirror, commit string, also []tasks.Task) (*tasks.Catalogue, error) {
	files, err := mirror.Files(ctx, commit, tasks.Folder)
	if err != nil {
		return nil, fmt.Errorf("read %s/ of %s: %w", tasks.Folder, short(commit), err)
	}
	list := make([]tasks.File, len(files))
	for i, f := range files {
		list[i] = tasks.File(f)
	}
	return tasks.Load(slices.Values(list), also...)
}

// Know takes a catalogue that was read elsewhere for what a repository teaches.
func (w *Workshop) Know(repo string, c *tasks.Catalogue) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.at == nil {
		w.at, w.taught = map[string]string{}, map[string]*tasks.Catalogue{}
	}
	w.at[repo], w.taught[repo] = "", c
}
