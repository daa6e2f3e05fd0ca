package claim

import (
	"errors"
	"fmt"
)

// An Owner is who claims.
type Owner struct {
	// Name of the bot: 1 to MaxName of letters, digits, '-', '_' and '.'. It is for people; only nonces identify a claim,
	// so two bots of one name do no harm.
	Name string
	// Log gives the address of the log for a claim's nonce, which is unique; it ends in the status. Nil: none.
	Log func(nonce string) string
}

// Check says what is wrong with an owner, in words for the person who chose the name.
func (o Owner) Check() error {
	if !validName(o.Name) {
		return fmt.Errorf("name %q: must be 1 to %d letters, digits, '-', '_' and '.'", o.Name, MaxName)
	}
	return nil
}

// A Result is how a job ended.
type Result struct {
	State string // success, failure or error; empty: no result, the subject goes back to the peers
	Text  string // for people: "Tests passed", "3 tests failed"; cut if it is too long
	URL   string // of the log; empty: the address that the claim had
}

// ErrLost is the cause of the cancellation of a work context: the claim is over though the work is not. Whatever the
// work yields must not be published.
var ErrLost = errors.New("the claim is lost")

// ErrDead says that nobody can claim the subject any more; Verdict.Why says why.
var ErrDead = errors.New("nobody can claim this any more")

// ErrTaken is what a Board's Post says if the board itself knows that a peer has the subject.
var ErrTaken = errors.New("a peer has it")

// A TakenError says that the subject is not to be had, and whose it is. It is no trouble: the bot looks for other work.
type TakenError struct {
	Subject Subject
	Verdict Verdict
}

func (e *TakenError) Error() string { return fmt.Sprintf("claim %s: %s", e.Subject, e.Verdict.Why()) }

// Is makes errors.Is(err, ErrDead) true for a subject that is dead.
func (e *TakenError) Is(target error) bool { return target == ErrDead && e.Verdict.State == Dead }
