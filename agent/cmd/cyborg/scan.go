package main

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/cyborg-bots/cyborg/agent"
	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/tasks"
)

func scanCommand() command {
	return command{
		Name: "scan", Short: "print the jobs a bot would take here, best first, as lines a person can run",
		Long: `
Reads GitHub as a bot does, once, and writes nothing there. Each line is one job; typing it does the job by hand. What
waits, and why, is in cyborg status.`,
		Exits: []exitStatus{{exitDone, "it could look, whether or not there are jobs"}, {exitUsage, "the command line is wrong"}, {exitInfra, "GitHub cannot be read"}},
		New: func(fs *flag.FlagSet, env *environment) func(context.Context, []string) error {
			f := new(lookFlags)
			f.register(fs, env)
			return func(ctx context.Context, _ []string) error {
				queue, err := f.look(ctx)
				if err != nil {
					return err
				}
				ready := queue[:0]
				for _, e := range queue {
					if e.Standing == agent.Ready {
						ready = append(ready, e)
					}
				}
				if f.json {
					return f.print(ready)
				}
				if len(ready) == 0 {
					fmt.Fprintln(env.Stderr, "cyborg: nothing to take here; cyborg status tells what waits, and why")
				}
				for _, e := range ready {
					fmt.Fprintln(env.Stdout, e.Line().String())
				}
				return nil
			}
		},
	}
}

func statusCommand() command {
	return command{
		Name: "status", Short: "show the queue: who has what, what waits and why",
		Long: `
Reads GitHub once and writes nothing there. Everything shown can be read on GitHub too. Chores come last: when each was
done, when it is due, and why none is filed; --json leaves them out.`,
		Exits: []exitStatus{{exitDone, "it could look"}, {exitUsage, "the command line is wrong"}, {exitInfra, "GitHub cannot be read"}},
		New: func(fs *flag.FlagSet, env *environment) func(context.Context, []string) error {
			f := new(lookFlags)
			f.register(fs, env)
			return func(ctx context.Context, _ []string) error {
				queue, err := f.look(ctx)
				if err != nil {
					return err
				}
				if f.json {
					return f.print(queue)
				}
				dues, err := f.dues(ctx)
				if err != nil {
					return err
				}
				f.table(queue, dues)
				return nil
			}
		},
	}
}

// lookFlags are the flags of the commands that look and do nothing.
type lookFlags struct {
	runFlags
	json  bool
	bot   *bot
	agent *agent.Agent // that has looked
}

func (f *lookFlags) register(fs *flag.FlagSet, env *environment) {
	f.hubFlags.register(fs, env)
	fs.BoolVar(&f.json, "json", false, "print JSON, one array")
	policy := claim.DefaultPolicy()
	f.name, f.jobs, f.poll, f.settle, f.lease = hostName(), 1, agent.DefaultPoll, policy.Settle, policy.Lease
}

// look gives the queue of all repositories, as a bot on this machine would see it.
func (f *lookFlags) look(ctx context.Context) ([]agent.Entry, error) {
	b, err := f.wire()
	if err != nil {
		return nil, err
	}
	f.bot, b.idle = b, true
	if err := b.find(ctx); err != nil {
		return nil, err
	}
	if b.user, err = b.hub.User(ctx); err != nil {
		return nil, infra(fmt.Errorf("sign in to GitHub: %w", err))
	}
	report, err := b.exam(ctx)
	if err != nil {
		return nil, err
	}
	if b.has, err = b.able(report); err != nil {
		return nil, err
	}
	a, err := agent.New(b.config())
	if err != nil {
		return nil, infra(err)
	}
	f.agent = a
	queue := []agent.Entry{}
	for _, repo := range b.repos {
		entries, _, err := a.Look(ctx, repo)
		if err != nil {
			return nil, infra(fmt.Errorf("look at %s: %w", repo, err))
		}
		queue = append(queue, entries...)
	}
	return queue, nil
}

