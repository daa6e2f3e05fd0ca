package claim

import (
	"context"
	"time"
)

// A Board is where the marks of one kind of subject are kept: a commit's statuses, or the changes of an issue's title.
// claimtest.Board checks an implementation.
type Board interface {
	// Marks gives the log of the subject, complete and in any order, and GitHub's clock. It asks GitHub; an answer from a
	// cache will not do. It never gives a list with a hole, and never one that lacks a mark which it has given before: it
	// gives an error instead. What a mark said to Post is in Marks at the latest when GitHub's replicas have caught up.
	Marks(ctx context.Context, s Subject) (marks []Mark, now time.Time, err error)

	// Post appends a mark and gives it back as GitHub keeps it, with its ID and At. It posts at most once. An error is a
	// *hub.AmbiguousError if the mark may be there in spite of it; ErrTaken if the board itself knows that a peer has the
	// subject (then nothing was posted).
	Post(ctx context.Context, s Subject, m Mark) (Mark, error)

	// Show makes what people see (newest status, title, label) agree with the verdict, if it does not. It is safe to call
	// at any time, by any bot, and changes nothing of what Decide says.
	Show(ctx context.Context, s Subject, v Verdict) error
}
