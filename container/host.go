//go:build linux

package container

import (
	"bytes"
	"context"
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
	if s.Image != "" {
		return Result{}, fmt.Errorf("run %s: the host has no images, %s is not to be had", s.Name, s.Image)
	}
	if err := s.checkDirs(); err != nil {
		return Result{}, err
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

// supervised starts a supervisor with o and follows it to its end.
func (h *Host) supervised(ctx context.Context, s Spec, o order, scratch *Scratch, m marker) (Result, error) {
	sup, err := h.startSupervisor(s.Name, o, scratch, m, s.Output, nil)
	if err != nil {
		return Result{}, err
	}
	result, err := sup.follow(ctx, s)
	return result, sup.end(ctx, m, err)
}

// A supervisorProcess is a supervisor that this process has started.
type supervisorProcess struct {
	*session
	cmd    *exec.Cmd
	stderr *bytes.Buffer // of the supervisor: a panic, a usage text
}

// startSupervisor starts this program again, as the supervisor of one job; the job gets extra as the order says.
func (h *Host) startSupervisor(name string, o order, scratch *Scratch, m marker, output io.Writer, extra []*os.File) (*supervisorProcess, error) {
	ses, far, err := openSession(output)
	if err != nil {
		return nil, fmt.Errorf("start supervisor: %w", err)
	}
	defer far.Close()
	stderr := &bytes.Buffer{}
	cmd := &exec.Cmd{
		Path:       h.self,
		Args:       []string{supervisorName, supervisorFlag, plain(name)},
		Dir:        "/",
		Env:        []string{supervisorVariable + "=" + m.String()},
		Stdin:      far.lifeline,
		Stderr:     stderr,
		ExtraFiles: append([]*os.File{far.report, far.output, scratch.lock}, extra...),
		// Its own session: a ^C at the bot's terminal is the bot's business.
		SysProcAttr: &unix.SysProcAttr{Setsid: true},
	}
	if err := cmd.Start(); err != nil {
		far.Close()
		return nil, errors.Join(fmt.Errorf("start supervisor: %w", err), ses.lifeline.Close(), ses.output.finish())
	}
	ses.abort = func() { _ = cmd.Process.Kill() }
	ses.give(o)
	return &supervisorProcess{session: ses, cmd: cmd, stderr: stderr}, nil
}

// end takes leave of a supervisor whose job is over; err is what following it came to.
func (sup *supervisorProcess) end(ctx context.Context, m marker, err error) error {
	sup.lifeline.Close()
	waitErr := sup.cmd.Wait()
	if errors.Is(err, errSupervisor) {
		// The supervisor died before its job. What it leaves is found by the marker.
		err = errors.Join(sup.obituary(waitErr), killMarked(context.WithoutCancel(ctx), m))
	}
	if outputErr := sup.output.finish(); err == nil {
		err = outputErr
	}
	return err
}

// obituary says why a supervisor ended too early.
func (sup *supervisorProcess) obituary(waitErr error) error {
	const most = 500
	text := bytes.TrimSpace(sup.stderr.Bytes())
	if bytes.Contains(text, []byte("flag provided but not defined: "+supervisorFlag)) || waitErr == nil {
		return errors.New("start supervisor: this program does not call container.Supervise first thing in main (or TestMain)")
	}
	if len(text) > most {
		text = text[:most]
	}
	return fmt.Errorf("supervisor died: %w: %s", waitErr, text)
}
