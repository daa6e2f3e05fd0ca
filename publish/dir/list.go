package dir

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"path"
	"slices"
	"strings"
	"syscall"

	"github.com/cyborg-bots/cyborg/publish"
)

// List implements [publish.Store].
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[publish.Entry, error] {
	return func(yield func(publish.Entry, error) bool) {
		w := walk{fsys: s.root.FS(), ctx: ctx, prefix: prefix, yield: yield}
		if err := w.folder("."); err != nil && !errors.Is(err, errEnough) {
			yield(publish.Entry{}, fmt.Errorf("list %s in %s: %w", prefix, s.path, err))
		}
	}
}

// errEnough ends a walk whose listener has heard enough.
var errEnough = errors.New("enough")

// walk is one listing. Files that vanish meanwhile are not there; that is all.
type walk struct {
	fsys   fs.FS
	ctx    context.Context
	prefix string
	yield  func(publish.Entry, error) bool
}

// folder yields what is below dir, in the order of whole names: a folder sorts
// as its name with the slash, so that "a-b" comes before "a/b" as on S3.
func (w *walk) folder(dir string) error {
	if err := w.ctx.Err(); err != nil {
		return context.Cause(w.ctx)
	}
	list, err := fs.ReadDir(w.fsys, dir)
	if err != nil {
		return ignoreGone(err)
	}
	slices.SortFunc(list, func(a, b fs.DirEntry) int { return cmp.Compare(sortName(a), sortName(b)) })
	for _, e := range list {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if err := w.entry(path.Join(dir, e.Name()), e); err != nil {
			return err
		}
	}
	return nil
}

func sortName(e fs.DirEntry) string {
	if e.IsDir() {
		return e.Name() + "/"
	}
	return e.Name()
}

func (w *walk) entry(name string, e fs.DirEntry) error {
	if e.IsDir() {
		below := name + "/"
		if strings.HasPrefix(below, w.prefix) || strings.HasPrefix(w.prefix, below) {
			return w.folder(name)
		}
		return nil
	}
	if !e.Type().IsRegular() || !strings.HasPrefix(name, w.prefix) {
		return nil
	}
	info, err := e.Info()
	if err != nil {
		return ignoreGone(err)
	}
	if !w.yield(publish.Entry{Name: name, Size: info.Size(), Modified: info.ModTime()}, nil) {
		return errEnough
	}
	return nil
}

func ignoreGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil
	}
	return err
}
