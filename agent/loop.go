package agent

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/claim/hub"
	"github.com/cyborg-bots/cyborg/container"
)

// readAtMost bounds how long a round waits for what a repository teaches while jobs run: a git server that hangs must not
// keep them from being watched. A bot without jobs has time, for the first clone of a large repository.
const readAtMost = 2 * time.Minute

// errStopped is the cause with which jobs end that a stopping bot did not wait for.
var errStopped = errors.New("the bot was stopped")

// Run is the bot's life: rounds until ctx ends, and then an orderly end (see the package comment). It gives an error
// only for what a person must mend before a bot can work at all: credentials that GitHub refuses, a repository that is
// not there. Troubles that pass are logged and waited out.
func (a *Agent) Run(ctx context.Context) error {
	work, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stop(nil)
	err := a.rounds(ctx, work)
	a.drain(stop)
	a.leave(ctx)
	return err
}

// rounds looks and takes until ctx ends, or once.
func (a *Agent) rounds(ctx, work context.Context) error {
	trouble := 0
	for first := true; ; first = false {
		wait, err := a.round(ctx, work)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && (first || a.c.Once) && fatal(err):
			return err
		case err != nil:
			trouble++
			wait = a.afterTrouble(err, trouble)
		default:
			trouble = 0
		}
		if a.c.Once {
			a.attend(ctx, work)
			return err
		}
		if a.c.Alive != nil {
			a.c.Alive(wait)
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-a.c.Kill:
			timer.Stop()
			return nil
		case <-a.ended:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// fatal tells whether trouble will not pass by itself: GitHub does not let this bot.
func fatal(err error) bool {
	return errors.Is(err, hub.ErrUnauthorized) || errors.Is(err, hub.ErrGone) || errors.Is(err, hub.ErrForbidden)
}

// afterTrouble says how long to leave GitHub alone: until the time it named, or ever longer, up to ten minutes.
func (a *Agent) afterTrouble(err error, times int) time.Duration {
	if crowd, ok := errors.AsType[*crowdedError](err); ok {
		a.c.Log.Info("waiting for a turn", "why", crowd.pace.Why, "first_look_in", crowd.wait.Round(time.Second).String())
		return crowd.wait
	}
	wait := a.jitter(min(a.c.Poll<<min(times-1, 6), 10*time.Minute))
	if limited, ok := errors.AsType[*hub.LimitedError](err); ok {
		wait = max(time.Until(limited.Until), 0) + a.jitter(a.c.Poll)
	}
	a.c.Log.Warn("cannot look", "error", err, "again_in", wait.Round(time.Second).String())
	return wait
}

// jitter is d ±50 %.
func (a *Agent) jitter(d time.Duration) time.Duration { return d/2 + a.random(d) }

// random is a random duration below d. It may be called from any goroutine.
func (a *Agent) random(d time.Duration) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	return time.Duration(a.rand.Int64N(int64(max(d, 1))))
}

// round looks at every repository once, stops what is useless, takes what is ready, and says when to look again.
func (a *Agent) round(ctx, work context.Context) (time.Duration, error) {
	var queue []Entry
	var errs []error
	a.recover(work)
	a.enroll(ctx)
	for _, repo := range a.c.Repos {
		entries, err := a.visit(ctx, repo)
		if err != nil {
			errs = append(errs, fmt.Errorf("look at %s: %w", repo, err))
			continue // the others are served all the same
		}
		queue = append(queue, entries...)
	}
	if err := errors.Join(errs...); len(errs) == len(a.c.Repos) {
		return 0, err
	} else if err != nil {
		a.c.Log.Warn("cannot look at all repositories", "error", err)
	}
	sortEntries(queue)
	a.remember(queue)
	holders, seen := busy(queue, a.c.Hub.Now())
	seen = merge(a.peers.meet(append(seen, holders...), a.c.Hub.Now()), a.flock(ctx, queue))
	idle := without(seen, holders)
	pace := a.pace()
	next := pace.stretch(a.jitter(a.c.Poll))
	if pace.Save {
		return next, nil
	}
	a.audit(work, queue, seen, a.c.Hub.Now())
	rules := a.chooser()
	rules.Pause = pace.apart(rules.Pause)
	chosen := rules.choose(queue, idle)
	for _, at := range chosen.Take {
		a.start(work, queue[at], pace.Lease)
	}
	again := a.tell(ctx, queue, seen)
	a.beg(ctx, queue, seen)
	a.summarize(work, queue, seen)
	for _, repo := range a.c.Repos {
		a.heed(work, repo, queue)
		a.chores(ctx, work, repo, seen)
		a.forget(ctx, repo, queue)
	}
	if again > 0 {
		next = min(next, again)
	}
	if chosen.Wait > 0 {
		next = min(next, chosen.Wait+a.jitter(200*time.Millisecond))
	}
	return next, nil
}

// Look reads one repository and lists every job that it asks for, best first.
func (a *Agent) Look(ctx context.Context, repo hub.Repo) ([]Entry, hub.Snapshot, error) {
	snapshot, err := a.c.Hub.Scan(ctx, repo)
	if err != nil {
		return nil, snapshot, err
	}
	queue, err := a.list(ctx, repo, snapshot)
	return queue, snapshot, err
}

// visit is Look in a round: what runs is watched before the bot asks what may be new, which can fail or take its time.
func (a *Agent) visit(ctx context.Context, repo hub.Repo) ([]Entry, error) {
	snapshot, err := a.c.Hub.Scan(ctx, repo)
	if err != nil {
		return nil, err
	}
	if err := a.enter(); err != nil {
		return nil, err
	}
	a.watch(ctx, repo, snapshot)
	a.watchErrands(ctx, repo)
	a.listen(ctx, repo)
	queue, err := a.list(ctx, repo, snapshot)
	if err != nil {
		a.ears.keep(repo, nil) // nothing is answered that is about jobs which were not seen
	}
	return queue, err
}

// list gives every job that a repository asks for, as one reading of it shows, best first.
func (a *Agent) list(ctx context.Context, repo hub.Repo, snapshot hub.Snapshot) ([]Entry, error) {
	if snapshot.DefaultSHA == "" {
		return nil, nil // an empty repository teaches nothing
	}
	if a.Running() > 0 {
		limited, cancel := context.WithTimeout(ctx, readAtMost)
		defer cancel()
		ctx = limited
	}
	catalogue, err := a.c.Teacher.Catalogue(ctx, repo, snapshot.DefaultSHA)
	if err != nil {
		return nil, err
	}
	a.lessons[strings.ToLower(repo.String())] = lesson{catalogue, snapshot.DefaultSHA}
	trusted, err := a.trusted(ctx, repo, snapshot.Pulls)
	if err != nil {
		return nil, err
	}
	tips, err := a.tips(ctx, repo, snapshot, catalogue)
	if err != nil {
		return nil, err
	}
	a.hearTips(ctx, repo, tips)
	v := view{Repo: repo, Snapshot: snapshot, Tips: tips, Catalogue: catalogue, Has: a.has(), Trusted: trusted}
	v.Approved = a.approvals(ctx, &v)
	v.Fleet = a.fleet(ctx, catalogue)
	if a.c.Candidates != nil {
		v.Try, v.Candidates = a.c.Candidates.Task, a.candidacies(ctx, &v)
	}
	if a.c.Errands != nil {
		if v.Askings, err = a.askings(ctx, repo, catalogue.Fleet.Labels.Bot, trusted); err != nil {
			return nil, err
		}
	}
	return plan(v), nil
}

// remember keeps since when each job is seen to wait, and forgets jobs that no longer do.
func (a *Agent) remember(queue []Entry) {
	now := time.Now()
	seen := make(map[string]time.Time, len(queue))
	open := make(map[string]bool, len(queue))
	for _, e := range queue {
		key := subjectOf(e.Job).Key()
		open[key] = e.Standing != Done
		if e.Standing != Ready && e.Standing != Waiting {
			continue
		}
		if since, ok := a.seen[key]; ok {
			seen[key] = since
		} else {
			seen[key] = now
		}
	}
	a.seen = seen
	a.mu.Lock()
	defer a.mu.Unlock()
	maps.DeleteFunc(a.lacked, func(key string, _ *container.LackError) bool { return !open[key] })
	for key, until := range a.shunned {
		if now.After(until) {
			delete(a.shunned, key)
		}
	}
}

func (a *Agent) chooser() chooser {
	a.mu.Lock()
	defer a.mu.Unlock()
	occupied := make(map[string]bool, len(a.running)+len(a.shunned))
	for key := range a.running {
		occupied[key] = true
	}
	for key := range a.shunned {
		occupied[key] = true
	}
	now := time.Now()
	pause := claim.RankDelay(1, a.c.Policy.Settle/2)
	if a.c.Once || a.c.Rehearse {
		pause = 0 // there is no later look for which a job could be left to a peer
	}
	slots := a.c.Jobs - len(a.running)
	if now.Before(a.ailingUntil) {
		slots = 0
	}
	return chooser{
		Me: a.c.Name, Slots: slots, Pause: pause,
		Age: func(e Entry) time.Duration { return now.Sub(a.seen[subjectOf(e.Job).Key()]) },
		Skip: func(e Entry) bool {
			return occupied[subjectOf(e.Job).Key()] || a.c.Room != nil && !a.c.Room(e)
		},
		Place: claim.Places,
	}
}

// attend waits until all jobs have ended, or ctx has, and goes on to watch them meanwhile.
func (a *Agent) attend(ctx, work context.Context) {
	done := make(chan struct{})
	go func() { a.group.Wait(); close(done) }()
	for {
		timer := time.NewTimer(a.jitter(a.c.Poll))
		select {
		case <-done:
		case <-ctx.Done():
		case <-a.c.Kill:
		case <-work.Done():
		case <-timer.C:
			a.watchAll(ctx)
			continue
		}
		timer.Stop()
		return
	}
}

// watchAll looks at all repositories, only for what runs.
func (a *Agent) watchAll(ctx context.Context) {
	for _, repo := range a.c.Repos {
		if snapshot, err := a.c.Hub.Scan(ctx, repo); err == nil {
			a.watch(ctx, repo, snapshot)
			a.watchErrands(ctx, repo)
			a.listen(ctx, repo)
		} else if ctx.Err() == nil {
			a.c.Log.Warn("cannot look", "repo", repo.String(), "error", err)
		}
	}
}

// drain gives running jobs a.c.Drain to end, then stops them; it returns when each has released its claim. What is not
// claimed yet is not begun.
func (a *Agent) drain(stop context.CancelCauseFunc) {
	if n := a.Running(); n > 0 {
		a.c.Log.Info("stopping", "running_jobs", n, "at_most", a.c.Drain.Round(time.Millisecond).String())
	}
	a.withdraw()
	done := make(chan struct{})
	go func() { a.group.Wait(); close(done) }()
	timer := time.NewTimer(a.c.Drain)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
		stop(errStopped)
	case <-a.c.Kill:
		stop(errStopped)
	}
	<-done
}

// withdraw ends the runs that have no claim yet.
func (a *Agent) withdraw() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, r := range a.running {
		if r.claim == nil {
			r.cancel(errStopped)
		}
	}
}

// Running says how many jobs the bot does now. It may be called from any goroutine.
func (a *Agent) Running() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.running)
}

// without lists the names that are not in out.
func without(names, out []string) []string {
	gone := make(map[string]bool, len(out))
	for _, n := range out {
		gone[n] = true
	}
	var list []string
	for _, n := range names {
		if !gone[n] {
			list = append(list, n)
		}
	}
	return list
}
