package publish

import (
	"context"
	"sync"
)

// worthShowing is how many bytes must be left to send when the job is over, for anybody to be told how far that is: less is
// there before it is read.
const worthShowing = 1 << 20

// advance is how far the end of an attempt is: the log and the artifacts that are not there yet, taken together.
type advance struct {
	tell func(Step) // nil: nobody waits

	mu    sync.Mutex
	total int64 // 0 while the job runs
	done  int64 // of objects that are there
	now   int64 // of the one on its way
}

// begin says how much is left when the job is over.
func (a *advance) begin(left int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if left >= worthShowing {
		a.total = left
		a.show()
	}
}

// follow watches one object on its way. Which are on their way at the same time is all the same: while the job runs nobody
// is told, and afterwards they go one behind the other.
func (a *advance) follow(ctx context.Context) context.Context {
	if a.tell == nil {
		return ctx
	}
	return Watch(ctx, func(sent int64) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.now = sent
		a.show()
	})
}

// arrived says that an object of so many bytes is there.
func (a *advance) arrived(size int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.now = 0
	if a.total > 0 {
		a.done += size
		a.show()
	}
}

// show tells, while there is somebody who waits.
func (a *advance) show() {
	if a.tell != nil && a.total > 0 {
		a.tell(Step{What: "publishing", Done: min(a.done+a.now, a.total), Total: a.total})
	}
}
