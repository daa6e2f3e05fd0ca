package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/cyborg-bots/cyborg/agent"
	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/claim/hub"
)

func claimCommand() command {
	return command{
		Name: "claim", Args: "show|break WHERE [CONTEXT]", Short: "show who has a job and how that came about, or take it from them",
		Long: `
WHERE is a pull request or a branch: OWNER/NAME#7, OWNER/NAME@main; 7 or @main with --repo or $CYBORG_REPO.
"show" prints the log of each context (or the one named), as every bot reads it, with what each record came to; it
writes nothing. "break" takes a job from the bot that has it, by the status "Not yet tested (direct trigger)": that
bot stops its run, and any bot may begin anew.`,
		Exits: []exitStatus{{exitDone, "done"}, {exitNo, "nobody has the job that was to be taken away"}, {exitUsage, "the command line is wrong"}, {exitInfra, "GitHub cannot be read or written"}},
		New: func(fs *flag.FlagSet, env *environment) func(context.Context, []string) error {
			f := new(lookFlags)
			f.register(fs, env)
			return func(ctx context.Context, args []string) error {
				switch {
				case len(args) < 2 || len(args) > 3:
				case args[0] == "show":
					return f.onJobs(ctx, args[1:], f.showClaim)
				case args[0] == "break" && len(args) == 3:
					return f.onJobs(ctx, args[1:], f.breakClaim)
				}
				return usageError("claim: write cyborg claim show WHERE [CONTEXT], or cyborg claim break WHERE CONTEXT")
			}
		},
	}
}

func retestCommand() command {
	return command{
		Name: "retest", Args: "WHERE [CONTEXT|failed]", Short: "ask for the jobs of a pull request or branch again",
		Long: `
WHERE is a pull request or a branch: OWNER/NAME#7, OWNER/NAME@main; 7 or @main with --repo or $CYBORG_REPO.
Posts the status "Not yet tested (direct trigger)" for each context that has a result, or only for those that
failed, or for the one named. The bots do the rest; what runs or waits already is left alone.`,
		Exits: []exitStatus{{exitDone, "asked, or there was nothing to ask for again"}, {exitUsage, "the command line is wrong"}, {exitInfra, "GitHub cannot be read or written"}},
		New: func(fs *flag.FlagSet, env *environment) func(context.Context, []string) error {
			f := new(lookFlags)
			f.register(fs, env)
			return func(ctx context.Context, args []string) error {
				if len(args) != 1 && len(args) != 2 {
					return usageError("retest: write cyborg retest WHERE [CONTEXT|failed]")
				}
				failed := len(args) == 2 && args[1] == "failed"
				if failed {
					args = args[:1]
				}
				return f.onJobs(ctx, args, func(ctx context.Context, e agent.Entry) error { return f.retest(ctx, e, failed) })
			}
		},
	}
}

// onJobs does something with the jobs that the words WHERE [CONTEXT] name.
func (f *lookFlags) onJobs(ctx context.Context, words []string, do func(context.Context, agent.Entry) error) error {
	repo, where := cutWhere(words[0])
	if repo != "" {
		f.repos = listFlag{repo}
	}
	queue, err := f.look(ctx)
	if err != nil {
		return err
	}
	var contexts []string
	var chosen []agent.Entry
	for _, e := range queue {
		if _, there := cutWhere(e.Where()); there != where {
			continue
		}
		contexts = append(contexts, e.Context)
		if len(words) == 1 || strings.EqualFold(words[1], e.Context) {
			chosen = append(chosen, e)
		}
	}
	switch {
	case len(contexts) == 0:
		return &exitError{Code: exitUsage, Err: fmt.Errorf("%s asks for no jobs", words[0]), Hint: "cyborg status lists what does: open pull requests, and branches that tasks name"}
	case len(chosen) == 0:
		return &exitError{Code: exitUsage, Err: fmt.Errorf("%s has no context %q", words[0], words[1]), Hint: "it has " + strings.Join(contexts, ", ")}
	}
	for _, e := range chosen {
		if err := do(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

// cutWhere splits owner/name#7 and owner/name@main before the # or @. A lone number is a pull request's, as shells take #7
// for a comment.
func cutWhere(where string) (repo, subject string) {
	if at := strings.IndexAny(where, "#@"); at >= 0 {
		return where[:at], where[at:]
	}
	return "", "#" + where
}

// showClaim prints a job's log with what each record came to, and the verdict.
func (f *lookFlags) showClaim(ctx context.Context, e agent.Entry) error {
	marks, now, err := f.bot.board().Marks(ctx, e.Subject())
	if err != nil {
		return infra(err)
	}
	fmt.Fprintf(f.env.Stdout, "%s %s, commit %s: %s\n", e.Where(), e.Context, e.SHA, claim.Decide(marks, now, f.bot.policy).Why())
	table := tabwriter.NewWriter(f.env.Stdout, 0, 0, 2, ' ', 0)
	for i, m := range marks {
		v := claim.Decide(marks[:i+1], m.At, f.bot.policy)
		fmt.Fprintf(table, "  %s\t%s\t%s\t%s\n", m.At.UTC().Format(time.DateTime), m.State, m.Text, v.Why())
	}
	return table.Flush()
}

func (f *lookFlags) breakClaim(ctx context.Context, e agent.Entry) error {
	marks, now, err := f.bot.board().Marks(ctx, e.Subject())
	if err != nil {
		return infra(err)
	}
	v := claim.Decide(marks, now, f.bot.policy)
	if v.State != claim.Held {
		return &exitError{Code: exitNo, Err: fmt.Errorf("%s %s is not held: %s", e.Where(), e.Context, v.Why())}
	}
	return f.ask(ctx, e, v.Why())
}

// retest asks for a job again that has a result, or a result other than success.
func (f *lookFlags) retest(ctx context.Context, e agent.Entry, failed bool) error {
	if e.Standing != agent.Done || failed && e.State == "success" {
		fmt.Fprintf(f.env.Stdout, "%s %s: left alone, as it is %s\n", e.Where(), e.Context, strings.TrimSpace(string(e.Standing)+" "+e.State))
		return nil
	}
	return f.ask(ctx, e, e.State+": "+e.Says)
}

// ask posts a person's wish for a job; was is how it stood before.
func (f *lookFlags) ask(ctx context.Context, e agent.Entry, was string) error {
	wish := claim.Mark{Kind: claim.KindReset, State: "pending", Human: claim.Triggered}
	if _, err := f.bot.board().Post(ctx, e.Subject(), wish); err != nil {
		if errors.Is(err, hub.ErrGone) || errors.Is(err, hub.ErrForbidden) { // GitHub says 404 to who may only read
			return &exitError{Code: exitInfra, Err: err, Hint: "only who may write to the repository can ask: use such a token, with the right to write commit statuses"}
		}
		return infra(err)
	}
	fmt.Fprintf(f.env.Stdout, "%s %s: asked for again (it was %s)\n", e.Where(), e.Context, was)
	return nil
}
