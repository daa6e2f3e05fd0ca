package place

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/cyborg-bots/cyborg/container"
	"github.com/cyborg-bots/cyborg/container/gate"
	"github.com/cyborg-bots/cyborg/vmimage/machine"
)

// DefaultMemory is what a machine has whose task does not say how much it needs.
const DefaultMemory = 1 << 30

// ConsoleFile is where the console of a job's machine is kept, in the first of its Writable folders.
const ConsoleFile = "console.txt"

// The most that a job may bring out of its machine.
const (
	MaxBytes = 2 << 30
	MaxFiles = 20_000
)

// copyTime is how long it may take to bring out what a job leaves that was stopped.
const copyTime = 5 * time.Minute

// Options are the settings of a Place. Pool, Find and Budget are needed.
type Options struct {
	Pool   *machine.Pool
	Find   func(ctx context.Context, disk string) (machine.Image, error) // *UnknownImageError: it is the task's fault; *container.LackError: it is elsewhere, or will be
	Budget *Budget
	CPUs   int           // of each machine; 0 is 2
	Boot   time.Duration // 0 is machine.DefaultBoot
	Gate   gate.Options  // how jobs reach the world; Hosts and Log are set for each
	Log    *slog.Logger  // nil discards
}

// An UnknownImageError is an image that no store has and no file of the repository explains.
type UnknownImageError struct{ Image, Reason string }

func (e *UnknownImageError) Error() string {
	return fmt.Sprintf("find image %s: %s", e.Image, e.Reason)
}

// A Place is a container.Runner whose jobs run in virtual machines.
type Place struct{ o Options }

var _ container.Runner = (*Place)(nil)

// New makes one.
func New(o Options) *Place {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.CPUs == 0 {
		o.CPUs = 2
	}
	return &Place{o}
}

// Sweep implements container.Runner.
func (p *Place) Sweep(ctx context.Context) error {
	_, err := p.o.Pool.Sweep(ctx)
	return err
}

// ShareOf is what the machine of a job with these limits uses.
func (p *Place) ShareOf(l container.Limits) Share {
	s := Share{Memory: l.Memory, CPUs: p.o.CPUs}
	if s.Memory == 0 {
		s.Memory = DefaultMemory
	}
	if l.CPUs > 0 {
		s.CPUs = min(s.CPUs, max(1, int(math.Ceil(l.CPUs))))
	}
	return s
}

// Run implements container.Runner.
func (p *Place) Run(ctx context.Context, s container.Spec) (container.Result, error) {
	begin := time.Now()
	if s.Output == nil {
		s.Output = io.Discard
	}
	result, err := p.run(ctx, s)
	result.Duration = time.Since(begin)
	if ctx.Err() != nil {
		result.Canceled, err = true, fmt.Errorf("run %s: %w", s.Name, context.Cause(ctx))
	}
	return result, err
}

// run starts a machine, does the job and takes the machine away.
func (p *Place) run(ctx context.Context, s container.Spec) (container.Result, error) {
	if s.Image == "" {
		return container.Result{Code: 127, Refused: `it runs in a virtual machine and names no disk; write in its header: image: NAME`}, nil
	}
	image, err := p.o.Find(ctx, s.Image)
	if unknown, ok := errors.AsType[*UnknownImageError](err); ok {
		return container.Result{Code: 127, Refused: unknown.Error()}, nil
	}
	if err != nil {
		return container.Result{}, err
	}
	if len(s.Machines) > 0 {
		return p.several(ctx, s, image)
	}
	share := p.ShareOf(s.Limits)
	give, err := p.o.Budget.Take(ctx, share)
	if err != nil {
		return container.Result{}, err
	}
	defer give()
	begin := time.Now()
	m, disconnect, err := p.start(ctx, s, machine.Spec{
		Image: image, CPUs: share.CPUs, Memory: share.Memory, Disk: s.Limits.Disk, Boot: p.o.Boot,
		Life: lifeOf(s.Timeout),
	})
	if err != nil {
		return container.Result{}, err
	}
	from := ""
	if m.Warm() {
		from = " (from a saved state)"
	}
	fmt.Fprintf(s.Output, "cyborg: a machine of %s with %d MB came up in %.1f s%s\n", image.Name, share.Memory>>20, time.Since(begin).Seconds(), from)
	result, err := p.inside(ctx, m, s)
	return result, errors.Join(err, p.end(m, s), disconnect())
}

// lifeOf is after how long a machine may be taken for forgotten: nothing of its job can go on any more.
func lifeOf(timeout time.Duration) time.Duration {
	if timeout <= 0 {
		return 0
	}
	return timeout + 2*machine.DefaultBoot + 2*copyTime
}

