package agent

import (
	"cmp"
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/claim/hub"
	"github.com/cyborg-bots/cyborg/publish"
	"github.com/cyborg-bots/cyborg/tasks"
)

// A withdrawnError is the cause with which an errand ends that people have taken back.
type withdrawnError struct{ why string }

func (e *withdrawnError) Error() string { return e.why }

// An errand is a job of an issue that this bot has claimed.
type errand struct {
	agent *Agent
	entry Entry
	repo  hub.Repo
	claim *claim.Claim
	run   *run
	log   io.Writer // the job's
	label string    // that asks for bots here
	note  hub.Comment
}

// errand begins the talk about a job; nil if the job is none of an issue.
func (a *Agent) errand(r *run, e Entry, held *claim.Claim) *errand {
	if e.Issue == 0 {
		return nil
	}
	repo, err := hub.ParseRepo(e.Repo)
	if err != nil {
		return nil // it has been read from there
	}
	return &errand{agent: a, entry: e, repo: repo, claim: held, run: r, label: e.Label}
}

// confirm reads the issue once more before something is done that somebody outside can see: whether it still asks for this,
// and whether the claim still holds. It gives a *withdrawnError if people have taken it back, an error that wraps
// claim.ErrLost, or the trouble it had with asking, after it has asked for a while.
func (j *errand) confirm(ctx context.Context) error {
	const tries = 4
	var err error
	for try := range tries {
		if try > 0 {
			if e := pause(ctx, j.agent.jitter(j.agent.c.Poll)); e != nil {
				return errors.Join(err, e)
			}
		}
		if err = j.wanted(ctx); err == nil {
			err = j.claim.Check(ctx)
		}
		_, withdrawn := errors.AsType[*withdrawnError](err)
		if err == nil || withdrawn || errors.Is(err, claim.ErrLost) || ctx.Err() != nil {
			return err
		}
	}
	return err
}

// wanted reads whether the issue still asks for the job.
func (j *errand) wanted(ctx context.Context) error {
	i, err := j.agent.c.Errands.Desk.Issue(ctx, j.repo, j.entry.Issue)
	if err != nil {
		return err
	}
	if why := j.withdrawn(i); why != "" {
		return &withdrawnError{why}
	}
	if j.agent.c.Errands.ByHand {
		return nil
	}
	editor, err := j.agent.editor(ctx, j.repo, i)
	if err != nil {
		return err
	}
	for login, did := range map[string]string{i.Author: "wrote", editor: "edited"} {
		if writer, err := j.agent.mayWrite(ctx, j.repo, login); err != nil {
			return err
		} else if !writer {
			return &withdrawnError{nameOf(login) + ", who " + did + " this, has no write access"}
		}
	}
	return nil
}

// withdrawn says what people have done to the issue that ends the job; empty if nothing.
func (j *errand) withdrawn(i hub.Issue) string {
	list := tasks.ParseChecklist(i.Body)
	at := slices.IndexFunc(list, func(item tasks.Item) bool { return item.Text == j.entry.Item })
	open := slices.ContainsFunc(list, func(item tasks.Item) bool { return item.Text == j.entry.Item && item.Open() })
	kind := claim.ParseTitle(i.Title).Kind
	switch {
	case i.State != "open":
		return "this is closed"
	case j.label != "" && !slices.ContainsFunc(i.Labels, func(l string) bool { return strings.EqualFold(l, j.label) }):
		return "the label " + j.label + " was taken off"
	case kind == claim.KindHold:
		return "somebody else has it by the title"
	case at < 0:
		return "this is no longer in the list: " + j.entry.Item
	case !open && list[at].Checked:
		return "somebody has ticked it: " + j.entry.Item
	case !open:
		return "somebody has marked it FAIL: " + j.entry.Item
	}
	return ""
}

// begin says that the work begins, and where its log is.
func (j *errand) begin(ctx context.Context, log io.Writer) error {
	j.log = log
	if err := j.confirm(ctx); err != nil {
		return err
	}
	j.announce(ctx)
	return nil
}

// finish makes the outcome known and gives it as it stands afterwards. What was stopped is told as well, with a context of
// its own: the one of the work has ended.
func (j *errand) finish(ctx context.Context, o Outcome) Outcome {
	var err error
	switch {
	case o.Err != nil || o.State == publish.StateCancelled || o.State == publish.StateError:
	case ctx.Err() != nil: // it ended well at the last moment, and nothing comes of it: its box stays open
		o.State = publish.StateCancelled
	case o.State == publish.StateSuccess || o.State == publish.StateSkipped:
		o.Text = inWords(o.Text)
		if err = j.confirm(ctx); err == nil {
			o.Text, err = j.deliver(ctx, o)
		}
	default:
		o.Text = inWords(o.Text)
		if err = j.confirm(ctx); err == nil {
			j.say(ctx, o.Text+j.where())
		}
	}
	if err != nil {
		if o = j.spoiled(o, err); o.State == publish.StateFailure {
			j.say(ctx, o.Text+j.where())
		}
	}
	return explain(ctx, o)
}

// end says why work was given up. A claim that was lost to a peer is the peer's to talk about.
func (j *errand) end(ctx context.Context, o Outcome) {
	why := strings.TrimPrefix(o.Text, "Cancelled: ")
	switch cause := o.cause; {
	case o.State != publish.StateCancelled && o.Err == nil && o.State != publish.StateError:
		return
	case o.Err != nil:
		why = "our own trouble, a bot will try again"
	case errors.Is(cause, claim.ErrLost):
		i, err := j.agent.c.Errands.Desk.Issue(ctx, j.repo, j.entry.Issue)
		if kind := claim.ParseTitle(i.Title).Kind; err != nil || kind == claim.KindClaim || kind == claim.KindBeat {
			return
		}
		why = "the title was given back"
	}
	j.aborted(ctx, why)
}

// spoiled is the outcome of work that came to nothing at the end.
func (j *errand) spoiled(o Outcome, err error) Outcome {
	if refused, ok := errors.AsType[*undeliverableError](err); ok {
		return Outcome{State: publish.StateFailure, Text: refused.Error()}
	}
	if withdrawn, ok := errors.AsType[*withdrawnError](err); ok {
		j.run.cancel(withdrawn)
		return Outcome{State: publish.StateCancelled, Text: "Cancelled: " + withdrawn.Error()}
	}
	if errors.Is(err, claim.ErrLost) {
		j.run.cancel(err)
		return Outcome{State: publish.StateCancelled, Text: "Cancelled: " + err.Error(), cause: err}
	}
	return Outcome{State: publish.StateCancelled, Err: err}
}

// where is the end of a comment that tells where the log is.
func (j *errand) where() string {
	if j.claim.Log == "" {
		return ", the log is " + j.address()
	}
	return ": " + j.address()
}

// address is where people find the log, or where it is if they cannot.
func (j *errand) address() string { return cmp.Or(j.claim.Log, "on "+j.agent.c.Host) }

// inWords makes the words of a test those of a chore.
func inWords(text string) string {
	if rest, ok := strings.CutPrefix(text, "Tests "); ok {
		return "Task " + rest
	}
	return text
}
