package fakehub

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"sync"
)

// A gitObject is what `git cat-file` says about one object.
type gitObject struct {
	ID   string // 40 hexadecimal digits
	Kind string // commit, tree, blob, tag
	Size int64
	Data []byte // nil where only its kind was asked for
}

// A gitBatch is one long-lived `git cat-file --batch-command` of a
// repository. It makes a read of an object as quick as two writes to a pipe;
// a process for each read would cost some milliseconds. It is started at the
// first read and again after it broke. Safe for concurrent use.
type gitBatch struct {
	git gitCommand
	dir string

	mu     sync.Mutex
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	closed bool
}

// info returns an object's full id, kind and size. name is a full or
// abbreviated object id; anything else is errNoObject.
func (b *gitBatch) info(ctx context.Context, name string) (gitObject, error) {
	return b.ask(ctx, "info", name)
}

// contents returns an object with its data.
func (b *gitBatch) contents(ctx context.Context, name string) (gitObject, error) {
	return b.ask(ctx, "contents", name)
}

func (b *gitBatch) ask(ctx context.Context, verb, name string) (gitObject, error) {
	// Only hexadecimal names are let through: git would take revision syntax
	// (`@{-1}`, `:/text`) and a line break would be a second command.
	if !isHex(name) || len(name) < 4 || len(name) > 40 {
		return gitObject{}, fmt.Errorf("read object %.50q: %w", name, errNoObject)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return gitObject{}, fmt.Errorf("read object %s: %w", name, context.Cause(ctx))
	}
	if err := b.start(ctx); err != nil {
		return gitObject{}, err
	}
	o, err := b.exchange(verb, name)
	if err != nil && !errors.Is(err, errNoObject) {
		b.stop() // the answers are out of step: the next question gets a fresh process
	}
	if err != nil {
		return gitObject{}, fmt.Errorf("read object %s: %w", name, err)
	}
	return o, nil
}

func (b *gitBatch) exchange(verb, name string) (gitObject, error) {
	if _, err := fmt.Fprintf(b.in, "%s %s\n", verb, name); err != nil {
		return gitObject{}, err
	}
	line, err := b.out.ReadString('\n')
	if err != nil {
		return gitObject{}, err
	}
	fields := strings.Fields(line)
	if len(fields) == 2 { // "NAME missing", "NAME ambiguous"
		return gitObject{}, errNoObject
	}
	if len(fields) != 3 {
		return gitObject{}, fmt.Errorf("parse answer %q: not three fields", line)
	}
	size, err := strconv.ParseInt(fields[2], 10, 64)
	if err != nil {
		return gitObject{}, fmt.Errorf("parse answer %q: %w", line, err)
	}
	o := gitObject{ID: fields[0], Kind: fields[1], Size: size}
	if verb == "info" {
		return o, nil
	}
	if size > gitOutputLimit {
		return gitObject{}, fmt.Errorf("read %d bytes: more than the limit of %d", size, gitOutputLimit)
	}
	data := make([]byte, size+1) // and the line break after it
	if _, err := io.ReadFull(b.out, data); err != nil {
		return gitObject{}, err
	}
	o.Data = data[:size:size]
	return o, nil
}

// start starts the process where it does not run. It outlives the request
// that needed it first.
func (b *gitBatch) start(ctx context.Context) error {
	if b.closed {
		return fmt.Errorf("read objects of %s: the repository is closed", b.dir)
	}
	if b.cmd != nil {
		return nil
	}
	cmd := b.git.command(context.WithoutCancel(ctx), gitCall{Dir: b.dir, Args: []string{"cat-file", "--batch-command"}})
	in, err := cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("start git cat-file: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("start git cat-file: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start git cat-file: %w", err)
	}
	b.cmd, b.in, b.out = cmd, in, bufio.NewReader(out)
	return nil
}

// stop ends the process: it exits by itself at the end of its input, and is
// killed in case it hangs in a write.
func (b *gitBatch) stop() {
	if b.cmd == nil {
		return
	}
	_ = b.in.Close()
	_ = b.cmd.Cancel()
	_ = b.cmd.Wait()
	b.cmd, b.in, b.out = nil, nil, nil
}

// Close ends the process for good.
func (b *gitBatch) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	b.stop()
	return nil
}

var _ io.Closer = (*gitBatch)(nil)

func isHex(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !('0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F') {
			return false
		}
	}
	return s != ""
}

// isSHA reports whether s is a full object id, in lower case as git prints it.
func isSHA(s string) bool { return len(s) == 40 && isHex(s) && strings.ToLower(s) == s }
