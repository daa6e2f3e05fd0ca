package agent

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/cyborg-bots/cyborg/claim/hub"
	"github.com/cyborg-bots/cyborg/tasks"
)

// Every bot hears a command, and one answers it. Who that is, is written on the comment: the first to react with eyes
// has it, and when it is done a rocket says so, or a face that something was not understood. Reactions notify nobody.
// GitHub gives each to an account once, which decides among bots of one account; among accounts the lowest id does, after
// the settle wait.
//
// A bot that dies in between leaves its eyes behind. After eyesFor a peer takes them for nobody's and does it all again,
// so that whatever a command does must be something that can be done twice: it looks at what is there already.

// eyesFor is how long a bot has to do what a command asks for.
const eyesFor = 3 * time.Minute

// An order is a comment with commands, by somebody who may give them.
type order struct {
	Repo     hub.Repo
	Comment  hub.Comment
	Commands []command
	Queue    []Entry          // all jobs of the pull request, as the round saw them
	Taught   *tasks.Catalogue // what the protected branch teaches
}

// An obeyer does what one command asks for. What it cannot do it says as the problem, for people; an error is trouble of
// our own, and somebody tries again. It must be one that can be done twice, see above.
type obeyer func(a *Agent, ctx context.Context, o *order, c command) (problem string, err error)

// heed answers what was heard in this round.
func (a *Agent) heed(work context.Context, repo hub.Repo, queue []Entry) {
	for _, c := range a.ears.heard(repo) {
		o := &order{Repo: repo, Comment: c, Commands: commandsOf(c.Body), Taught: a.lessons[strings.ToLower(repo.String())].Taught}
		if o.Taught == nil {
			return // this look has failed
		}
		for _, e := range queue {
			if e.Pull == c.Number && strings.EqualFold(e.Repo, repo.String()) {
				o.Queue = append(o.Queue, e)
			}
		}
		a.ears.begin(c.ID)
		a.group.Go(func() {
			defer a.ears.end(c.ID)
			if err := a.answer(work, o); err != nil && work.Err() == nil {
				a.c.Log.Warn("cannot answer a command", "comment", c.URL, "error", err)
				a.ears.fail(c)
			}
		})
	}
}

// answer does what a comment asks for, unless a peer does or has.
func (a *Agent) answer(ctx context.Context, o *order) error {
	eyes, err := a.take(ctx, o)
	if err != nil || eyes.ID == 0 {
		return err
	}
	a.c.Log.Info("heard a command", "comment", o.Comment.URL, "by", o.Comment.Author)
	var problems []string
	for _, c := range o.Commands {
		problem, err := a.obey(ctx, o, c)
		if err != nil {
			return errors.Join(err, a.yieldEyes(ctx, o, eyes))
		}
		if problem != "" {
			problems = append(problems, problem)
		}
	}
	reaction := hub.Rocket
	if len(problems) > 0 {
		reaction = hub.Confused
		if err := a.explainTo(ctx, o, problems); err != nil {
			return errors.Join(err, a.yieldEyes(ctx, o, eyes))
		}
	}
	if _, _, err := a.c.Hub.React(ctx, o.Repo, o.Comment.ID, reaction); err != nil {
		return err
	}
	a.ears.finish(o.Comment)
	return nil
}

