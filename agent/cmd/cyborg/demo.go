package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/cyborg-bots/cyborg/selftest/world"
)

// demoTime is the longest that the story may take on a slow machine.
const demoTime = 3 * time.Minute

func demoCommand() command {
	return command{
		Name: "demo", Short: "the whole thing on this machine: a GitHub, people, three bots; no account, no root",
		Long: `
Starts an emulated GitHub, an example repository with people, and bots that only talk through it. Four pull requests are
opened: one passes, one fails, one is pushed anew while it is tested, one does not merge. Each line tells what happened;
the address in the first one shows it as GitHub would. It ends by itself.

With --tasks DIR it is a lesson: the example project is taught the tasks in DIR, the bots/ of a project or single files that
are not committed yet. A pull request is opened for those that judge one, an issue filed for those that are done on request,
and chores are filed by the bots; it ends when each was done.`,
		Exits: []exitStatus{{exitDone, "everything came out as it must"}, {exitNo, "it did not; the lines say what"},
			{exitUsage, "the command line is wrong"}, {exitInfra, "this machine lacks something (git, a free port, room)"}},
		New: func(fs *flag.FlagSet, env *environment) func(context.Context, []string) error {
			keep := fs.Bool("keep", false, "leave it open to play with, until it is stopped")
			bots := fs.Int("bots", 3, "start `N` bots")
			listen := fs.String("listen", "127.0.0.1:0", "serve the emulated GitHub on `ADDRESS`")
			verbose := fs.Bool("verbose", false, "show the bots' own logs too")
			folder := fs.String("tasks", "", "instead, teach the example project the tasks in the folder `DIR`, and let bots do them")
			return func(ctx context.Context, _ []string) error {
				if *bots < 1 {
					return usageError("demo: --bots is at least 1")
				}
				if *folder != "" {
					return lesson(ctx, env, world.Options{Listen: *listen, Log: demoLog(env.Stderr, *verbose)}, *bots, *folder)
				}
				return demo(ctx, env, world.Options{Listen: *listen, Log: demoLog(env.Stderr, *verbose)}, *bots, *keep)
			}
		},
	}
}

func demoLog(w io.Writer, verbose bool) *slog.Logger {
	if !verbose {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func demo(ctx context.Context, env *environment, o world.Options, bots int, keep bool) error {
	dir, err := os.MkdirTemp("", "cyborg-demo-")
	if err != nil {
		return infra(fmt.Errorf("make a folder for the demo: %w", err))
	}
	defer os.RemoveAll(dir)
	o.Dir = filepath.Join(dir, "world")
	if err := os.Mkdir(o.Dir, 0o700); err != nil {
		return infra(err)
	}
	w, err := world.New(ctx, o)
	if err != nil {
		return infra(err)
	}
	defer w.Close()
	short, cancel := context.WithTimeout(ctx, demoTime)
	defer cancel()
	story := &world.Demo{World: w, Out: env.Stdout, Bots: bots}
	err = story.Play(short)
	if keep && ctx.Err() == nil {
		keepOpen(ctx, env, story, err)
	} else if err == nil {
		fmt.Fprintln(env.Stderr, "cyborg: hint: cyborg demo --keep leaves it open to play with")
	}
	if err != nil && ctx.Err() == nil {
		return &exitError{Code: exitNo, Err: err}
	}
	return nil
}

// keepOpen leaves the world and its bots running for people to play with.
func keepOpen(ctx context.Context, env *environment, story *world.Demo, result error) {
	w := story.World
	if result != nil {
		fmt.Fprintf(env.Stdout, "%v\n", result)
	}
	for i := range story.Bots {
		if err := w.StartBot(ctx, fmt.Sprintf("bot-%c", 'a'+i), world.Widget, world.Quick()); err != nil {
			fmt.Fprintf(env.Stderr, "cyborg: %v\n", err)
			return
		}
	}
	program, err := os.Executable()
	if err != nil {
		program = "cyborg"
	}
	fmt.Fprintf(env.Stdout, `
It is yours, at %[1]s/%[2]s, until Ctrl-C. Be grace, who may push; or ada, with ada-token, who may do everything:

  git clone http://grace:grace-token@%[3]s/%[2]s.git
  export GITHUB_API_URL=%[1]s GITHUB_TOKEN=grace-token CYBORG_REPO=%[2]s
  hub() { curl -sSf -o /dev/null -H "Authorization: token $GITHUB_TOKEN" "$GITHUB_API_URL/repos/$CYBORG_REPO/$1" -d "$2"; }

  hub pulls '{"title": "…", "head": "BRANCH", "base": "main"}'     # open a pull request
  hub issues/5/comments '{"body": "/cancel"}'                      # stop what runs for #5
  hub statuses/SHA '{"context": "verify", "state": "pending", "description": "Not yet tested"}'     # do it again
  %[4]s status     # who does what
  %[4]s run        # one bot more

`, w.URL, world.Widget, w.URL[len("http://"):], program)
	story.Keep(ctx)
}
