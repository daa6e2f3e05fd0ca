//go:build unix

package claim

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/cyborg-bots/cyborg/container/lock"
)

// A DirJournal is a Journal in a directory: one file for each process, which holds a lock on it as long as it lives.
// The kernel gives the lock up when the process ends, however it ends, so what a dead process left can be told from
// what a living one (two bots may share a directory by mistake) is working on. Safe for concurrent use.
type DirJournal struct {
	dir  string
	mu   sync.Mutex
	file *os.File
	open map[string]Entry
}

var _ Journal = (*DirJournal)(nil)

const journalSuffix = ".claims"

// OpenJournal makes the directory if need be and a new file in it.
func OpenJournal(dir string) (*DirJournal, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	for {
		// Another process that adopts at this moment may take the file for a dead one's, and remove it.
		f, err := lock.Try(filepath.Join(dir, NewNonce()+NewNonce()+journalSuffix), lock.Alone)
		if err != nil {
			return nil, fmt.Errorf("open journal: %w", err)
		}
		if f != nil {
			return &DirJournal{dir: dir, file: f, open: map[string]Entry{}}, nil
		}
	}
}

// A line of the file: an entry, or the end of one.
type journalLine struct {
	Begin *Entry `json:",omitempty"`
	End   string `json:",omitempty"`
}

// Begin writes the entry and waits until the disk has it.
func (j *DirJournal) Begin(e Entry) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.append(journalLine{Begin: &e}, true); err != nil {
		return fmt.Errorf("write journal %s: %w", j.file.Name(), err)
	}
	j.open[e.Nonce] = e
	return nil
}

// End forgets a claim. When none is left the file is emptied.
func (j *DirJournal) End(nonce string) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, ok := j.open[nonce]; !ok {
		return nil
	}
	delete(j.open, nonce)
	var err error
	if len(j.open) == 0 {
		_, seek := j.file.Seek(0, 0)
		err = errors.Join(j.file.Truncate(0), seek)
	} else {
		err = j.append(journalLine{End: nonce}, false)
	}
	if err != nil {
		return fmt.Errorf("write journal %s: %w", j.file.Name(), err)
	}
	return nil
}

func (j *DirJournal) append(l journalLine, sync bool) error {
	data, err := json.Marshal(l)
	if err != nil {
		return err
	}
	if _, err := j.file.Write(append(data, '\n')); err != nil {
		return err
	}
	if sync {
		return j.file.Sync()
	}
	return nil
}

// Close ends the journal; the file goes if no claim is left in it.
func (j *DirJournal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	var err error
	if len(j.open) == 0 {
		err = os.Remove(j.file.Name())
	}
	return errors.Join(err, j.file.Close())
}

// Abandon gives the lock up and leaves the file to the next start, as the end of the process does.
func (j *DirJournal) Abandon() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.file.Close()
}

// Orphans calls give with the claims that each dead process left in the directory, and afterwards writes down what give
// could not settle as this process's own, so that the next start tries again. It leaves living processes alone. Several
// bots may call it at once.
func (j *DirJournal) Orphans(give func([]Entry) (left []Entry, err error)) error {
	files, err := filepath.Glob(filepath.Join(j.dir, "*"+journalSuffix))
	if err != nil {
		return fmt.Errorf("list journals: %w", err)
	}
	var errs []error
	for _, name := range files {
		if name != j.file.Name() {
			errs = append(errs, j.adopt(name, give))
		}
	}
	return errors.Join(errs...)
}

func (j *DirJournal) adopt(name string, give func([]Entry) ([]Entry, error)) error {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read journal: %w", err)
	}
	defer func() { _ = f.Close() }() // only read from; gives up the lock
	if held, err := lock.Now(f, lock.Alone); !held {
		return err // nil if its process lives
	}
	var errs []error
	if entries := readJournal(f); len(entries) > 0 {
		left, err := give(entries)
		errs = append(errs, err)
		for _, e := range left {
			errs = append(errs, j.Begin(e))
		}
	}
	return errors.Join(append(errs, os.Remove(name))...)
}

// readJournal gives the claims that are not over. A last line that was cut by a crash does not matter: its claim was
// not posted.
func readJournal(f *os.File) []Entry {
	open := map[string]Entry{}
	var order []string
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var l journalLine
		if json.Unmarshal([]byte(strings.TrimSpace(lines.Text())), &l) != nil {
			continue
		}
		if l.Begin != nil {
			open[l.Begin.Nonce] = *l.Begin
			order = append(order, l.Begin.Nonce)
		}
		delete(open, l.End)
	}
	var entries []Entry
	for _, nonce := range order {
		if e, ok := open[nonce]; ok {
			entries = append(entries, e)
		}
	}
	return entries
}
