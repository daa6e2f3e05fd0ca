//go:build linux

package container

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// HostOptions are the settings of a Host.
type HostOptions struct {
	Dir  string       // where scratch directories are made; one for all bots of this machine
	Path string       // PATH of the jobs; empty is the bot's own
	Log  *slog.Logger // the bot's own log; nil discards
}

// Host runs commands on the bot's own machine, as the bot's own user. That is
// for trusted jobs only: the environment is clean and nothing survives the job,
// but it can read what the bot's user can read.
type Host struct {
	o    HostOptions
	self string // the program that becomes the supervisor: this one
}

var _ Runner = (*Host)(nil)

// NewHost returns a runner on this machine. The program must call Supervise
// first thing in main (and in TestMain).
func NewHost(o HostOptions) *Host {
	if o.Path == "" {
		o.Path = os.Getenv("PATH")
	}
	if o.Path == "" {
		o.Path = defaultPath
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Host{o: o, self: "/proc/self/exe"}
}

// Run implements Runner.
func (h *Host) Run(ctx context.Context, s Spec) (result Result, err error) {
	if err := s.check(); err != nil {
		return Result{}, err
	}
	if ctx.Err() != nil {
		return Result{Canceled: true}, fmt.Errorf("run %s: %w", s.Name, context.Cause(ctx))
	}
	if info, err := os.Stat(s.Dir); err != nil {
		return Result{}, fmt.Errorf("run %s: %w", s.Name, err)
	} else if !info.IsDir() {
		return Result{}, fmt.Errorf("run %s: %s is not a directory", s.Name, s.Dir)
	}
	scratch, err := NewScratch(ctx, h.o.Dir, s.Name)
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
	o, err := h.order(s, scratch, m)
	if err != nil {
		return Result{}, fmt.Errorf("run %s: %w", s.Name, err)
	}
	begin := time.Now()
	result, err = h.supervised(ctx, s, o, scratch, m)
	result.Duration = time.Since(begin)
	h.o.Log.Debug("job ended", "job", s.Name, "result", result.String(), "error", err)
	if err != nil {
		return result, fmt.Errorf("run %s: %w", s.Name, err)
	}
	return result, nil
}

// order makes the job's own home and temporary directory and its environment.
func (h *Host) order(s Spec, scratch *Scratch, m marker) (order, error) {
	home, tmp := filepath.Join(scratch.Dir, "home"), filepath.Join(scratch.Dir, "tmp")
	for _, dir := range []string{home, tmp} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			return order{}, fmt.Errorf("make scratch: %w", err)
		}
	}
	own := []string{"PATH=" + h.o.Path, "HOME=" + home, "LANG=C.UTF-8", "TMPDIR=" + tmp}
	return order{
		Argv:    s.Argv,
		Dir:     s.Dir,
		Env:     environ(own, s.Env, []string{markerVariable + "=" + m.String()}),
		Scratch: scratch.Dir,
	}, nil
}

// session is the bot's end of one supervisor.
type session struct {
	cmd      *exec.Cmd
	lifeline io.WriteCloser
	reports  chan report // closed when the supervisor has ended
	output   *pump
	stderr   *bytes.Buffer // of the supervisor: a panic, a usage text
}

// supervised starts a supervisor with o and follows it to its end.
func (h *Host) supervised(ctx context.Context, s Spec, o order, scratch *Scratch, m marker) (Result, error) {
	ses, err := h.startSupervisor(s, o, scratch, m)
	if err != nil {
		return Result{}, err
	}
	result, err := ses.follow(ctx, s)
	ses.lifeline.Close()
	waitErr := ses.cmd.Wait()
	if errors.Is(err, errSupervisor) {
		// The supervisor died before its job. What it leaves is found by the marker.
		err = errors.Join(ses.obituary(waitErr), killMarked(context.WithoutCancel(ctx), m))
	}
	if outputErr := ses.output.finish(); err == nil {
		err = outputErr
	}
	return result, err
}

