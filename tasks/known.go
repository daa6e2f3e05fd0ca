package tasks

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cyborg-bots/cyborg/claim/hub"
	"github.com/cyborg-bots/cyborg/publish"
)

// A known issue is one that people have given the label for it: a failure of tests that is not the fault of who meets it. The
// history of results says which failures were taken for which known issue (publish.TestLine, "issue"). When that was not so
// for a while, the task known-prune closes the issue and says why, and proposes to remove its patterns, bots/known/*/NNNN-*.
//
// It is careful in one direction: what is closed too late costs nothing. An issue of which no failure was ever recorded is
// left alone, as is one that people reopen, until it is seen again and then is quiet again; and nothing at all is judged
// without results of the last days, when silence would mean that nobody has listened.

// An IssueDesk is GitHub's issues, for tasks that tidy up among them.
type IssueDesk interface {
	Issues(ctx context.Context, repo hub.Repo, f hub.IssueFilter) ([]hub.Issue, error)
	Issue(ctx context.Context, repo hub.Repo, n int) (hub.Issue, error)
	IssueEvents(ctx context.Context, repo hub.Repo, n int, known int64) ([]hub.Event, time.Time, error)
	Comments(ctx context.Context, repo hub.Repo, n int, since time.Time) ([]hub.Comment, error)
	Comment(ctx context.Context, repo hub.Repo, n int, body string) (hub.Comment, error)
	EditIssue(ctx context.Context, repo hub.Repo, n int, e hub.IssueEdit) (hub.Issue, error)
}

var _ IssueDesk = (*hub.Client)(nil)

// An Archive is the history of the results of one repository, since a time, as publish.History reads it.
type Archive func(ctx context.Context, since time.Time) iter.Seq2[publish.Record, error]

func knownPrune() Task {
	return Task{
		Name:   "known-prune",
		Header: Header{Doc: "close known issues that no test meets any more", On: []Event{{Kind: Request}}, Timeout: time.Hour},
		Run: func(ctx context.Context, env *Env, _ []string) error {
			if env.Issues == nil || env.Archive == nil {
				return Fail("known-prune writes to GitHub: let bots do it, or give --issue N --publish")
			}
			repo, err := hub.ParseRepo(env.Job.Repo)
			if err != nil {
				return err
			}
			p := &pruneKnown{Env: env, repo: repo, quiet: time.Duration(env.Fleet.Retention.KnownIssues), now: time.Now()}
			return p.do(ctx)
		},
	}
}

// fresh is how old the newest results may be that anything is judged by.
const fresh = 7 * 24 * time.Hour

// pruneKnown is one run of the task.
type pruneKnown struct {
	*Env
	repo  hub.Repo
	quiet time.Duration
	now   time.Time
	seen  map[int]time.Time // when a known issue was last met
}

func (p *pruneKnown) do(ctx context.Context) error {
	if err := p.look(ctx); err != nil {
		return err
	}
	open, err := p.Issues.Issues(ctx, p.repo, hub.IssueFilter{Labels: []string{p.Fleet.Labels.KnownIssue}})
	if err != nil {
		return err
	}
	slices.SortFunc(open, func(a, b hub.Issue) int { return cmp.Compare(a.Number, b.Number) })
	var gone []int
	for _, i := range open {
		if i.Pull || i.Stale {
			continue
		}
		closed, why, err := p.judge(ctx, i.Number)
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintf(p.Output, "#%d %s: %s\n", i.Number, cleanText(i.Title, false), why)
		if closed {
			gone = append(gone, i.Number)
		}
	}
	return p.forget(ctx, gone)
}

// look reads when known issues were met.
func (p *pruneKnown) look(ctx context.Context) error {
	p.seen = map[int]time.Time{}
	var newest time.Time
	for r, err := range p.Archive(ctx, p.now.Add(-2*p.quiet)) {
		if err != nil {
			return fmt.Errorf("look for known issues: %w", err) // what cannot be read may have been the last time
		}
		if len(r.Tests) > 0 && r.Started.After(newest) {
			newest = r.Started
		}
		for _, t := range r.Tests {
			if t.Issue > 0 && r.Started.After(p.seen[t.Issue]) {
				p.seen[t.Issue] = r.Started
			}
		}
	}
	if p.now.Sub(newest) > fresh {
		return Fail("there are no results of the last %s: nothing can be said of what does not occur any more", FormatDuration(fresh))
	}
	return nil
}

