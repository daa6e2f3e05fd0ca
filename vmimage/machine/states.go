package machine

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cyborg-bots/cyborg/container/lock"
)

// What may be kept of saved states, and which machines are worth one.
const (
	DefaultStates = 4 << 30            // bytes of all states of a host
	statesAge     = 7 * 24 * time.Hour // after which one is made anew: its guest lags behind the world
	statesSpare   = 2 << 30            // bytes that making one leaves free
	worthSaving   = 3 * time.Second    // a machine that comes up sooner is not saved
)

// The names in the folder of states.
const (
	statesLock  = "lock" // held by who makes or removes one
	newState    = "new-" // begins the name of one that is being made
	badState    = ".bad" // ends the name of a file: this machine cannot be saved, and why
	aboutState  = "about.json"
	memoryState = "memory"
	diskState   = "disk.qcow2"
)

// states is the folder of saved states, see the package's comment.
type states struct {
	dir  string
	most int64
}

// A savedState is one of them. Nothing in it is ever written again but the time of its folder, its last use.
type savedState struct{ dir string }

// A stateInfo is what its about.json tells.
type stateInfo struct {
	Image   string        `json:"image"`
	Key     []byte        `json:"key"` // whom the guest lets in when it wakes up; only until it has another
	Cold    time.Duration `json:"cold"`
	Console []byte        `json:"console"`
	Made    time.Time     `json:"made"`
}

// keyOf names the state of a machine: by the disk, by the hypervisor and by all that it shows to the guest.
func keyOf(image Image, size int64, shape string) (string, error) {
	sum := sha256.New()
	fmt.Fprintf(sum, "%q %d %q\n", image.Append, size, shape)
	for _, name := range []string{image.Disk, image.Kernel, image.Initrd} {
		if name == "" {
			continue
		}
		info, err := os.Stat(name)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(sum, "%q %d %d\n", name, info.Size(), info.ModTime().UnixNano())
	}
	return hex.EncodeToString(sum.Sum(nil))[:32], nil
}

func (s *states) of(key string) savedState     { return savedState{filepath.Join(s.dir, key)} }
func (s *states) making(key string) savedState { return savedState{filepath.Join(s.dir, newState+key)} }

func (s savedState) file(name string) string { return filepath.Join(s.dir, name) }

// info reads what a state tells of itself, and notes that it is used.
func (s savedState) info() (stateInfo, error) {
	data, err := os.ReadFile(s.file(aboutState))
	if err != nil {
		return stateInfo{}, err
	}
	var i stateInfo
	if err := json.Unmarshal(data, &i); err != nil {
		return stateInfo{}, fmt.Errorf("read saved state: %w", err)
	}
	now := time.Now()
	return i, os.Chtimes(s.dir, now, now)
}

// remove takes a state away: first its name, so that nobody finds a half one. Machines that came from it have their own
// names of its disk.
func (s savedState) remove() error {
	gone := filepath.Join(filepath.Dir(s.dir), newState+"gone-"+randomWord())
	err := os.Rename(s.dir, gone)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return errors.Join(err, os.RemoveAll(gone))
}

// bad reports whether a machine of this key was found not to be one that can be saved.
func (s *states) bad(key string) bool {
	_, err := os.Lstat(filepath.Join(s.dir, key+badState))
	return err == nil
}

func (s *states) markBad(key string, why error) error {
	return os.WriteFile(filepath.Join(s.dir, key+badState), []byte(why.Error()+"\n"), 0o600)
}

// maker makes one the only maker of states on this host, which begins with tidying up. Nil: somebody else is.
func (s *states) maker() (*os.File, error) {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return nil, err
	}
	held, err := lock.Try(filepath.Join(s.dir, statesLock), lock.Alone)
	if held == nil || err != nil {
		return nil, err
	}
	if err := s.tidy(); err != nil {
		return nil, errors.Join(err, held.Close())
	}
	return held, nil
}

// room tells whether a state of so much memory may be made.
func (s *states) room(memory int64) bool {
	var disk unix.Statfs_t
	if memory > s.most || unix.Statfs(s.dir, &disk) != nil {
		return false
	}
	return int64(disk.Bavail)*disk.Bsize-memory >= statesSpare
}

// tidy removes what dead makers left, what is old, and what was used longest ago if there is too much. The lock is held.
func (s *states) tidy() error {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return err
	}
	type item struct {
		savedState
		used time.Time
		size int64
	}
	var kept []item
	var errs []error
	var total int64
	for _, e := range entries {
		info, err := e.Info()
		path := filepath.Join(s.dir, e.Name())
		switch {
		case err != nil: // it is gone
		case strings.HasPrefix(e.Name(), newState):
			errs = append(errs, os.RemoveAll(path))
		case strings.HasSuffix(e.Name(), badState) && time.Since(info.ModTime()) > statesAge:
			errs = append(errs, os.Remove(path))
		case e.IsDir():
			one := item{savedState{path}, info.ModTime(), sizeOf(path)}
			about, err := os.Stat(one.file(aboutState))
			if err != nil || time.Since(about.ModTime()) > statesAge {
				errs = append(errs, one.remove())
				continue
			}
			kept, total = append(kept, one), total+one.size
		}
	}
	slices.SortFunc(kept, func(a, b item) int { return a.used.Compare(b.used) })
	for _, one := range kept {
		if total <= s.most {
			break
		}
		total -= one.size
		errs = append(errs, one.remove())
	}
	return errors.Join(errs...)
}

// sizeOf is what the files of a folder take on the disk.
func sizeOf(dir string) int64 {
	var total int64
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		var stat unix.Stat_t
		if unix.Lstat(filepath.Join(dir, e.Name()), &stat) == nil {
			total += stat.Blocks * 512
		}
	}
	return total
}

// sweep removes what dead makers left, unless somebody makes one now.
func (s *states) sweep() error {
	if _, err := os.Lstat(s.dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	held, err := s.maker()
	if held == nil || err != nil {
		return err
	}
	return held.Close()
}