// startSupervisor starts this program again, as the supervisor of one job.
func (h *Host) startSupervisor(s Spec, o order, scratch *Scratch, m marker) (*session, error) {
	reportRead, reportWrite, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start supervisor: %w", err)
	}
	defer reportWrite.Close()
	outputRead, outputWrite, err := os.Pipe()
	if err != nil {
		reportRead.Close()
		return nil, fmt.Errorf("start supervisor: %w", err)
	}
	defer outputWrite.Close()
	stderr := &bytes.Buffer{}
	cmd := &exec.Cmd{
		Path:       h.self,
		Args:       []string{supervisorName, supervisorFlag, plain(s.Name)},
		Dir:        "/",
		Env:        []string{supervisorVariable + "=" + m.String()},
		Stderr:     stderr,
		ExtraFiles: []*os.File{reportWrite, outputWrite, scratch.lock},
		// Its own session: a ^C at the bot's terminal is the bot's business.
		SysProcAttr: &unix.SysProcAttr{Setsid: true},
	}
	lifeline, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start supervisor: %w", err), reportRead.Close(), outputRead.Close())
	}
	ses := &session{cmd: cmd, lifeline: lifeline, reports: make(chan report), stderr: stderr}
	ses.output = startPump(outputRead, s.Output)
	go ses.listen(reportRead)
	// A supervisor that cannot read it ends, which is seen there.
	_ = json.NewEncoder(lifeline).Encode(o)
	return ses, nil
}

// listen passes the reports on until there are no more.
func (ses *session) listen(r io.ReadCloser) {
	defer close(ses.reports)
	defer r.Close()
	for d := json.NewDecoder(r); ; {
		var next report
		if d.Decode(&next) != nil {
			return
		}
		ses.reports <- next
	}
}

// errSupervisor stands for a supervisor that ended without a report.
var errSupervisor = errors.New("supervisor died")

// follow waits for the end of the job and brings it about when its time is over.
func (ses *session) follow(ctx context.Context, s Spec) (result Result, err error) {
	// How long a supervisor may take to kill everything; it gives up itself before.
	const patience = time.Minute
	starting := time.After(patience)
	var expired, grace, stuck <-chan time.Time
	if s.Timeout > 0 {
		expired = time.After(s.Timeout)
	}
	canceled := ctx.Done()
	stop := func() {
		expired, canceled = nil, nil
		ses.send(commandTerm)
		grace = time.After(graceOf(s))
	}
	for {
		select {
		case r, ok := <-ses.reports:
			switch {
			case !ok:
				return result, errSupervisor
			case r.Started:
				starting = nil
			case r.Trouble != "":
				return result, errors.New(r.Trouble)
			case r.Refused != "":
				return Result{Code: r.Code, Refused: r.Refused}, nil
			case r.Ended:
				return ended(ctx, result, r)
			}
		case <-canceled:
			result.Canceled = true
			stop()
		case <-expired:
			result.TimedOut = true
			stop()
		case <-grace:
			ses.send(commandKill)
			stuck = time.After(patience)
		case <-starting:
			_ = ses.cmd.Process.Kill()
		case <-stuck:
			_ = ses.cmd.Process.Kill()
		}
	}
}

// ended makes the result of the last report.
func ended(ctx context.Context, result Result, r report) (Result, error) {
	result.Code, result.Signal = r.Code, r.Signal
	if !r.Stopped {
		// It had already ended when it was to be stopped: its own result counts.
		result.TimedOut, result.Canceled = false, false
	}
	if !r.Gone {
		return result, fmt.Errorf("kill what the job left: processes %v do not end", r.Left)
	}
	if result.Canceled {
		return result, context.Cause(ctx)
	}
	return result, nil
}

// graceOf is the grace period in force.
func graceOf(s Spec) time.Duration {
	if s.Grace <= 0 {
		return DefaultGrace
	}
	return s.Grace
}

// send gives the supervisor a command; one that is dead shows in its reports.
func (ses *session) send(c byte) { _, _ = ses.lifeline.Write([]byte{c}) }

// obituary says why a supervisor ended too early.
func (ses *session) obituary(waitErr error) error {
	const most = 500
	text := bytes.TrimSpace(ses.stderr.Bytes())
	if bytes.Contains(text, []byte("flag provided but not defined: "+supervisorFlag)) || waitErr == nil {
		return errors.New("start supervisor: this program does not call container.Supervise first thing in main (or TestMain)")
	}
	if len(text) > most {
		text = text[:most]
	}
	return fmt.Errorf("supervisor died: %w: %s", waitErr, text)
}
