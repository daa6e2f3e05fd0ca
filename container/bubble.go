//go:build linux && (amd64 || arm64)

package container

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cyborg-bots/cyborg/container/gate"
)

// BubbleOptions are the settings of a Bubble.
type BubbleOptions struct {
	Dir     string       // where scratch directories are made, as HostOptions has it
	Program string       // bubblewrap; empty is bwrap from the bot's PATH
	Gate    gate.Options // how jobs reach the world; Hosts and Log are set for each
	Log     *slog.Logger // the bot's own log; nil discards
}

// Bubble runs commands in a sandbox that bubblewrap makes of this machine's own programs: what is installed here can be
// used and not changed, the bot's files, processes and networks are not there. It needs no daemon, no image and, where
// the kernel lets users make namespaces, no privilege.
//
// Process 1 of the sandbox is a supervisor, as Host has one, and starts the job; bubblewrap itself runs below a second,
// outside, so that a dead bot leaves nothing. When the bot is root, each job is a user of its own that owns nothing
// else on the machine; otherwise it is the bot's own user, with nothing in sight that belongs to that.
type Bubble struct {
	o    BubbleOptions
	host *Host
	tree func() (groupTree, error)
}

var _ Runner = (*Bubble)(nil)

// NewBubble returns a runner that uses bubblewrap. As for NewHost, the program must call Supervise first thing in main.
func NewBubble(o BubbleOptions) *Bubble {
	if o.Program == "" {
		o.Program = "bwrap"
	}
	host := NewHost(HostOptions{Dir: o.Dir, Path: os.Getenv("PATH"), Log: o.Log})
	o.Log = host.o.Log
	return &Bubble{o: o, host: host, tree: sync.OnceValues(func() (groupTree, error) { return findGroups("/") })}
}

// Run implements Runner. The command sees Dir and Writable under their own names, a home and a /tmp of its own.
func (b *Bubble) Run(ctx context.Context, s Spec) (result Result, err error) {
	if err := b.check(ctx, s); err != nil {
		return Result{Canceled: ctx.Err() != nil}, err
	}
	scratch, err := NewScratch(ctx, b.o.Dir, s.Name)
	if err != nil {
		return Result{}, fmt.Errorf("run %s: %w", s.Name, err)
	}
	defer func() {
		if closeErr := scratch.Close(); closeErr != nil {
			err = errors.Join(err, fmt.Errorf("clean up after %s: %w", s.Name, closeErr))
		}
	}()
	m, err := newMarker()
	if err != nil {
		return Result{}, fmt.Errorf("run %s: %w", s.Name, err)
	}
	if s.Limits.Disk, err = roomFor(scratch.Dir, s.Limits.Disk); err != nil {
		return Result{}, fmt.Errorf("run %s: %w", s.Name, err)
	}
	tree, _ := b.tree() // what is missing is told by Try, and done without
	g, err := tree.make(groupPrefix+m.String(), s.Limits.withReserve())
	if err != nil {
		return Result{}, fmt.Errorf("run %s: %w", s.Name, err)
	}
	defer func() { err = errors.Join(err, g.remove()) }()

	j := &bubbleJob{cell: newCell(s, scratch, m), b: b, group: g, tree: tree}
	begin := time.Now()
	result, err = j.run(ctx)
	result.Duration, result.Limits = time.Since(begin), s.Limits
	b.o.Log.Debug("job ended", "job", s.Name, "result", result.String(), "error", err)
	if err != nil {
		return result, fmt.Errorf("run %s: %w", s.Name, err)
	}
	return result, nil
}

// check refuses what cannot be run here.
func (b *Bubble) check(ctx context.Context, s Spec) error {
	if err := s.check(); err != nil {
		return err
	}
	if s.Image != "" {
		return fmt.Errorf("run %s: bubblewrap has no images, %s is not to be had", s.Name, s.Image)
	}
	if ctx.Err() != nil {
		return fmt.Errorf("run %s: %w", s.Name, context.Cause(ctx))
	}
	return s.checkDirs()
}

// Sweep implements Runner.
func (b *Bubble) Sweep(ctx context.Context) error {
	err := b.host.Sweep(ctx)
	namespace, nsErr := pidNamespace()
	if nsErr != nil {
		return errors.Join(err, nsErr)
	}
	tree, _ := b.tree()
	return errors.Join(err, tree.sweep(ctx, deadIn(namespace)))
}

// A bubbleJob is one run.
type bubbleJob struct {
	*cell
	b      *Bubble
	group  *group
	tree   groupTree
	socket *net.UnixConn // by which the supervisor inside hands out the sandbox's network
}

