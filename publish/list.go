package publish

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// A repository has an index of its attempts, and so has each pull request,
// issue and branch: index.html for people and index.json for programs. Any bot
// writes them anew when one of its attempts begins or ends. What they show is
// read from small objects, one for each attempt, that only its own bot writes:
//
//	owner/repo/attempts/pull-7/20260131-101500-3f9c….json
//
// Two bots that write an index at the same time may each miss the other's news.
// So whoever has written looks again, and writes again if there is more: the
// last one to write has seen everything.

// maxListed is how many attempts an index shows, the newest.
const maxListed = 500

// Listing is index.json. The first attempt is the newest.
type Listing struct {
	Version  int       `json:"version"` // 1
	Repo     string    `json:"repo"`
	About    string    `json:"about,omitempty"` // "pull-7"; empty: all of the repository
	Updated  time.Time `json:"updated"`
	More     int       `json:"more,omitempty"` // older attempts that are not shown
	Attempts []Listed  `json:"attempts"`
}

// Listed is one attempt in a listing.
type Listed struct {
	AttemptLine
	Object string    `json:"object"` // where it was read, and what that was then
	Size   int64     `json:"object_size"`
	When   time.Time `json:"object_time"`
}

// Page is the address of the attempt's page as seen from the listing's folder.
func (l Listing) Page(a Listed) string {
	return "./" + strings.Repeat("../", strings.Count(l.folder(), "/")) + a.Attempt + "/log.html"
}

// Folder is the folder of the listing of what the attempt is about: "pull-7".
func (a Listed) Folder() string {
	parts := strings.SplitN(a.Attempt, "/", 4)
	if len(parts) < 4 {
		return "."
	}
	return parts[2]
}

// folder is where the listing lies, with a slash at its end.
func (l Listing) folder() string {
	if l.About == "" {
		return slugs(l.Repo, 2, 100) + "/"
	}
	return slugs(l.Repo, 2, 100) + "/" + l.About + "/"
}

// announce writes the attempt's own small object and the indexes that show it.
func (a *Attempt) announce(ctx context.Context, results Results) error {
	if a.info.Unlisted {
		return nil
	}
	data, err := json.Marshal(results.line(a.prefix))
	if err != nil {
		return fmt.Errorf("announce attempt: %w", err)
	}
	kind := a.info.kind()
	name := room(a.info.Repo, "attempts", kind) + path.Base(a.prefix) + ".json"
	ctx, cancel := context.WithTimeout(ctx, smallPut)
	defer cancel()
	if err := a.store.Put(ctx, name, bytes.NewReader(data), Meta{Type: TypeOf(name), Cache: CacheNever}); err != nil {
		return err
	}
	return errors.Join(WriteIndex(ctx, a.store, a.info.Repo, kind), WriteIndex(ctx, a.store, a.info.Repo, ""))
}

// WriteIndex writes the index of a repository, or of what about names of it
// ("pull-7"), as the store has its attempts now. Any number of bots may do it at
// the same time.
func WriteIndex(ctx context.Context, store Store, repo, about string) error {
	l := Listing{Version: 1, Repo: repo, About: about}
	old, err := readListing(ctx, store, l.folder()+"index.json")
	if err != nil {
		return fmt.Errorf("write index of %s: %w", repo, err)
	}
	known := map[string]Listed{}
	for _, a := range old.Attempts {
		known[a.Object] = a
	}
	const rounds = 10 // so often somebody else may be quicker; then that one writes
	for range rounds {
		there, err := look(ctx, store, room(repo, "attempts", about))
		if err == nil {
			err = l.fill(ctx, store, there, known)
		}
		if err == nil {
			err = l.write(ctx, store)
		}
		var again []Entry
		if err == nil {
			again, err = look(ctx, store, room(repo, "attempts", about))
		}
		if err != nil {
			return fmt.Errorf("write index of %s: %w", repo, err)
		}
		if slices.Equal(again, there) {
			return nil
		}
	}
	return nil
}

// look lists the objects of attempts, newest attempt first.
func look(ctx context.Context, store Store, prefix string) ([]Entry, error) {
	var list []Entry
	for e, err := range store.List(ctx, prefix) {
		if err != nil {
			return nil, err
		}
		e.Modified = e.Modified.UTC().Truncate(time.Second)
		list = append(list, e)
	}
	slices.SortStableFunc(list, func(a, b Entry) int { return strings.Compare(path.Base(b.Name), path.Base(a.Name)) })
	return list, nil
}

// fill takes what is known and reads the rest.
func (l *Listing) fill(ctx context.Context, store Store, there []Entry, known map[string]Listed) error {
	l.Attempts, l.More = nil, max(0, len(there)-maxListed)
	for _, e := range there[:min(len(there), maxListed)] {
		a, ok := known[e.Name]
		if !ok || a.Size != e.Size || !a.When.Equal(e.Modified) || a.Finished == nil {
			a = Listed{Object: e.Name, Size: e.Size, When: e.Modified}
			data, err := readSmall(ctx, store, e.Name)
			if errors.Is(err, fs.ErrNotExist) {
				continue // pruned meanwhile
			}
			if err != nil {
				return err
			}
			if err := json.Unmarshal(data, &a.AttemptLine); err != nil || a.Version != 1 || a.Attempt == "" {
				continue // another version's, or nobody's
			}
			known[e.Name] = a
		}
		l.Attempts = append(l.Attempts, a)
	}
	return nil
}

func (l *Listing) write(ctx context.Context, store Store) error {
	l.Updated = time.Now().UTC().Truncate(time.Second)
	data, err := json.Marshal(l)
	if err != nil {
		return err
	}
	page, err := l.page()
	if err != nil {
		return err
	}
	return errors.Join(
		store.Put(ctx, l.folder()+"index.json", bytes.NewReader(data), Meta{Type: TypeOf("x.json"), Cache: CacheNever}),
		store.Put(ctx, l.folder()+"index.html", bytes.NewReader(page), Meta{Type: TypeOf("x.html"), Cache: CacheNever}))
}

// readListing reads an index that somebody has written; none, or one that makes
// no sense, is empty.
func readListing(ctx context.Context, store Store, name string) (l Listing, err error) {
	data, err := readSmall(ctx, store, name)
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil
	}
	if err != nil {
		return l, err
	}
	if json.Unmarshal(data, &l) != nil || l.Version != 1 {
		return Listing{}, nil
	}
	return l, nil
}

// readSmall reads an object of a few megabytes at most.
func readSmall(ctx context.Context, store Store, name string) ([]byte, error) {
	r, err := store.Get(ctx, name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(io.LimitReader(r, 16<<20))
}
