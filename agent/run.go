package agent

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"time"

	"github.com/cyborg-bots/cyborg/agent/checkout"
	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/claim/hub"
	"github.com/cyborg-bots/cyborg/container"
	"github.com/cyborg-bots/cyborg/publish"
	"github.com/cyborg-bots/cyborg/tasks"
)

// cleanup is how long a job may take to publish what is left and release its claim after it was stopped.
const cleanup = 5 * time.Minute

// A run is a job that this bot has begun: first to claim, then to do.
type run struct {
	entry  Entry
	began  time.Time // GitHub's clock
	cancel context.CancelCauseFunc
	claim  *claim.Claim // once it is held; guarded by the agent's mutex

	words chan struct{} // holds one while anything is said about the job beside what its claim says, as long as that takes
	over  bool          // nothing more may be: the result is next; guarded by words
	done  bool          // its result is published

	outcome Outcome // once the work has ended
	err     error   // why there is no outcome, or nobody was told of it

	delivering atomic.Bool // commits go onto the pull request: that its head moves now is no news
}

// Env is what a Performer works with beside the job.
type Env struct {
	Task     *tasks.Task                                                  // as the protected branch teaches it: timeout, results, artifacts
	Outsider bool                                                         // the commit is of somebody without write access
	Place    tasks.PlaceKind                                              // where the task runs
	Dir      string                                                       // the job's own, empty; whoever made it removes it
	Nonce    string                                                       // of the claim; names directories and processes
	Version  string                                                       // of the bot
	Author   *checkout.Person                                             // of commits, if what the job changes is wanted; nil: it is not
	Output   io.Writer                                                    // the job's log; never fails, never blocks for long
	Report   func(publish.Report)                                         // what is known of the tests by now
	Lines    func() int                                                   // how many lines the log has
	Keep     func(ctx context.Context, dir string, globs ...string) error // publishes files as artifacts
}

// An Outcome is how a job ended.
type Outcome struct {
	State publish.State
	Text  string // one line, the words of the status: "3 tests failed"
	Err   error  // our own trouble: nothing is said about the change, a peer tries

	message string           // of the commit, if the task has words for it
	cause   error            // why it was cancelled
	Change  checkout.Harvest // what the job has changed, where Env.Author is set; it lasts as long as Env.Dir
}

// start begins a job in a goroutine of its own; the lease counts with Config.AutoLease.
func (a *Agent) start(work context.Context, e Entry, lease time.Duration) *run {
	ctx, cancel := context.WithCancelCause(work)
	key := subjectOf(e.Job).Key()
	a.mu.Lock()
	r := &run{entry: e, began: a.c.Hub.Now(), cancel: cancel, words: make(chan struct{}, 1)}
	a.running[key] = r
	a.mu.Unlock()
	a.group.Go(func() {
		defer cancel(nil)
		again := a.do(ctx, r, lease)
		a.mu.Lock()
		delete(a.running, key)
		if again > 0 {
			a.shunned[key] = time.Now().Add(again)
		}
		a.mu.Unlock()
		select {
		case a.ended <- struct{}{}:
		default:
		}
		if r.done && r.entry.Issue == 0 {
			a.assure(work, r.entry)
		}
	})
	return r
}

