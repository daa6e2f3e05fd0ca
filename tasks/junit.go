package tasks

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/joshdk/go-junit"

	"github.com/cyborg-bots/cyborg/publish"
)

// Limits of JUnit files.
const (
	maxJUnitFiles = 2000
	maxJUnitSize  = 64 << 20 // bytes of one file
	maxJUnitAll   = 256 << 20
	maxWalk       = 500_000 // files and folders looked at
	maxPath       = 1 << 10 // bytes of a file's path; longer ones are no results
)

// Collect reads the JUnit files of a job that has ended from its working directory; for other formats it does nothing.
// The folder is foreign: links are not followed, nothing outside of it is read, sizes are limited. What is wrong with
// the files is the report's Problem; the error is for our own trouble, such as a directory that cannot be opened.
func (r *Results) Collect(dir string) error {
	if r.format.Kind != JUnit {
		return nil
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("collect results: %w", err)
	}
	defer root.Close()
	files, err := findFiles(root, r.format.Files)
	if err != nil {
		return fmt.Errorf("collect results: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, pattern := range r.format.Files {
		if !slices.ContainsFunc(files, func(f string) bool { return Match(pattern, f) }) {
			r.rec.problem(fmt.Sprintf("no file matches %s", pattern))
		}
	}
	if len(files) > maxJUnitFiles {
		r.rec.problem(fmt.Sprintf("%d result files, at most %d are read", len(files), maxJUnitFiles))
		files = files[:maxJUnitFiles]
	}
	room := int64(maxJUnitAll)
	for _, f := range files {
		n, err := r.rec.junitFile(root, f, min(room, maxJUnitSize))
		room -= n
		if err != nil {
			r.rec.problem(fmt.Sprintf("read %s: %v", f, err))
		}
	}
	return nil
}

// findFiles lists the regular files that match one of the patterns, sorted.
func findFiles(root *os.Root, patterns []string) ([]string, error) {
	var files []string
	looked := 0
	err := fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		looked++
		switch {
		case errors.Is(err, fs.ErrPermission), errors.Is(err, fs.ErrNotExist):
			return nil // the task may lock and remove its own folders
		case err != nil:
			return err
		case looked > maxWalk:
			return fs.SkipAll
		case d.IsDir() && name != "." && !mayHold(patterns, name):
			return fs.SkipDir
		case d.Type().IsRegular() && len(name) <= maxPath && matchAny(patterns, name):
			files = append(files, name)
		}
		return nil
	})
	slices.Sort(files)
	return files, err
}

// mayHold reports whether a folder can have files that match: it saves walking through all of a checkout.
func mayHold(patterns []string, dir string) bool {
	parts := strings.Split(dir, "/")
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		for i, p := range strings.Split(pattern, "/") {
			if i >= len(parts) || strings.Contains(p, "**") {
				return i > 0 || strings.Contains(p, "**")
			}
			if ok, err := path.Match(p, parts[i]); err != nil || !ok {
				return false
			}
		}
		return false
	})
}

// junitFile reads one file into the recorder; it returns how many bytes it had.
func (r *recorder) junitFile(root *os.Root, name string, room int64) (int64, error) {
	// Not blocking: the name may have become a pipe since it was listed.
	f, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return 0, reason(err)
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return 0, reason(err)
	case !info.Mode().IsRegular():
		return 0, errors.New("not a regular file")
	case info.Size() > room:
		return 0, fmt.Errorf("%d bytes, at most %d are read", info.Size(), room)
	}
	err = r.junit(io.LimitReader(f, room))
	return info.Size(), err
}

// reason is the cause of a file's error without the path, which the caller names.
func reason(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}

// junit reads one JUnit document.
func (r *recorder) junit(in io.Reader) error {
	plain, err := plainJUnit(in)
	if err != nil {
		return err
	}
	suites, err := junit.Ingest(plain)
	if err != nil {
		return err
	}
	for _, s := range suites {
		r.suite(s)
	}
	return nil
}

// suite takes the tests of a suite and of those in it.
func (r *recorder) suite(s junit.Suite) {
	for _, t := range s.Tests {
		test := publish.Test{Name: t.Name, Duration: max(0, t.Duration), Message: t.Message, Status: publish.Passed}
		if group := firstOf(t.Classname, s.Name); group != "" {
			test.Name += " (" + group + ")"
		}
		test.Retries, _ = strconv.Atoi(t.Properties[retriesAttr])
		switch t.Status {
		case junit.StatusSkipped:
			test.Status = publish.Skipped
		case junit.StatusFailed, junit.StatusError:
			test.Status = publish.Failed
			test.Message = joinMessage(t.Message, t.Error)
		}
		r.add(test)
	}
	for _, inner := range s.Suites {
		r.suite(inner)
	}
}

// joinMessage makes one text of a failure's short and long one: frameworks repeat the short in the long as they like.
func joinMessage(short string, long error) string {
	if long == nil || strings.Contains(short, long.Error()) {
		return short
	}
	if strings.HasPrefix(long.Error(), short) {
		return long.Error()
	}
	return short + "\n" + long.Error()
}

// firstOf is the first text that is not empty.
func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}