// A shownEntry is an entry as --json prints it.
type shownEntry struct {
	Repo     string     `json:"repo"`
	Pull     int        `json:"pull,omitempty"`
	Issue    int        `json:"issue,omitempty"`
	Ref      string     `json:"ref,omitempty"` // the branch of SHA
	SHA      string     `json:"sha,omitempty"`
	Task     string     `json:"task"`
	Context  string     `json:"context,omitempty"`
	Item     string     `json:"item,omitempty"`
	Line     string     `json:"line"`
	Place    string     `json:"place,omitempty"` // where it would run here
	Standing string     `json:"standing"`
	Priority float64    `json:"priority"`
	Why      string     `json:"why"`
	Waits    string     `json:"waits,omitempty"`
	Holder   string     `json:"holder,omitempty"`
	Until    *time.Time `json:"until,omitempty"`
	State    string     `json:"state,omitempty"`
	Says     string     `json:"says,omitempty"`
	URL      string     `json:"url,omitempty"`
}

func (f *lookFlags) print(queue []agent.Entry) error {
	list := make([]shownEntry, len(queue))
	for i, e := range queue {
		list[i] = shownEntry{
			Repo: e.Repo, Pull: e.Pull, Issue: e.Issue, Ref: e.HeadRef, SHA: e.SHA, Task: e.Task, Context: e.Context, Item: e.Item, Line: e.Line().String(), Place: string(e.Place),
			Standing: string(e.Standing), Priority: e.Priority, Why: e.Why, Waits: e.Waits, Holder: e.Holder,
			State: e.State, Says: e.Says, URL: e.URL,
		}
		if e.Holder != "" && !e.Until.IsZero() {
			list[i].Until = &e.Until
		}
	}
	encoder := json.NewEncoder(f.env.Stdout)
	encoder.SetIndent("", "  ")
	return encoder.Encode(list)
}

// table prints the queue for people: what runs, what waits, what is done.
func (f *lookFlags) table(queue []agent.Entry, dues []agent.Due) {
	table := tabwriter.NewWriter(f.env.Stdout, 0, 0, 2, ' ', 0)
	counts := map[agent.Standing]int{}
	for _, e := range queue {
		counts[e.Standing]++
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", e.Where(), cmp.Or(e.Context, e.Item), e.Standing, f.reason(e))
	}
	for _, d := range dues {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", d.Repo, d.Task, "every "+tasks.FormatDuration(d.Every), when(d))
	}
	table.Flush()
	fmt.Fprintf(f.env.Stdout, "%d ready, %d held, %d waiting, %d done\n",
		counts[agent.Ready], counts[agent.Held], counts[agent.Waiting], counts[agent.Done])
	budget := f.bot.hub.Budget()
	if budget.Core.Limit == 0 && budget.GraphQL.Limit == 0 {
		fmt.Fprint(f.env.Stdout, "budget: this GitHub names no limit\n")
		return
	}
	fmt.Fprintf(f.env.Stdout, "budget: %d of %d requests and %d of %d points left this hour\n",
		budget.Core.Remaining, budget.Core.Limit, budget.GraphQL.Remaining, budget.GraphQL.Limit)
	if pace := agent.PaceOf(budget, agent.Use{}, agent.DefaultPoll, f.bot.hub.Now()); pace.Slowly() { // what a bot says of itself too
		fmt.Fprintf(f.env.Stdout, "bots with this token go slowly: %s\n", pace.Why)
	}
}

// dues lists the chores of all repositories.
func (f *lookFlags) dues(ctx context.Context) ([]agent.Due, error) {
	var list []agent.Due
	for _, repo := range f.bot.repos {
		dues, err := f.agent.Dues(ctx, repo)
		if err != nil {
			return nil, infra(fmt.Errorf("look after the chores of %s: %w", repo, err))
		}
		list = append(list, dues...)
	}
	return list, nil
}

// when says of a chore when it was done, when it is due, and why it is not filed if it is.
func when(d agent.Due) string {
	const minute = "2 January 2006 15:04 UTC"
	text := "never done"
	if !d.Last.IsZero() {
		text = "done on " + d.Last.UTC().Format(minute)
	}
	if !d.At.IsZero() {
		text += ", due on " + d.At.UTC().Format(minute)
	}
	return text + ": " + d.Why
}

func (f *lookFlags) reason(e agent.Entry) string {
	switch e.Standing {
	case agent.Held:
		if e.Until.IsZero() {
			return e.Says
		}
		left := e.Until.Sub(f.bot.hub.Now()).Round(time.Second)
		return fmt.Sprintf("%s has it, free again in %s without a sign of life", e.Holder, left)
	case agent.Waiting:
		return e.Waits
	case agent.Done:
		return e.State + ": " + e.Says
	case agent.Ready:
	}
	return e.Why
}