// do claims a job and does it. It gives how long to keep away from the subject.
func (a *Agent) do(ctx context.Context, r *run, lease time.Duration) time.Duration {
	e := r.entry
	log := a.c.Log.With("job", e.Line().String(), "sha", short(e.SHA))
	info := a.info(e)
	owner := claim.Owner{Name: a.c.Name, Log: func(nonce string) string {
		info.Nonce, info.Started = nonce, a.c.Hub.Now()
		info.Prefix = info.NewPrefix()
		return publish.PageURL(a.c.Store, info.Prefix)
	}}
	policy := a.c.Policy
	if a.c.AutoLease && policy.Settle <= lease/3 { // else no claim would be had in time, see claim.Policy
		policy.Lease = lease
	}
	if err := a.cleared(ctx, e); err != nil {
		r.err = err
		return a.unapproved(e, err)
	}
	if err := a.fit(ctx, e); err != nil {
		r.err = err
		return a.c.Poll
	}
	if a.lacks(ctx, e) {
		return lackFor * a.c.Poll
	}
	board := a.c.Board
	if e.Issue != 0 {
		board, policy.Racers = a.c.Errands.Board, false // what it does to the world is done once
	}
	held, err := claim.Acquire(ctx, board, subjectOf(e.Job), owner, policy)
	if err != nil {
		r.err = err
		return a.notClaimed(ctx, e, err)
	}
	log.Info("claimed", "nonce", held.Nonce)
	a.mu.Lock()
	r.claim = held
	a.mu.Unlock()
	e.Attempt = max(held.Verdict.Tries, 1)
	working, release := held.Keep(ctx)
	result := a.perform(working, r, e, info, a.errand(r, e, held))
	r.words <- struct{}{}
	r.over = true
	<-r.words
	if err := release(result); err != nil {
		r.err = err
		log.Warn("the result is not published", "error", err)
		return a.c.Policy.Settle
	}
	if lack := lackOf(r.outcome); lack != nil {
		a.lacking(ctx, e, lack)
		return lackFor * a.c.Poll
	}
	if result.State == "" {
		log.Info("given back")
		return a.backOff() // let a peer have it
	}
	log.Info("done", "state", result.State, "text", result.Text, "log", result.URL)
	r.done = true
	return a.c.Policy.Settle
}

// notClaimed explains why a job was not had and says how long to leave it alone.
func (a *Agent) notClaimed(ctx context.Context, e Entry, err error) time.Duration {
	log := a.c.Log.With("job", e.Line().String(), "sha", short(e.SHA))
	if taken, ok := errors.AsType[*claim.TakenError](err); ok {
		log.Debug("not had", "why", taken.Verdict.Why())
		if e.Issue == 0 && (taken.Verdict.State == claim.Done || taken.Verdict.State == claim.Dead) {
			a.mend(ctx, e, taken.Verdict)
			return 10 * a.c.Policy.Settle
		}
		return a.backOff()
	}
	switch {
	case ctx.Err() != nil:
	case fatal(err): // it is about the bot, and the next claim would fare the same
		a.ail(err, e.Line().String())
	default:
		log.Warn("cannot claim", "error", err)
	}
	if limited, ok := errors.AsType[*hub.LimitedError](err); ok {
		return max(time.Until(limited.Until), a.backOff())
	}
	return a.backOff()
}

// mend makes the newest status agree with the claims: what people see when a late bot has written over a result.
func (a *Agent) mend(ctx context.Context, e Entry, v claim.Verdict) {
	if err := a.c.Board.Show(ctx, subjectOf(e.Job), v); err != nil && ctx.Err() == nil {
		a.c.Log.Warn("cannot repair what GitHub shows", "job", e.Line().String(), "error", err)
	}
}

// backOff is how long a bot keeps away from a job that it could not have: one to three settle waits.
func (a *Agent) backOff() time.Duration {
	settle := max(a.c.Policy.Settle, time.Second)
	return settle + a.random(2*settle)
}

// perform does a job whose claim is held and publishes its log; j is nil for a job that is none of an issue. The working context
// ends when the claim is lost, the job has become useless, or the bot stops; what is published then says so.
func (a *Agent) perform(working context.Context, r *run, e Entry, info publish.Info, j *errand) claim.Result {
	tidy, done := context.WithCancel(context.WithoutCancel(working))
	defer done()
	scratch, err := container.NewScratch(tidy, a.c.Scratch, e.Task)
	if err != nil {
		a.ail(err, info.Line)
		return claim.Result{}
	}
	defer func() {
		if err := scratch.Close(); err != nil {
			a.c.Log.Error("cannot remove a job's directory", "dir", scratch.Dir, "error", err)
		}
	}()
	info.Scratch = scratch.Dir
	attempt, err := publish.Begin(tidy, a.c.Store, info)
	if err != nil {
		a.ail(err, info.Line)
		return claim.Result{}
	}
	outcome := a.run(working, e, j, &Env{
		Task: e.Taught, Outsider: e.Outsider != "", Place: e.Place, Dir: scratch.Dir, Nonce: info.Nonce, Version: a.c.Version, Output: a.output(attempt), Report: attempt.Report, Lines: attempt.Lines,
		Keep: attempt.Artifacts,
	})
	if outcome.Err != nil {
		outcome = a.unready(attempt, info.Line, outcome)
	}
	if outcome.State == publish.StateSuccess || outcome.State == publish.StateFailure {
		a.recovered()
	}
	finish, cancel := context.WithTimeout(tidy, cleanup)
	defer cancel()
	text := outcome.Text
	if err := attempt.Finish(finish, publish.Outcome{State: outcome.State, Description: text}); err != nil {
		a.c.Log.Warn("the log is not published whole", "job", info.Line, "error", err)
		if errors.Is(err, publish.ErrNoLog) {
			text += " (the log is not there)"
		}
	} else if attempt.URL() == "" {
		text += " (log on " + a.c.Host + ")"
	}
	r.outcome = outcome
	if j != nil {
		j.end(tidy, outcome)
	}
	if outcome.Err != nil || outcome.State == publish.StateCancelled {
		return claim.Result{} // no word about the change: the subject goes back to the peers
	}
	return claim.Result{State: tasks.Verdict{State: outcome.State}.Status(), Text: text, URL: attempt.URL()}
}