// knownMark ends the comment of a closed issue, with the time when it was last met.
var knownMark = regexp.MustCompile(`<!-- cyborg: known-prune (\S+) -->`)

// judge closes an issue if it is time to, and says what became of it.
func (p *pruneKnown) judge(ctx context.Context, n int) (closed bool, why string, err error) {
	last, met := p.seen[n]
	switch {
	case !met:
		return false, "no failure was taken for it lately", nil
	case p.now.Sub(last) < p.quiet:
		return false, "met on " + last.UTC().Format(time.DateOnly), nil
	}
	said, err := p.said(ctx, n, last)
	if err != nil {
		return false, "", err
	}
	if !said.IsZero() {
		events, _, err := p.Issues.IssueEvents(ctx, p.repo, n, 0)
		if err != nil {
			return false, "", err
		}
		if slices.ContainsFunc(events, func(e hub.Event) bool { return e.Kind == "reopened" && !e.CreatedAt.Before(said) }) {
			return false, "was reopened", nil
		}
	} else if _, err := p.Issues.Comment(ctx, p.repo, n, p.words(last)); err != nil {
		return false, "", err
	}
	_, err = p.Issues.EditIssue(ctx, p.repo, n, hub.IssueEdit{State: new("closed"), Reason: new("completed")})
	return err == nil, "closed, last met on " + last.UTC().Format(time.DateOnly), err
}

// words are what people read.
func (p *pruneKnown) words(last time.Time) string {
	return fmt.Sprintf("No test has met this since %s, for more than %s: it seems to be gone.\n"+
		"Reopen it if it is to stay: it is left alone then, unless it is met again.\n<!-- cyborg: known-prune %s -->",
		last.UTC().Format("2 January 2006"), FormatDuration(p.quiet), last.UTC().Format(time.RFC3339))
}

// said is when it was said of an issue, by the bots, that it was last met then; zero if never.
func (p *pruneKnown) said(ctx context.Context, n int, last time.Time) (time.Time, error) {
	list, err := p.Issues.Comments(ctx, p.repo, n, time.Time{})
	for _, c := range list {
		if mark := knownMark.FindStringSubmatch(c.Body); mark != nil && c.Author == p.Login && mark[1] == last.UTC().Format(time.RFC3339) {
			return c.CreatedAt, err
		}
	}
	return time.Time{}, err
}

// pattern is the name of a file with a pattern of a known issue: its number, and words.
var pattern = regexp.MustCompile(`^0*([1-9][0-9]{0,9})-`)

// forget removes the patterns of issues that are closed, and not met any more.
func (p *pruneKnown) forget(ctx context.Context, gone []int) error {
	root, err := os.OpenRoot(p.Dir)
	if err != nil {
		return err
	}
	defer root.Close()
	files, err := fs.Glob(root.FS(), path.Join(Folder, "known", "*", "*"))
	if err != nil {
		return err
	}
	byIssue := map[int][]string{}
	for _, f := range files {
		if m := pattern.FindStringSubmatch(path.Base(f)); m != nil {
			n, _ := strconv.Atoi(m[1]) // digits
			byIssue[n] = append(byIssue[n], f)
		}
	}
	var removed []string
	for _, n := range slices.Sorted(maps.Keys(byIssue)) {
		if p.now.Sub(p.seen[n]) < p.quiet {
			continue
		}
		if !slices.Contains(gone, n) {
			i, err := p.Issues.Issue(ctx, p.repo, n)
			if errors.Is(err, hub.ErrGone) || err == nil && i.State != "closed" {
				continue
			}
			if err != nil {
				return err
			}
		}
		for _, f := range byIssue[n] {
			if err := root.Remove(f); err != nil {
				return fmt.Errorf("remove a pattern: %w", err)
			}
		}
		removed = append(removed, fmt.Sprintf("  no. %d: %s", n, cleanText(strings.Join(byIssue[n], " "), false)))
	}
	if len(removed) > 0 {
		p.Message = "known-prune: remove what does not occur any more\n\nTheir issues are closed:\n\n" + strings.Join(removed, "\n") + "\n"
	}
	return nil
}