// run makes the sandbox, starts the job in it and follows it to its end.
func (j *bubbleJob) run(ctx context.Context) (Result, error) {
	argv, err := j.furnish()
	if err != nil {
		return Result{}, err
	}
	inner, far, err := openSession(j.spec.Output)
	if err != nil {
		return Result{}, err
	}
	complaint := &tail{most: 4 << 10}
	outer, info, err := j.start(argv, far, complaint)
	far.Close()
	if err != nil {
		return Result{}, errors.Join(err, inner.lifeline.Close(), inner.output.finish())
	}
	defer info.Close()
	inner.abort = outer.abort
	over := outer.over()

	watching, done := context.WithCancel(ctx)
	result, err := j.inside(watching, ctx, inner, info)
	done()
	inner.lifeline.Close()
	outer.send(commandKill)
	<-over // before the lifeline ends, which would mean that the bot is dead
	if endErr := outer.end(ctx, j.marker, nil); errors.Is(err, errSupervisor) {
		err = errors.Join(j.postMortem(&result, inner.started && endErr == nil, complaint), endErr, killMarked(context.WithoutCancel(ctx), j.marker))
	} else {
		err = errors.Join(err, endErr)
	}
	if outputErr := inner.output.finish(); err == nil {
		err = outputErr
	}
	j.explain(&result)
	return result, err
}

// start starts bubblewrap below a supervisor. The files are those of the supervisor inside, then bubblewrap's own.
func (j *bubbleJob) start(argv []string, far ends, complaint io.Writer) (*supervisorProcess, *os.File, error) {
	rules, err := jobFilter().file()
	if err != nil {
		return nil, nil, err
	}
	defer rules.Close()
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, nil, err
	}
	defer null.Close()
	if j.online() {
		null.Close()
		if j.socket, null, err = socketPair(); err != nil {
			return nil, nil, err
		}
		defer null.Close()
	}
	info, infoWrite, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	defer infoWrite.Close()
	extra := []*os.File{far.lifeline, far.report, far.output, null, rules, infoWrite}
	o := order{
		Argv: argv, Dir: "/", Env: []string{"PATH=" + j.b.host.o.Path, markerVariable + "=" + j.marker.String()},
		Scratch: j.scratch.Dir, Extra: len(extra), Deaf: true, Groups: j.group.dirs,
	}
	sup, err := j.b.host.startSupervisor(j.spec.Name, o, j.scratch, j.marker, complaint, extra)
	if err != nil {
		info.Close()
		return nil, nil, err
	}
	return sup, info, nil
}

// The descriptors that bubblewrap reads and writes itself; see start.
const (
	bubbleRules = "6"
	bubbleInfo  = "7"
)

// inside speaks with the supervisor in the sandbox: first it is moved into the control groups, and only then told what
// to run.
func (j *bubbleJob) inside(watching, ctx context.Context, inner *session, info *os.File) (Result, error) {
	var made struct {
		PID int `json:"child-pid"`
	}
	const patience = time.Minute
	_ = info.SetReadDeadline(time.Now().Add(patience))
	if err := json.NewDecoder(info).Decode(&made); err != nil || made.PID == 0 {
		return Result{}, errSupervisor // bubblewrap has said why
	}
	if err := j.group.add(made.PID); err != nil {
		return Result{}, err
	}
	u := usage{dirs: j.writable(), disk: j.spec.Limits.Disk, family: func() []process {
		return append(descendants(processes(), made.PID), process{pid: made.PID})
	}}
	if !j.tree.has("memory") {
		u.memory = j.spec.Limits.Memory
	}
	inner.passed = u.watch(watching)
	inner.give(j.order())
	if j.online() {
		defer j.serve(ctx, j.b.o.Gate, j.b.o.Log, func() (*net.UnixConn, error) { return j.socket, nil })()
	}
	return inner.follow(ctx, j.spec)
}

// order is what the supervisor inside is told.
func (j *bubbleJob) order() order {
	o := j.orders("PATH=" + j.b.path())
	l := j.spec.Limits
	if l.Processes > 0 && j.user == 0 {
		// Counted for the user; the supervisor inside has a few threads of its own.
		o.Limits = append(o.Limits, rlimit{unix.RLIMIT_NPROC, uint64(l.Processes)})
	}
	if l.Memory > 0 && !j.tree.has("memory") {
		// The watch, which looks at all processes, ends a job sooner; this is for one that is quicker than it.
		o.Limits = append(o.Limits, rlimit{unix.RLIMIT_DATA, uint64(2*l.Memory + 256<<20)})
	}
	return o
}

// postMortem says why the supervisor inside has ended without a word: the kernel killed it, or there was never a sandbox.
func (j *bubbleJob) postMortem(r *Result, started bool, complaint *tail) error {
	if started || j.group.kills() > 0 {
		j.b.o.Log.Warn("a job has broken its sandbox", "job", j.spec.Name, "complaint", string(complaint.Bytes()))
		broken(r)
		return nil
	}
	return fmt.Errorf("make sandbox: %s", bytes.TrimSpace(complaint.Bytes()))
}

// explain adds what the kernel knows about the end of a job that did not go well.
func (j *bubbleJob) explain(r *Result) {
	if unexplained(*r) && j.group.kills() > 0 {
		r.Excess = TooMuchMemory
	}
}
