package publish

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
)

// maxVisited is how many files and folders are looked at for artifacts.
const maxVisited = 200_000

// Artifacts publishes the files below dir that match one of the globs (none:
// all of them), each under its path. A glob with a slash is of the whole path,
// one without is of the last element anywhere; one that matches a folder takes
// all that is in it. Folders named .git are left out. Nothing outside of dir is
// ever read, whatever links the job has planted; a link that matches is listed
// as refused.
//
// One bad file does not keep the others back: the error joins those of all.
func (a *Attempt) Artifacts(ctx context.Context, dir string, globs ...string) error {
	for _, g := range globs {
		if _, err := path.Match(plainGlob(g), ""); err != nil {
			return fmt.Errorf("read artifacts glob %q: %w", g, err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("publish artifacts: %w", err)
	}
	defer root.Close()
	var errs []error
	visited := 0
	err = fs.WalkDir(root.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		if visited++; visited > maxVisited {
			return fmt.Errorf("more than %d files to look at", maxVisited)
		}
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			errs = append(errs, fmt.Errorf("look for artifacts: %w", err))
			return nil // of one folder; the others may be readable
		case e.IsDir() && e.Name() == ".git":
			return fs.SkipDir
		case !e.IsDir() && Matches(globs, name):
			errs = append(errs, a.files.add(ctx, name, root, name))
		}
		return nil
	})
	if err != nil {
		errs = append(errs, fmt.Errorf("look for artifacts: %w", err))
	}
	return errors.Join(errs...)
}

// plainGlob is a glob as it is compared.
func plainGlob(glob string) string { return strings.Trim(path.Clean(glob), "/") }

// Matches tells whether a file, or a folder it is in, is meant by one of the globs, as Artifacts has it.
func Matches(globs []string, name string) bool {
	if len(globs) == 0 {
		return true
	}
	for ; name != "."; name = path.Dir(name) {
		for _, g := range globs {
			g = plainGlob(g)
			subject := name
			if !strings.Contains(g, "/") {
				subject = path.Base(name)
			}
			if ok, err := path.Match(g, subject); err == nil && ok {
				return true
			}
		}
	}
	return false
}
