package fakehub

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// A diskGit is a bare repository in a folder, read and changed by the git
// program alone, so that what it serves is what any git server would serve.
// It is more than [repository] asks for: safe for concurrent use, since
// git guards the references by locks of its own, and objects never change.
type diskGit struct {
	git   gitCommand
	dir   string // absolute
	batch *gitBatch
	gate  chan struct{} // holds one entry while a push is run
	head  string        // the branch that HEAD names; changed under the server's mutex
}

var (
	_ repository = (*diskGit)(nil)
	_ io.Closer  = (*diskGit)(nil)
)

// diskConfig is added to the configuration of each repository. Garbage
// collection is off, since forks borrow the objects of their parent and since
// what the API makes is kept by no reference for a while. Nothing is synced:
// the emulator's folder need not survive a power cut. The rest is how GitHub
// serves: any commit can be asked for by its name, partial clones work, pull
// request references are read-only, objects are checked but for faults that
// old histories are full of. That pushes are let in at all is decided before
// git is started.
const diskConfig = `[gc]
	auto = 0
[maintenance]
	auto = false
[core]
	fsync = none
	logAllRefUpdates = false
[http]
	receivepack = true
[uploadpack]
	allowAnySHA1InWant = true
	allowFilter = true
[receive]
	autogc = false
	hideRefs = refs/pull
	advertisePushOptions = true
	fsckObjects = true
[receive "fsck"]
	zeroPaddedFilemode = ignore
	missingSpaceBeforeDate = ignore
	badTimezone = ignore
	missingTaggerEntry = ignore
`

// newDiskGit makes a bare repository at dir, which must not exist, with an
// unborn default branch.
func newDiskGit(ctx context.Context, git gitCommand, dir, defaultBranch string) (*diskGit, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("make repository %s: %w", dir, err)
	}
	if err := os.MkdirAll(filepath.Dir(abs), 0o755); err != nil {
		return nil, fmt.Errorf("make repository: %w", err)
	}
	if err := os.Mkdir(abs, 0o755); err != nil {
		return nil, fmt.Errorf("make repository: %w", err)
	}
	args := []string{"init", "--quiet", "--bare", "--template=", "--initial-branch=" + defaultBranch, "."}
	cmd := git.command(ctx, gitCall{Args: args})
	cmd.Dir = abs
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("make repository %s: %w: %s", abs, err, bytes.TrimSpace(out))
	}
	f, err := os.OpenFile(filepath.Join(abs, "config"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return nil, fmt.Errorf("make repository: %w", err)
	}
	if _, err := f.WriteString(diskConfig); err != nil {
		return nil, errors.Join(fmt.Errorf("make repository: %w", err), f.Close())
	}
	if err := f.Close(); err != nil {
		return nil, fmt.Errorf("make repository: %w", err)
	}
	return &diskGit{
		git: git, dir: abs, batch: &gitBatch{git: git, dir: abs}, gate: make(chan struct{}, 1), head: defaultBranch,
	}, nil
}

// borrow lets the repository read the objects of another one without a copy.
func (d *diskGit) borrow(from *diskGit) error {
	file := filepath.Join(d.dir, "objects", "info", "alternates")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return fmt.Errorf("borrow objects: %w", err)
	}
	if err := os.WriteFile(file, []byte(filepath.Join(from.dir, "objects")+"\n"), 0o644); err != nil {
		return fmt.Errorf("borrow objects: %w", err)
	}
	return nil
}

// Close ends the long-lived process. The folder stays.
func (d *diskGit) Close() error { return d.batch.Close() }

// enter waits until no other push is run here; leave must follow.
func (d *diskGit) enter(ctx context.Context) error {
	select {
	case d.gate <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for another push to %s: %w", d.dir, context.Cause(ctx))
	}
}

func (d *diskGit) leave() { <-d.gate }

// setHead makes branch the one that HEAD names.
func (d *diskGit) setHead(ctx context.Context, branch string) error {
	if d.head == branch {
		return nil
	}
	_, err := d.git.output(ctx, gitCall{Dir: d.dir, Args: []string{"symbolic-ref", "HEAD", "refs/heads/" + branch}})
	if err == nil {
		d.head = branch
	}
	return err
}

func (d *diskGit) refs(ctx context.Context) (map[string]string, error) {
	out, err := d.git.output(ctx, gitCall{Dir: d.dir, Args: []string{"for-each-ref", "--format=%(objectname) %(refname)"}})
	if err != nil {
		return nil, err
	}
	refs := map[string]string{}
	for line := range strings.Lines(string(out)) {
		sha, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if !ok {
			return nil, fmt.Errorf("list references: parse line %q", line)
		}
		refs[name] = sha
	}
	return refs, nil
}