// end takes the machine away and keeps what it had on its console.
func (p *Place) end(m *machine.Machine, s container.Spec) error {
	err := m.Close()
	if len(s.Writable) > 0 {
		err = errors.Join(err, keepConsole(s.Writable[0], ConsoleFile, m.Console()))
	}
	return err
}

// keepConsole writes the console into the folder of artifacts; a job may have left a file of that name, or a link.
func keepConsole(dir, file string, text []byte) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("keep console: %w", err)
	}
	defer root.Close()
	if err := root.RemoveAll(file); err != nil {
		return fmt.Errorf("keep console: %w", err)
	}
	if err := root.WriteFile(file, text, 0o644); err != nil {
		return fmt.Errorf("keep console: %w", err)
	}
	return nil
}

// errTime is the cause of a job's end when its time is over.
var errTime = errors.New("the job's time is over")

// inside does the job in a machine that is up.
func (p *Place) inside(ctx context.Context, m *machine.Machine, s container.Spec) (result container.Result, err error) {
	for _, dir := range s.Writable {
		if err := m.CopyIn(ctx, dir, dir); err != nil {
			return died(s.Output, result, err)
		}
	}
	if err := m.CopyIn(ctx, s.Dir, s.Dir); err != nil {
		return died(s.Output, result, err)
	}
	timed := ctx
	if s.Timeout > 0 {
		var cancel context.CancelFunc
		timed, cancel = context.WithTimeoutCause(ctx, s.Timeout, errTime)
		defer cancel()
	}
	grace := s.Grace
	if grace <= 0 {
		grace = container.DefaultGrace
	}
	exit, err := m.Run(timed, machine.Cmd{Argv: s.Argv, Dir: s.Dir, Env: environ(s.Env), Output: s.Output, Grace: grace})
	result = container.Result{Code: exit.Code, Signal: exit.Signal}
	switch {
	case errors.Is(err, errTime):
		result.TimedOut = true
	case err != nil:
		return died(s.Output, result, err)
	}
	if ctx.Err() != nil {
		return result, context.Cause(ctx)
	}
	return p.bringOut(ctx, m, s, result)
}

// environ is what a job finds beside what signing in gives; the task's own come last and count.
func environ(vars []string) []string {
	own := []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "TMPDIR=/tmp"}
	return append(own, vars...)
}

// died tells a machine that died under its job from our own trouble.
func died(log io.Writer, result container.Result, err error) (container.Result, error) {
	crash, ok := errors.AsType[*machine.CrashError](err)
	if !ok {
		return result, err
	}
	fmt.Fprintf(log, "cyborg: %v\n", crash)
	result.Died = crash.Cause
	return result, nil
}

// bringOut copies what the job leaves to the host. A machine that does not hand it over any more has lost it; what it
// should not have (too much) is named in the log.
func (p *Place) bringOut(ctx context.Context, m *machine.Machine, s container.Spec, result container.Result) (container.Result, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, copyTime, errors.New("it takes too long to bring out what the job leaves"))
	defer cancel()
	most := machine.Limit{Bytes: MaxBytes, Files: MaxFiles}
	if s.Limits.Disk > 0 {
		most.Bytes = min(most.Bytes, s.Limits.Disk)
	}
	for _, dir := range s.Writable {
		if err := m.CopyOut(ctx, dir, dir, nil, most); err != nil {
			return p.notOut(s.Output, result, err)
		}
	}
	if s.Keep == nil {
		return result, nil
	}
	files, err := m.Files(ctx, s.Dir, 10*MaxFiles)
	if err != nil {
		return p.notOut(s.Output, result, err)
	}
	var chosen []string
	for _, name := range files {
		if s.Keep(name) {
			chosen = append(chosen, name)
		}
	}
	if len(chosen) == 0 {
		return result, nil
	}
	if err := makeRoom(s.Dir, chosen); err != nil {
		return result, err
	}
	if err := m.CopyOut(ctx, s.Dir, s.Dir, chosen, most); err != nil {
		return p.notOut(s.Output, result, err)
	}
	return result, nil
}

// notOut is the result of a job whose files could not be brought out: with a dead machine as such, else with a word.
func (p *Place) notOut(log io.Writer, result container.Result, err error) (container.Result, error) {
	result, err = died(log, result, err)
	if errors.Is(err, machine.ErrTooMuch) || errors.Is(err, machine.ErrGuest) {
		fmt.Fprintf(log, "cyborg: %v\n", err)
		return result, nil
	}
	return result, err
}

// makeRoom removes the host's own copies of files that are brought out.
func makeRoom(dir string, names []string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("bring out files: %w", err)
	}
	defer root.Close()
	for _, name := range names {
		_ = root.Remove(filepath.FromSlash(name)) // what stays is not written over
	}
	return nil
}
