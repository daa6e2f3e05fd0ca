package main

import (
	"context"
	"fmt"
	"time"

	"github.com/cyborg-bots/cyborg/claim/hub"
	"github.com/cyborg-bots/cyborg/publish"
	"github.com/cyborg-bots/cyborg/publish/s3"
)

// keepHistory is how long bots keep the history: statistics compare a season with the one a year before.
const keepHistory = 400 * 24 * time.Hour

// prune deletes what is old of the named repositories.
func (f *publishFlags) prune(ctx context.Context) error {
	repos, err := f.repositories()
	if err != nil {
		return err
	}
	day := 24 * time.Hour
	keep := publish.Keep{Logs: time.Duration(f.days) * day, History: time.Duration(f.historyDays) * day, DryRun: f.dryRun}
	if f.days < 1 || f.days > 36500 || f.historyDays < 0 || f.historyDays > 36500 || f.historyDays > 0 && f.historyDays < f.days {
		return usageError("publish prune: --keep is at least 1, and --keep-history no less, or 0")
	}
	state, store, err := f.openStore()
	if err != nil {
		return err
	}
	client, err := f.client(state, nil)
	if err != nil {
		return err
	}
	for _, repo := range repos {
		text, err := pruneLogs(ctx, client, store, repo, keep)
		if err != nil {
			return infra(err)
		}
		fmt.Fprintln(f.env.Stdout, text)
	}
	return nil
}

// pruneLogs deletes what is old of a repository and says what that was. Nothing is deleted unless GitHub tells which pull
// requests are open.
func pruneLogs(ctx context.Context, client *hub.Client, store publish.Store, repo hub.Repo, keep publish.Keep) (string, error) {
	snapshot, err := client.Scan(ctx, repo)
	if err != nil {
		return "", fmt.Errorf("find the open pull requests of %s: %w", repo, err)
	}
	open := map[string]bool{}
	for _, p := range snapshot.Pulls {
		open[fmt.Sprintf("pull-%d", p.Number)] = true
	}
	keep.Pinned = func(kind string) bool { return open[kind] }
	keep.Now = snapshot.Now // a machine whose own clock is years ahead would delete everything
	done, err := publish.Prune(ctx, store, repo.String(), keep)
	if err != nil {
		return "", err
	}
	if bucket, ok := store.(*s3.Store); ok && !keep.DryRun {
		if _, err := bucket.Sweep(ctx, snapshot.Now.Add(-publish.MinKeep)); err != nil {
			return "", err
		}
	}
	would := ""
	if keep.DryRun {
		would = "would be "
	}
	return fmt.Sprintf("%s: %d attempts %sdeleted (%d objects, %.1f MB), %d old ones kept for open pull requests, %d %sdropped from the history",
		repo, done.Attempts, would, done.Objects, float64(done.Bytes)/1e6, done.Pinned, done.History, would), nil
}

// pruner is how bots do the task logs-prune.
func (b *bot) pruner() func(ctx context.Context, repo string, keep time.Duration) (string, error) {
	return func(ctx context.Context, name string, keep time.Duration) (string, error) {
		repo, err := hub.ParseRepo(name)
		if err != nil {
			return "", err
		}
		return pruneLogs(ctx, b.hub, b.store, repo, publish.Keep{Logs: keep, History: max(keep, keepHistory)})
	}
}
