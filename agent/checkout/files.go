package checkout

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
)

// A File is a blob of a commit.
type File struct {
	Path string      // from the repository's root, with slashes; any bytes
	Mode fs.FileMode // 0o644, 0o755, or fs.ModeSymlink|0o777 (Data is then the target)
	Data []byte
}

// Files returns the files below dir ("bots", or "" for all) of a commit,
// sorted by path, submodules left out; none if there is no such directory. More
// than Options.Limits allow is a *CommitError.
func (m *Mirror) Files(ctx context.Context, commit, dir string) ([]File, error) {
	var files []File
	err := m.use(ctx, []string{commit}, func(held *os.File) error {
		entries, err := m.list(ctx, commit, dir, held)
		if err != nil {
			return err
		}
		files, err = m.read(ctx, entries, held)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read %s of %.12s from %s: %w", orRoot(dir), commit, m.name(), err)
	}
	return files, nil
}

func orRoot(dir string) string {
	if dir == "" {
		return "files"
	}
	return dir
}

// list returns the blobs below dir, under the limits.
func (m *Mirror) list(ctx context.Context, commit, dir string, held *os.File) ([]entry, error) {
	args := []string{"ls-tree", "-r", "-z", "-l", "--full-tree", commit}
	if dir = strings.Trim(dir, "/"); dir != "" {
		args = append(args, "--", dir+"/")
	}
	limits := m.o.Limits
	var entries []entry
	var total int64
	w := &entryWriter{visit: func(e entry) error {
		if e.kind != "blob" {
			return nil
		}
		entries = append(entries, e)
		total += e.size
		tooMuch := func(format string, a ...any) error {
			return &CommitError{Commit: commit, Reason: fmt.Sprintf(format, a...)}
		}
		switch {
		case e.size > limits.File:
			return tooMuch("%.200q has %d bytes, more than %d", e.path, e.size, limits.File)
		case len(entries) > limits.Files:
			return tooMuch("more than %d files in %q", limits.Files, dir)
		case total > limits.Total:
			return tooMuch("more than %d bytes in %q", limits.Total, dir)
		}
		return nil
	}}
	_, err := m.git(ctx, call{args: args, gitDir: m.path, output: w, locks: []*os.File{held}})
	if err := w.finish(err); err != nil {
		return nil, err
	}
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.path, b.path) })
	return entries, nil
}

// read fetches the contents of blobs.
func (m *Mirror) read(ctx context.Context, entries []entry, held *os.File) ([]File, error) {
	if len(entries) == 0 {
		return nil, nil
	}
	var ask bytes.Buffer
	for _, e := range entries {
		ask.WriteString(e.object + "\n")
	}
	var out bytes.Buffer // as large as the limits allow
	c := call{args: []string{"cat-file", "--batch"}, gitDir: m.path, input: &ask, output: &out, locks: []*os.File{held}}
	if _, err := m.git(ctx, c); err != nil {
		return nil, err
	}
	var files []File
	for r := bufio.NewReader(&out); len(files) < len(entries); {
		e := entries[len(files)]
		data, err := readBlob(r, e)
		if err != nil {
			return nil, &gitError{verb: "cat-file", err: fmt.Errorf("read %.200q: %w", e.path, err)}
		}
		files = append(files, File{Path: e.path, Mode: fileMode(e.mode), Data: data})
	}
	return files, nil
}

// readBlob reads one answer of git cat-file --batch: a line "OBJECT blob SIZE",
// the content, a newline.
func readBlob(r *bufio.Reader, e entry) ([]byte, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return nil, err
	}
	if want := e.object + " blob " + strconv.FormatInt(e.size, 10) + "\n"; line != want {
		return nil, fmt.Errorf("got %.200q, want %q", line, want)
	}
	data := make([]byte, e.size)
	if _, err := io.ReadFull(r, data); err != nil {
		return nil, err
	}
	if end, err := r.ReadByte(); err != nil || end != '\n' {
		return nil, errors.New("no newline after the content")
	}
	return data, nil
}

// fileMode turns git's mode of a blob into ours.
func fileMode(mode string) fs.FileMode {
	switch mode {
	case "120000":
		return fs.ModeSymlink | 0o777
	case "100755":
		return 0o755
	default:
		return 0o644
	}
}

// Changed returns the paths that head changes since it left base, sorted. If
// the two have nothing in common, it is all that differs between them.
func (m *Mirror) Changed(ctx context.Context, base, head string) ([]string, error) {
	var paths []string
	err := m.use(ctx, []string{base, head}, func(held *os.File) error {
		c := call{gitDir: m.path, locks: []*os.File{held}}
		c.args = []string{"merge-base", base, head}
		from := base
		switch out, err := m.git(ctx, c); {
		case err == nil:
			from = string(bytes.TrimSpace(out))
		case !exited(err, 1): // 1 is: nothing in common
			return err
		}
		c.args = []string{"diff-tree", "-r", "-z", "--name-only", "--no-renames", "--no-ext-diff", from, head}
		out, err := m.git(ctx, c)
		if err != nil {
			return err
		}
		paths = splitZero(out)
		slices.Sort(paths)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("compare %.12s with %.12s in %s: %w", head, base, m.name(), err)
	}
	return paths, nil
}

// splitZero splits a list whose elements end in a zero byte.
func splitZero(data []byte) []string {
	text := strings.TrimSuffix(string(data), "\x00")
	if text == "" {
		return nil
	}
	return strings.Split(text, "\x00")
}
