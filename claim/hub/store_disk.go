package hub

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// A disk keeps answers in a folder that outlives the process and may be shared by several, which may save, read and prune at the same
// time. Each entry is a file of its own, written aside and renamed, so that a reader sees a whole one or none; what does not read back
// as it was written is removed. The files hold what the credentials may see and are for the owner alone.
type disk struct {
	dir  string
	most int64         // bytes in all
	old  time.Duration // entries not used for so long go

	mu    sync.Mutex
	saved int // since the last pruning
}

var _ answers = (*disk)(nil)

const (
	pruneEvery = 256 // saves
	entryName  = ".answer"
	asideName  = ".aside"
)

// An entryHead is the first line of an entry; the body follows it.
type entryHead struct {
	Format int
	Key    string
	ETag   string
	Header http.Header
	Saved  time.Time
	Sum    string // sha256 of the body
}

func openDisk(dir string, most int64, old time.Duration) (*disk, error) {
	d := &disk{dir: dir, most: most, old: old}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make folder for answers: %w", err)
	}
	d.prune()
	return d, nil
}

func (d *disk) file(key string) string { return filepath.Join(d.dir, key+entryName) }

func (d *disk) load(key string) (answer, bool) {
	data, err := os.ReadFile(d.file(key))
	if err != nil {
		return answer{}, false
	}
	a, ok := decodeEntry(key, data)
	if !ok {
		_ = os.Remove(d.file(key)) // or it is replaced by the next answer
	}
	return a, ok
}

// decodeEntry reads a file. Whatever is not exactly as it was written is none.
func decodeEntry(key string, data []byte) (answer, bool) {
	line, body, ok := bytes.Cut(data, []byte("\n"))
	if !ok {
		return answer{}, false
	}
	var head entryHead
	if json.Unmarshal(line, &head) != nil || head.Format != 1 || head.Key != key || head.ETag == "" {
		return answer{}, false
	}
	sum := sha256.Sum256(body)
	if hex.EncodeToString(sum[:]) != head.Sum {
		return answer{}, false
	}
	if head.Header == nil {
		head.Header = http.Header{}
	}
	return answer{ETag: head.ETag, Header: head.Header, Body: body, Saved: head.Saved}, true
}

func encodeEntry(key string, a answer) ([]byte, error) {
	sum := sha256.Sum256(a.Body)
	head, err := json.Marshal(entryHead{
		Format: 1, Key: key, ETag: a.ETag, Header: a.Header, Saved: a.Saved, Sum: hex.EncodeToString(sum[:]),
	})
	if err != nil {
		return nil, err
	}
	return slices.Concat(head, []byte("\n"), a.Body), nil
}

func (d *disk) save(key string, a answer) error {
	data, err := encodeEntry(key, a)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	if err := d.write(key, data); err != nil {
		return fmt.Errorf("keep answer: %w", err)
	}
	d.mu.Lock()
	d.saved++
	due := d.saved >= pruneEvery
	if due {
		d.saved = 0
	}
	d.mu.Unlock()
	if due {
		d.prune()
	}
	return nil
}

func (d *disk) write(key string, data []byte) error {
	f, err := os.CreateTemp(d.dir, key+".*"+asideName) // mode 0600
	if err != nil {
		if err := os.MkdirAll(d.dir, 0o700); err != nil { // somebody tidied up
			return err
		}
		if f, err = os.CreateTemp(d.dir, key+".*"+asideName); err != nil {
			return err
		}
	}
	_, err = f.Write(data)
	err = cmp.Or(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), d.file(key))
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// prune removes what is old, what was left aside by a process that died, and the oldest until the rest fits. Another process may be
// doing the same: what is gone already is no trouble.
func (d *disk) prune() {
	list, err := os.ReadDir(d.dir)
	if err != nil {
		return
	}
	type entry struct {
		name string
		size int64
		used time.Time
	}
	var entries []entry
	var size int64
	for _, f := range list {
		info, err := f.Info()
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		age := time.Since(info.ModTime())
		switch {
		case strings.HasSuffix(f.Name(), asideName):
			if age > time.Hour {
				d.remove(f)
			}
		case !strings.HasSuffix(f.Name(), entryName): // not ours
		case age > d.old:
			d.remove(f)
		default:
			entries = append(entries, entry{f.Name(), info.Size(), info.ModTime()})
			size += info.Size()
		}
	}
	slices.SortFunc(entries, func(a, b entry) int { return a.used.Compare(b.used) })
	for _, e := range entries {
		if size <= d.most {
			return
		}
		_ = os.Remove(filepath.Join(d.dir, e.name))
		size -= e.size
	}
}

func (d *disk) remove(f fs.DirEntry) { _ = os.Remove(filepath.Join(d.dir, f.Name())) }
