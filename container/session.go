//go:build linux

package container

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// session is the bot's end of one supervisor.
type session struct {
	lifeline io.WriteCloser
	reports  chan report // closed when the supervisor has ended
	output   *pump
	started  bool          // the job ran; for who follows
	noise    *tail         // what came between the reports
	abort    func()        // ends a supervisor that does not listen any more
	passed   <-chan Excess // of a limit that somebody watches; may be nil
}

// ends are the supervisor's ends of a session.
type ends struct{ lifeline, report, output *os.File }

// Close closes this process's copies; the supervisor has its own.
func (e ends) Close() {
	for _, f := range []*os.File{e.lifeline, e.report, e.output} {
		f.Close()
	}
}

// openSession makes the pipes between the bot and a supervisor; the job's output goes to w.
func openSession(w io.Writer) (*session, ends, error) {
	var files []*os.File
	for range 3 {
		r, w, err := os.Pipe()
		if err != nil {
			for _, f := range files {
				f.Close()
			}
			return nil, ends{}, fmt.Errorf("make pipes: %w", err)
		}
		files = append(files, r, w)
	}
	ses := &session{lifeline: files[1], reports: make(chan report), output: startPump(files[4], w), noise: &tail{most: 4 << 10}, abort: func() {}}
	go ses.listen(files[2])
	return ses, ends{lifeline: files[0], report: files[3], output: files[5]}, nil
}

// give sends the order. A supervisor that cannot read it ends, which is seen there.
func (ses *session) give(o order) { _ = json.NewEncoder(ses.lifeline).Encode(o) }

// listen passes the reports on until there are no more. What is no report was written by who carries them.
func (ses *session) listen(r io.ReadCloser) {
	defer close(ses.reports)
	defer r.Close()
	for lines := bufio.NewReader(r); ; {
		line, err := lines.ReadSlice('\n')
		var next report
		if json.Unmarshal(line, &next) == nil {
			ses.reports <- next
		} else {
			_, _ = ses.noise.Write(line)
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
	}
}

// over returns a channel that is closed when the supervisor has ended its command, or itself, for who follows no further.
func (ses *session) over() <-chan struct{} {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for r := range ses.reports {
			if r.Ended || r.Trouble != "" || r.Refused != "" {
				return
			}
		}
	}()
	return ended
}

// broken is the end of a job whose supervisor inside the sandbox is gone while the sandbox itself was in order: the job has
// used up what both need, threads most likely. That is no trouble of ours, and the next bot would fare the same.
func broken(r *Result) {
	r.Code, r.Signal = codeSignal+int(unix.SIGKILL), unix.SignalName(unix.SIGKILL)
}

// errSupervisor stands for a supervisor that ended without a report.
var errSupervisor = errors.New("supervisor died")

// follow waits for the end of the job and brings it about when its time is over.
func (ses *session) follow(ctx context.Context, s Spec) (result Result, err error) {
	// How long a supervisor may take to kill everything; it gives up itself before.
	const patience = time.Minute
	starting := time.After(patience)
	var expired, grace, stuck <-chan time.Time
	passed := ses.passed
	canceled, stopping := ctx.Done(), false
	stop := func() {
		expired, canceled, stopping = nil, nil, true
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
				starting, ses.started = nil, true
				if s.Timeout > 0 && !stopping {
					expired = time.After(s.Timeout)
				}
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
		case result.Excess = <-passed:
			passed, expired, canceled, stopping = nil, nil, nil, true
			ses.send(commandKill)
			stuck = time.After(patience)
		case <-grace:
			ses.send(commandKill)
			stuck = time.After(patience)
		case <-starting:
			ses.abort()
		case <-stuck:
			ses.abort()
		}
	}
}

// ended makes the result of the last report.
func ended(ctx context.Context, result Result, r report) (Result, error) {
	result.Code, result.Signal = r.Code, r.Signal
	if !r.Stopped {
		// It had already ended when it was to be stopped: its own result counts.
		result.TimedOut, result.Canceled, result.Excess = false, false, ""
	}
	if r.Kills > 0 && unexplained(result) {
		result.Excess = TooMuchMemory
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
