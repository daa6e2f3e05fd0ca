package deps

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// The tools, which are also the words by which people choose them.
const (
	goTool  = "go"
	npmTool = "npm"
)

// An update is one dependency that has, or could have, a newer version.
type update struct {
	folder     string // of the project, from the top of the repository; "." is the top
	name       string
	from, to   string
	published  string // "11 October 2022", as the registry says; empty: not known
	between    int    // releases that are skipped
	source     string // where its source is, as its authors say
	retracted  string // why from is not to be used any more
	deprecated string // why name is not to be used any more
	why        string // it was left out
}

// A harvest is what came of a run.
type harvest struct {
	done    []update
	moved   []update // what was required by others only
	left    []update // that could not be made, or must be asked for
	waiting int      // that are due and beyond the limit
}

// Refresh brings up to date what is due in the work tree and gives the message for the commit; it is empty if nothing is due.
// The arguments are go, npm, major and names, see [CheckWord]. A *NoError is the project's own trouble.
func (w *Work) Refresh(ctx context.Context, args []string) (string, error) {
	asked := read(args)
	var all harvest
	found := 0
	for _, t := range []struct {
		name, file string
		do         func(context.Context, string, wish, *harvest) error
	}{{goTool, "go.mod", w.goModule}, {npmTool, manifest, w.npmModule}} {
		if !asked.tool(t.name) {
			continue
		}
		folders, err := w.find(t.file)
		if err != nil {
			return "", err
		}
		for _, folder := range folders {
			found++
			if err := t.do(ctx, folder, asked, &all); err != nil {
				return "", err
			}
		}
	}
	if found == 0 {
		return "", no("there is no go.mod and no package.json here")
	}
	if len(all.done) == 0 {
		fmt.Fprintln(w.Log, "cyborg: everything is up to date, as far as it is to be touched")
		if list := leftOut(all); list != "" {
			fmt.Fprint(w.Log, list)
		}
		return "", nil
	}
	text := message(all)
	fmt.Fprint(w.Log, "\n"+text)
	return text, nil
}

// take makes the updates of one project one by one, up to the limit of a pull request, and counts them. What try gives a
// reason for is left out.
func (w *Work) take(ctx context.Context, due []update, all *harvest, try func(context.Context, update) (why string, err error)) (done int, err error) {
	for _, u := range due {
		if len(all.done)+done >= w.Settings.Limit {
			all.waiting++
			continue
		}
		if u.why, err = try(ctx, u); err != nil {
			return done, err
		}
		if u.why != "" {
			all.left = append(all.left, u)
			continue
		}
		done++
	}
	return done, nil
}

// The limits of a search for projects.
const (
	deepest = 5
	most    = 30
)

// find lists the folders of the work tree that have a file of that name, the top first. What other tools have put there, and
// what only tests look at, is not the project's own.
func (w *Work) find(name string) ([]string, error) {
	var list []string
	err := filepath.WalkDir(w.Dir, func(file string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(w.Dir, file)
		if err != nil {
			return err
		}
		base := e.Name()
		switch {
		case !e.IsDir():
			if base == name && e.Type().IsRegular() {
				list = append(list, path.Dir(filepath.ToSlash(rel)))
			}
		case rel == ".":
		case strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") || strings.Count(rel, string(filepath.Separator)) >= deepest ||
			slices.Contains([]string{"vendor", "testdata", "node_modules"}, base):
			return fs.SkipDir
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look for %s: %w", name, err)
	}
	slices.SortStableFunc(list, func(a, b string) int { return strings.Count("/"+a, "/") - strings.Count("/"+b, "/") })
	return list[:min(len(list), most)], nil
}

// A snapshot is what some files of a folder were, so that a change can be taken back.
type snapshot struct {
	dir   string
	files map[string][]byte // nil: it was not there
}

// snap reads files of a folder of the work tree. A link that leads out of it is no file of the project.
func (w *Work) snap(folder string, names ...string) (*snapshot, error) {
	s := &snapshot{dir: filepath.Join(w.Dir, filepath.FromSlash(folder)), files: map[string][]byte{}}
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	for _, name := range names {
		info, err := root.Lstat(name)
		switch {
		case os.IsNotExist(err):
			s.files[name] = nil
			continue
		case err != nil:
			return nil, err
		case !info.Mode().IsRegular() || info.Size() > maxFile:
			return nil, no("%s is not a file of at most %d MB", path.Join(folder, name), maxFile>>20)
		}
		if s.files[name], err = root.ReadFile(name); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// maxFile is the size of the largest go.sum or lock file that is dealt with.
const maxFile = 64 << 20

// restore makes the files what they were.
func (s *snapshot) restore() error {
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for name, data := range s.files {
		if data == nil {
			if err := root.Remove(name); err != nil && !os.IsNotExist(err) {
				return err
			}
			continue
		}
		if err := root.WriteFile(name, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// call runs a command and says so in the log.
func (w *Work) call(ctx context.Context, c Call) (Answer, error) {
	fmt.Fprintf(w.Log, "+ %s\n", strings.Join(c.Argv, " "))
	a, err := w.Run(ctx, c)
	if err == nil && a.Absent {
		err = fmt.Errorf("needs %s, which this bot does not have", c.Argv[0])
	}
	return a, err
}
