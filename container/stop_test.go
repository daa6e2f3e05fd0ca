//go:build linux

package container

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var errForcePush = errors.New("force-pushed")

// cancelWhen returns a context that ends when the job has written text.
func cancelWhen(t *testing.T, j *job, text string) context.Context {
	ctx, cancel := context.WithCancelCause(deadline(t))
	t.Cleanup(func() { cancel(nil) })
	j.output.when(text, func() { cancel(errForcePush) })
	return ctx
}

func TestCancel(t *testing.T) {
	t.Parallel()
	// What is to die of SIGTERM says "ready" itself: between fork and exec a
	// shell's child still has the traps of its parent, and may lose a signal.
	for _, test := range []struct {
		name, script string
		grace        time.Duration
		want         Result
		output       string
	}{
		{"dies of SIGTERM", "echo ready; sleep 1000", 0, Result{Canceled: true, Code: 143, Signal: "SIGTERM"}, "ready\n"},
		{"tidies up", "trap 'echo tidy; exit 3' TERM; sh -c 'echo ready; exec sleep 1000' & wait", 0,
			Result{Canceled: true, Code: 3}, "ready\ntidy\n"},
		{"says yes in the end", "trap 'exit 0' TERM; sh -c 'echo ready; exec sleep 1000' & wait", 0, Result{Canceled: true}, "ready\n"},
		// The trap that ignores a signal is inherited by the children.
		{"ignores SIGTERM", "trap '' TERM; echo ready; sleep 1000", 10 * time.Millisecond,
			Result{Canceled: true, Code: 137, Signal: "SIGKILL"}, "ready\n"},
		// The child begins to tidy up when the first process has been waited for.
		{"group tidies up after its first process", `export FIRST=$$; sh -c 'trap "while kill -0 $FIRST; do sleep 0.01; done 2>/dev/null; sleep 0.3; echo tidy; exit" TERM
			sh -c "echo ready; exec sleep 1000" & wait' & wait`, 0,
			Result{Canceled: true, Code: 143, Signal: "SIGTERM"}, "ready\ntidy\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			j := newJob(t, test.script)
			j.spec.Grace = test.grace
			if j.spec.Grace == 0 {
				j.spec.Grace = 2 * time.Minute // a job that needs it shows as a hang
			}
			got, err := j.run(t, cancelWhen(t, j, "ready"))
			if !errors.Is(err, errForcePush) {
				t.Errorf("error %v, want %v", err, errForcePush)
			}
			if diff := cmp.Diff(test.want, got, ignoreDuration); diff != "" {
				t.Errorf("result (-want +got):\n%s", diff)
			}
			if got.OK() {
				t.Error("a canceled job counts as success")
			}
			if j.output.String() != test.output {
				t.Errorf("output %q, want %q", j.output, test.output)
			}
		})
	}
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, script string }{
		{"sleeper", "sleep 1000"},
		{"ignores signals", "trap '' TERM INT HUP; while :; do sleep 1000; done"},
		{"waits for its daemon", "setsid sleep 1000 & wait"},
		{"stopped", "kill -STOP $$"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			j := newJob(t, test.script)
			j.spec.Timeout, j.spec.Grace = 100*time.Millisecond, 10*time.Millisecond
			got := j.must(t)
			if !got.TimedOut || got.Canceled || got.OK() || got.Signal == "" {
				t.Errorf("result %+v", got)
			}
			if !strings.HasPrefix(got.String(), "timed out after ") {
				t.Errorf("text %q", got)
			}
		})
	}
}

// A job that has ended by itself keeps its own result, although the context
// ends while its output is still being read.
func TestCancelAfterTheEnd(t *testing.T) {
	t.Parallel()
	j := newJob(t, "echo ready; exit 5")
	ctx, cancel := context.WithCancelCause(deadline(t))
	defer cancel(nil)
	j.spec.Output = writerFunc(func(p []byte) (int, error) {
		// The pump is not read on before the job is gone: the supervisor ends
		// without waiting for it.
		for len(using(j.dir)) > 0 && ctx.Err() == nil {
			<-time.After(time.Millisecond)
		}
		cancel(errForcePush)
		return len(p), nil
	})
	got, err := j.run(t, ctx)
	if err != nil || got.Code != 5 || got.Canceled {
		t.Errorf("got %+v, %v", got, err)
	}
}

// Who had already ended when the order to stop came was not stopped.
func TestStoppedIsToldFromEnded(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errForcePush)
	for _, test := range []struct {
		asked, want Result
		stopped     bool
		err         error
	}{
		{Result{Canceled: true}, Result{Code: 5}, false, nil},
		{Result{TimedOut: true}, Result{Code: 5}, false, nil},
		{Result{Canceled: true}, Result{Code: 5, Canceled: true}, true, errForcePush},
		{Result{TimedOut: true}, Result{Code: 5, TimedOut: true}, true, nil},
	} {
		got, err := ended(ctx, test.asked, report{Ended: true, Code: 5, Stopped: test.stopped, Gone: true})
		if got != test.want || err != test.err {
			t.Errorf("asked %+v, stopped %v: got %+v, %v", test.asked, test.stopped, got, err)
		}
	}
	s := &supervisor{ended: true}
	if s.obey(commandKill, true); s.stopped {
		t.Error("an ended job counts as stopped")
	}
	s = &supervisor{}
	if s.obey(commandKill, true); !s.stopped {
		t.Error("a running job does not count as stopped")
	}
}