// update hands the changes to git as one transaction. git's own words for a
// refusal are not parsed: after one, the references are read and the first
// that differs from what was expected is named.
func (d *diskGit) update(ctx context.Context, changes []refChange) error {
	if err := checkChanges(changes); err != nil || len(changes) == 0 {
		return err
	}
	var in bytes.Buffer
	in.WriteString("start\x00")
	for _, c := range changes {
		if c.new == zeroOID {
			fmt.Fprintf(&in, "delete %s\x00%s\x00", c.name, c.old)
		} else {
			fmt.Fprintf(&in, "update %s\x00%s\x00%s\x00", c.name, c.new, c.old)
		}
	}
	in.WriteString("prepare\x00commit\x00")
	_, err := d.git.output(ctx, gitCall{Dir: d.dir, Args: []string{"update-ref", "--stdin", "-z"}, In: &in})
	if err == nil || gitExit(err) == 0 {
		return err
	}
	have, readErr := d.refs(ctx)
	if readErr != nil {
		return errors.Join(err, readErr)
	}
	if conflict := firstConflict(have, changes); conflict != nil {
		return conflict
	}
	return err
}

// firstConflict finds the first change that does not fit the references; nil if all do.
func firstConflict(have map[string]string, changes []refChange) error {
	for _, c := range changes {
		got := have[c.name]
		if got == "" {
			got = zeroOID
		}
		if c.old != "" && c.old != got {
			return &refConflictError{name: c.name, want: c.old, have: got}
		}
	}
	return nil
}

func (d *diskGit) read(ctx context.Context, oid string) (object, error) {
	o, err := d.batch.contents(ctx, oid)
	return object{kind: o.Kind, data: o.Data}, err
}

func (d *diskGit) write(ctx context.Context, o object) (string, error) {
	out, err := d.git.output(ctx, gitCall{
		Dir: d.dir, Args: []string{"hash-object", "-w", "-t", o.kind, "--stdin"}, In: bytes.NewReader(o.data),
	})
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(string(out)), nil
}

// take fetches oid from the folder of another repository on this disk.
func (d *diskGit) take(ctx context.Context, from repository, oid string) error {
	if _, err := d.batch.info(ctx, oid); err == nil {
		return nil // and so is all that it needs: nothing gets in here without
	}
	other, ok := from.(*diskGit)
	if !ok {
		return fmt.Errorf("take object %s: the other repository is not on disk", oid)
	}
	if !isSHA(oid) {
		return fmt.Errorf("take object %.50q: %w", oid, errNoObject)
	}
	args := []string{"fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", other.dir, oid}
	_, err := d.git.output(ctx, gitCall{Dir: d.dir, Args: args})
	return err
}

func (d *diskGit) commits(ctx context.Context, tip string, not []string, limit int) ([]string, error) {
	args := []string{"rev-list", "--date-order"}
	if limit > 0 {
		args = append(args, "--max-count="+strconv.Itoa(limit))
	}
	for _, oid := range append([]string{tip}, not...) {
		if !isSHA(oid) {
			return nil, fmt.Errorf("list commits of %.50q: %w", oid, errNoObject)
		}
	}
	args = append(args, tip)
	for _, oid := range not {
		args = append(args, "^"+oid)
	}
	out, err := d.git.output(ctx, gitCall{Dir: d.dir, Args: args})
	if err != nil {
		return nil, err
	}
	return strings.Fields(string(out)), nil
}

func (d *diskGit) mergeBase(ctx context.Context, a, b string) (string, error) {
	if !isSHA(a) || !isSHA(b) {
		return "", fmt.Errorf("find merge base of %.50q and %.50q: %w", a, b, errNoObject)
	}
	base, err := d.git.line(ctx, d.dir, "merge-base", a, b)
	if gitExit(err) == 1 {
		return "", nil
	}
	return base, err
}

// mergeTree merges without a work tree. git answers 1 and lists the conflicted
// files when it cannot merge alone.
func (d *diskGit) mergeTree(ctx context.Context, ours, theirs string) (string, error) {
	if !isSHA(ours) || !isSHA(theirs) {
		return "", fmt.Errorf("merge %.50q and %.50q: %w", ours, theirs, errNoObject)
	}
	args := []string{"merge-tree", "--write-tree", "-z", "--name-only", "--no-messages", "--allow-unrelated-histories", ours, theirs}
	out, err := d.git.output(ctx, gitCall{Dir: d.dir, Args: args})
	fields := strings.Split(strings.TrimRight(string(out), "\x00"), "\x00")
	switch {
	case gitExit(err) == 1:
		return "", &mergeConflictError{paths: fields[1:]}
	case err != nil:
		return "", err
	}
	return fields[0], nil
}