// take makes the comment this bot's to answer. It gives no reaction, and no error, if it is not.
func (a *Agent) take(ctx context.Context, o *order) (hub.Reaction, error) {
	none := hub.Reaction{}
	if o.Comment.Reactions > 0 {
		free, err := a.free(ctx, o)
		if err != nil || !free {
			return none, err
		}
	}
	eyes, first, err := a.c.Hub.React(ctx, o.Repo, o.Comment.ID, hub.Eyes)
	if err != nil {
		return none, err
	}
	a.ears.know(eyes.Author)
	if !first {
		if a.c.Hub.Now().Sub(eyes.CreatedAt) < eyesFor {
			return none, nil
		}
		// Somebody died. Of those who find out at the same time one takes the old eyes away.
		err := a.c.Hub.Unreact(ctx, o.Repo, o.Comment.ID, eyes.ID)
		if errors.Is(err, hub.ErrGone) {
			return none, nil
		}
		if err == nil {
			eyes, first, err = a.c.Hub.React(ctx, o.Repo, o.Comment.ID, hub.Eyes)
		}
		if err != nil || !first {
			return none, err
		}
	}
	if err := pause(ctx, a.c.Policy.Settle); err != nil {
		return none, errors.Join(err, a.yieldEyes(ctx, o, eyes))
	}
	list, err := a.spoken(ctx, o)
	if err != nil {
		return none, errors.Join(err, a.yieldEyes(ctx, o, eyes))
	}
	for _, r := range list {
		if r.Content != hub.Eyes || r.ID < eyes.ID && eyes.CreatedAt.Sub(r.CreatedAt) < eyesFor {
			return none, nil // it is done, or another account's bot was first
		}
	}
	return eyes, nil
}

// free tells whether nobody has answered a comment yet, or is about to.
func (a *Agent) free(ctx context.Context, o *order) (bool, error) {
	list, err := a.spoken(ctx, o)
	if err != nil {
		return false, err
	}
	for _, r := range list {
		if r.Content != hub.Eyes {
			a.ears.finish(o.Comment)
			return false, nil
		}
		if a.c.Hub.Now().Sub(r.CreatedAt) < eyesFor {
			return false, nil
		}
	}
	return true, nil
}

// spoken lists the reactions with which bots answer, of those whose word counts: anybody can react to a comment.
func (a *Agent) spoken(ctx context.Context, o *order) ([]hub.Reaction, error) {
	list, err := a.c.Hub.Reactions(ctx, o.Repo, o.Comment.ID)
	if err != nil {
		return nil, err
	}
	var counts []hub.Reaction
	for _, r := range list {
		if !slices.Contains([]string{hub.Eyes, hub.Rocket, hub.Confused}, r.Content) {
			continue
		}
		ours, err := a.ours(ctx, o.Repo, r.Author)
		if err != nil {
			return nil, err
		}
		if ours {
			counts = append(counts, r)
		}
	}
	return counts, nil
}

// ours tells whether an account is the bots', or a person's with write access. It may be called from any goroutine.
func (a *Agent) ours(ctx context.Context, repo hub.Repo, login string) (bool, error) {
	me, err := a.me(ctx)
	if err != nil || login != "" && strings.EqualFold(login, me) {
		return err == nil, err
	}
	permission, err := a.c.Hub.Permission(ctx, repo, login)
	if errors.Is(err, hub.ErrForbidden) {
		return false, nil
	}
	return permission == "admin" || permission == "write", err
}

// me is the login of the bots' account.
func (a *Agent) me(ctx context.Context) (string, error) {
	a.ears.mu.Lock()
	me := a.ears.me
	a.ears.mu.Unlock()
	if me != "" {
		return me, nil
	}
	u, err := a.c.Hub.User(ctx)
	if errors.Is(err, hub.ErrForbidden) || errors.Is(err, hub.ErrGone) {
		return "", nil // a token that belongs to nobody; the first reaction will tell
	}
	if err == nil {
		a.ears.know(u.Login)
	}
	return u.Login, err
}

// know notes the login of the bots' account.
func (e *ears) know(login string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.me = login
}

// yieldEyes gives a comment back to the peers when this bot cannot answer it.
func (a *Agent) yieldEyes(ctx context.Context, o *order, eyes hub.Reaction) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanup)
	defer cancel()
	if err := a.c.Hub.Unreact(ctx, o.Repo, o.Comment.ID, eyes.ID); err != nil && !errors.Is(err, hub.ErrGone) {
		return err
	}
	return nil
}

// pause waits.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
