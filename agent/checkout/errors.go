package checkout

import (
	"errors"
	"fmt"
	"strings"
)

// What can be wrong with an exchange with the server; errors.Is tells.
var (
	ErrUnauthorized = errors.New("the server refuses the token")
	ErrUnknownRepo  = errors.New("no such repository, or the token may not see it")
	ErrNoRef        = errors.New("the repository has no such ref or commit")
	ErrNetwork      = errors.New("the server cannot be reached")
	ErrServer       = errors.New("the server is in trouble")
	ErrDiskFull     = errors.New("the disk is full")
)

// A ConflictError says that head does not merge into base: the author's to
// solve.
type ConflictError struct {
	Base, Head string
	Files      []string // in conflict, sorted; at least one
}

func (e *ConflictError) Error() string {
	const most = 10
	files := e.Files[:min(len(e.Files), most)]
	why := "conflict in " + printable(strings.Join(files, ", "))
	if more := len(e.Files) - len(files); more > 0 {
		why += fmt.Sprintf(" and %d more", more)
	}
	return fmt.Sprintf("merge %.12s into %.12s: %s", e.Head, e.Base, why)
}

// A CommitError says why no bot will check out a commit: it contains too much,
// or names that are not allowed, or it has nothing in common with its base. It
// is the author's to solve, not a peer's.
type CommitError struct {
	Commit string
	Reason string
}

func (e *CommitError) Error() string { return fmt.Sprintf("check out %.12s: %s", e.Commit, e.Reason) }

// A gitError is a git command that failed.
type gitError struct {
	verb   string // the subcommand; never more of the arguments
	code   int    // -1 after a signal
	cut    bool   // it was ended because its time was over or the context had ended
	stderr string // its end, without secrets
	err    error
}

func (e *gitError) Error() string {
	text := lastLines(e.stderr)
	if text == "" || e.cut {
		return fmt.Sprintf("git %s: %v", e.verb, e.err)
	}
	return fmt.Sprintf("git %s: %s", e.verb, text)
}

func (e *gitError) Unwrap() error { return e.err }

// lastLines makes one line of what git said, the most telling part of it.
func lastLines(text string) string {
	const most = 3
	var lines []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "hint:") && !strings.HasPrefix(line, "From ") {
			lines = append(lines, printable(line))
		}
	}
	return strings.Join(lines[max(0, len(lines)-most):], "; ")
}

// printable takes out what could steer a terminal; part of the text is the
// server's.
func printable(line string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return -1
		}
		return r
	}, line)
}

// reasons says what a line of git's error output means, first match first.
// The texts are those of git and of curl, in the C locale.
func reasons() []reason {
	return []reason{
		{"No space left on device", ErrDiskFull, "free some space in the state directory"},
		{"Disk quota exceeded", ErrDiskFull, "free some space in the state directory"},
		{"couldn't find remote ref", ErrNoRef, ""},
		{"not our ref", ErrNoRef, ""},
		{"returned error: 401", ErrUnauthorized, "check that the token is still valid"},
		{"Authentication failed", ErrUnauthorized, "check that the token is still valid"},
		{"could not read Username", ErrUnauthorized, "check that there is a token, and that it is still valid"},
		{"terminal prompts disabled", ErrUnauthorized, "check that there is a token, and that it is still valid"},
		{"returned error: 403", ErrUnauthorized, "the token needs to read the repository's contents"},
		{"returned error: 404", ErrUnknownRepo, "check the name, and that the token can read it"},
		{"Repository not found", ErrUnknownRepo, "check the name, and that the token can read it"},
		{"fatal: repository '", ErrUnknownRepo, "check the name, and that the token can read it"},
		{"does not appear to be a git repository", ErrUnknownRepo, "check the name"},
		{"returned error: 301", ErrUnknownRepo, "it has moved; use its new name"},
		{"returned error: 302", ErrUnknownRepo, "it has moved; use its new name"},
		{"returned error: 307", ErrUnknownRepo, "it has moved; use its new name"},
		{"returned error: 308", ErrUnknownRepo, "it has moved; use its new name"},
		{"returned error: 429", ErrServer, "too many requests; it is tried again later"},
		{"returned error: 5", ErrServer, "it is tried again later"},
		{"RPC failed; HTTP 5", ErrServer, "it is tried again later"},
		{"Could not resolve host", ErrNetwork, "check the network and the name of the host"},
		{"Failed to connect", ErrNetwork, "check the network"},
		{"Couldn't connect to server", ErrNetwork, "check the network"},
		{"Connection refused", ErrNetwork, "check the network"},
		{"Connection reset", ErrNetwork, "check the network"},
		{"Connection timed out", ErrNetwork, "check the network"},
		{"Operation too slow", ErrNetwork, "check the network"},
		{"Operation timed out", ErrNetwork, "check the network"},
		{"Empty reply from server", ErrNetwork, "check the network"},
		{"SSL", ErrNetwork, "check the machine's certificates and clock"},
		{"certificate", ErrNetwork, "check the machine's certificates and clock"},
		{"the remote end hung up", ErrNetwork, "check the network"},
		{"unexpected disconnect", ErrNetwork, "check the network"},
		{"RPC failed", ErrNetwork, "check the network"},
		{"early EOF", ErrNetwork, "check the network"},
	}
}

// A reason is one row of reasons.
type reason struct {
	text string
	err  error
	hint string
}

// explain puts what we know before what git says; err stays as it is if we
// know nothing. Only the exchange with the server is read this way.
func explain(err error) error {
	g, ok := errors.AsType[*gitError](err)
	if !ok {
		return err
	}
	for _, r := range reasons() {
		if !strings.Contains(g.stderr, r.text) {
			continue
		}
		if r.hint == "" {
			return fmt.Errorf("%w (%w)", r.err, err)
		}
		return fmt.Errorf("%w (%w); hint: %s", r.err, err, r.hint)
	}
	return err
}
