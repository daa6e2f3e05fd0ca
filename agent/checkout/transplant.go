package checkout

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Read only: the names that git gives to files with objects.
var (
	looseName = regexp.MustCompile(`^[0-9a-f]{2}/[0-9a-f]{38}([0-9a-f]{24})?$`)
	packName  = regexp.MustCompile(`^pack/pack-[0-9a-f]{40}([0-9a-f]{24})?\.(pack|idx)$`)
)

// mostObjects is how many files of objects are taken over; git packs long before.
const mostObjects = 500_000

// transplant takes the objects of the job's repository over into ours and gives the commit that its HEAD is at. What the
// job's repository says otherwise (settings, hooks, other places where objects lie) is left behind. Links are not followed.
func transplant(dir, aside string) (head string, err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", err
	}
	defer root.Close()
	for _, name := range []string{".git", ".git/objects", ".git/refs"} {
		if info, err := root.Lstat(filepath.FromSlash(name)); err != nil || !info.IsDir() {
			return "", &HarvestError{"it left no git repository behind"}
		}
	}
	files := 0
	objects := filepath.FromSlash(".git/objects")
	err = fs.WalkDir(root.FS(), ".git/objects", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		rel := strings.TrimPrefix(name, ".git/objects/")
		if !looseName.MatchString(rel) && !packName.MatchString(rel) {
			return nil
		}
		if files++; files > mostObjects {
			return &HarvestError{fmt.Sprintf("its repository has more than %d files", mostObjects)}
		}
		to := filepath.Join(aside, objects, filepath.FromSlash(rel))
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return err
		}
		return takeOver(root, filepath.FromSlash(name), filepath.Join(dir, filepath.FromSlash(name)), to)
	})
	if err != nil {
		return "", err
	}
	return headOf(root)
}

// takeOver gives a file a second name, or copies it where that cannot be.
func takeOver(root *os.Root, name, path, to string) error {
	if parent, err := root.Lstat(filepath.Dir(name)); err == nil && parent.IsDir() && os.Link(path, to) == nil {
		if info, err := os.Lstat(to); err == nil && info.Mode().IsRegular() {
			return nil
		}
		if err := os.Remove(to); err != nil {
			return err
		}
	}
	from, err := root.Open(name)
	if err != nil {
		return err
	}
	defer from.Close()
	copied, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o400)
	if err != nil {
		return err
	}
	_, err = io.Copy(copied, from)
	return errors.Join(err, copied.Close())
}

// headOf reads where HEAD is: a commit, or a branch that is in a file of its own or in packed-refs.
func headOf(root *os.Root) (string, error) {
	text, err := readRef(root, ".git/HEAD")
	if err != nil {
		return "", err
	}
	ref, branch := strings.CutPrefix(text, "ref: ")
	if !branch {
		return commitOr(text)
	}
	if !isRef(ref) {
		return "", &HarvestError{"its HEAD is at no branch"}
	}
	if text, err = readRef(root, ".git/"+ref); err == nil {
		return commitOr(text)
	}
	packed, err := readRef(root, ".git/packed-refs")
	if err != nil {
		return "", &HarvestError{"its HEAD is at a branch without a commit"}
	}
	for line := range strings.Lines(packed) {
		if id, name, ok := strings.Cut(strings.TrimSpace(line), " "); ok && name == ref {
			return commitOr(id)
		}
	}
	return "", &HarvestError{"its HEAD is at a branch without a commit"}
}

func commitOr(text string) (string, error) {
	if !isCommit(text) {
		return "", &HarvestError{"its HEAD is at no commit"}
	}
	return text, nil
}

// readRef reads a small file of the job's repository.
func readRef(root *os.Root, name string) (string, error) {
	const most = 4 << 20
	name = filepath.FromSlash(name)
	if info, err := root.Lstat(name); err != nil || !info.Mode().IsRegular() || info.Size() > most {
		return "", &HarvestError{"it left no readable " + filepath.Base(name)}
	}
	data, err := root.ReadFile(name)
	return strings.TrimSpace(string(data)), err
}
