package checkout

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// An entry is one file of a tree, as git ls-tree -l shows it.
type entry struct {
	mode   string // six octal digits
	kind   string // blob, commit (a submodule), tree
	object string
	size   int64 // of a blob
	path   string
}

// longestEntry bounds one line; Linux knows no longer path.
const longestEntry = 8 << 10

// parseEntry reads "MODE KIND OBJECT SIZE\tPATH". The path is any bytes.
func parseEntry(line []byte) (entry, error) {
	meta, path, ok := strings.Cut(string(line), "\t")
	fields := strings.Fields(meta)
	if !ok || len(fields) != 4 || path == "" || len(fields[0]) != 6 || !isCommit(fields[2]) {
		return entry{}, fmt.Errorf("parse tree entry %.200q", line)
	}
	e := entry{mode: fields[0], kind: fields[1], object: fields[2], path: path}
	if e.kind != "blob" {
		return e, nil
	}
	size, err := strconv.ParseInt(fields[3], 10, 64)
	if err != nil || size < 0 {
		return entry{}, fmt.Errorf("parse tree entry %.200q: bad size", line)
	}
	e.size = size
	return e, nil
}

// An entryWriter parses the output of git ls-tree -z -l as it comes. After the
// first error it takes no more, which ends git.
type entryWriter struct {
	visit func(entry) error
	rest  []byte
	err   error
}

func (w *entryWriter) Write(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	data := append(w.rest, p...)
	for {
		line, rest, ok := bytes.Cut(data, []byte{0})
		if !ok {
			break
		}
		data = rest
		e, err := parseEntry(line)
		if err == nil {
			err = w.visit(e)
		}
		if err != nil {
			w.err = err
			return 0, err
		}
	}
	if len(data) > longestEntry {
		w.err = errors.New("parse tree: a path is too long")
		return 0, w.err
	}
	w.rest = bytes.Clone(data)
	return len(p), nil
}

// finish returns the first error of all: ours, or that of the command, or that
// of an end in the middle.
func (w *entryWriter) finish(commandErr error) error {
	switch {
	case w.err != nil:
		return w.err
	case commandErr != nil:
		return commandErr
	case len(w.rest) > 0:
		return errors.New("parse tree: it ends within an entry")
	}
	return nil
}
