package publish

import (
	"context"
	"errors"
)

// An Attempt is one run of a job, as it is published. It is the io.Writer for
// the job's output.
type Attempt struct{}

// Begin makes the prefix of an attempt and starts to publish it.
func Begin(ctx context.Context, store Store, info Info) (*Attempt, error) {
	return nil, errors.New("begin attempt: not written yet")
}

// Write takes output of the job. It never blocks on the store and never fails.
func (a *Attempt) Write(p []byte) (int, error) { return len(p), nil }

// Prefix is where the attempt's objects are in the store, without a slash at the end.
func (a *Attempt) Prefix() string { return "" }

// URL is the address of the page, or empty if the store has no public address.
func (a *Attempt) URL() string { return "" }

// Where tells people where the log is: the address, or "HOST:DIR" without one.
func (a *Attempt) Where() string { return "" }

// Lines is how many lines the log has so far: the Offset of a Report whose
// parser starts to count with the next line.
func (a *Attempt) Lines() int { return 0 }

// Report publishes what is known of the tests by now. Cheap: it may be called
// for every test; the store sees it when the log is flushed.
func (a *Attempt) Report(r Report) {}

// Artifact publishes the file at path under a name that is made safe.
func (a *Attempt) Artifact(ctx context.Context, name, path string) error { return nil }

// Artifacts publishes the files below dir whose slash-separated path, or last
// element of it, matches one of the globs (none: all of them).
func (a *Attempt) Artifacts(ctx context.Context, dir string, globs ...string) error { return nil }

// Finish publishes the rest. Its error says what is not there; the job's
// result stands anyway.
func (a *Attempt) Finish(ctx context.Context, o Outcome) error { return nil }