// run has the job done, and for one of an issue says so there.
func (a *Agent) run(working context.Context, e Entry, j *errand, env *Env) Outcome {
	if j == nil {
		return explain(working, a.c.Performer.Perform(working, env, e.Job))
	}
	env.Author = &a.c.Errands.Author
	if err := j.begin(working, env.Output); err != nil {
		return explain(working, j.spoiled(Outcome{}, err))
	}
	return j.finish(working, a.c.Performer.Perform(working, env, e.Job))
}

// ail notes that this bot could not do a job for a reason of its own. It takes nothing for a while, and ever longer up to
// ten minutes: its peers may be well, and a bot that takes and gives back all the time keeps them from the jobs.
func (a *Agent) ail(err error, job string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	pause := min(a.c.Poll<<min(a.ailing, 10), 10*time.Minute)
	a.ailing++
	a.ailingUntil = time.Now().Add(pause)
	a.c.Log.Error("trouble of our own, taking nothing for a while", "job", job, "error", err, "pause", pause.String())
}

// ails tells whether the bot takes nothing for now.
func (a *Agent) ails() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return time.Now().Before(a.ailingUntil)
}

// recovered notes that a job was done.
func (a *Agent) recovered() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ailing, a.ailingUntil = 0, time.Time{}
}

// explain says in the outcome why a job was stopped, when it was not the job itself that ended.
func explain(working context.Context, o Outcome) Outcome {
	cause := context.Cause(working)
	if cause == nil || o.State == publish.StateSuccess || o.State == publish.StateFailure {
		return o
	}
	o.State, o.Text, o.Err, o.cause = publish.StateCancelled, "Cancelled: "+cause.Error(), nil, cause
	if _, asked := errors.AsType[*cancelledError](cause); asked {
		o.Text = cause.Error()
		o.State = publish.StateError // a person's word is a result: it stands until somebody asks again
	}
	return o
}

// info is what the pages say of a job.
func (a *Agent) info(e Entry) publish.Info {
	branch := ""
	if e.Pull == 0 && e.Issue == 0 {
		branch = e.HeadRef
	}
	if e.Context == "" {
		e.Context = e.Task // an issue's job has none
	}
	return publish.Info{
		Branch: branch,
		Repo:   e.Repo, Task: e.Task, Context: e.Context, Pull: e.Pull, Issue: e.Issue, SHA: e.SHA, Title: e.Title,
		Web: a.c.Web, Bot: a.c.Name, Host: a.c.Host, Version: a.c.Version, Line: e.Line().String(), Timeout: timeoutOf(e.Taught),
		Previous: e.URL, Redact: a.c.Redact, Limits: a.c.Limits, Log: a.c.Log, Unlisted: a.c.Private[e.Repo], Progress: a.c.Progress,
	}
}

func timeoutOf(t *tasks.Task) time.Duration {
	if t == nil {
		return 0
	}
	return t.Timeout
}

// subjectOf is what bots compete for when they want a job.
func subjectOf(j tasks.Job) claim.Subject {
	s := claim.Subject{Repo: j.Repo}
	if j.Issue != 0 {
		s.Issue, s.Item = j.Issue, j.Item
	} else {
		s.SHA, s.Context = j.SHA, j.Context
	}
	return s
}

func short(sha string) string { return sha[:min(len(sha), 8)] }
