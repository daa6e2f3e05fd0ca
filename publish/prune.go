package publish

import (
	"context"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// MinKeep is the shortest time for which logs are kept: an attempt that is
// younger may still run.
const MinKeep = 24 * time.Hour

// Keep says what stays when a repository's logs are pruned.
type Keep struct {
	Logs    time.Duration          // attempts of that age; at least MinKeep
	History time.Duration          // and lines of the history; 0: for ever
	Pinned  func(kind string) bool // all attempts about "pull-7" stay; nil: none
	Now     time.Time              // zero: now, by the local clock
	DryRun  bool                   // only tell
}

// Pruned is what was deleted.
type Pruned struct {
	Attempts int   // whose logs went
	Pinned   int   // old ones that stay
	History  int   // attempts that went from the history
	Objects  int   // in all
	Bytes    int64 // of these objects
}

// attemptName finds the folder of an attempt, and what it is about, in the name
// of one of its objects below the repository's folder.
var attemptName = regexp.MustCompile(`^((?:pull|issue|branch)-[^/]+)/(?:[^/]+/){1,4}?(\d{8}-\d{6})-[^/]+/`)

// recordName does the same with the names of the small objects beside.
var recordName = regexp.MustCompile(`^(attempts|history)/([^/]+)/(\d{8}-\d{6})-[^/]+\.jsonl?$`)

// Prune deletes the attempts of a repository that are older than is kept, with
// all their objects, and renews the indexes that showed them. An attempt is as
// old as the newest of its objects. What does not look like one of ours is left
// alone. Any number of bots may prune at the same time, and one that dies leaves
// nothing that the next does not find.
func Prune(ctx context.Context, store Store, repo string, keep Keep) (Pruned, error) {
	if keep.Logs < MinKeep || keep.History != 0 && keep.History < keep.Logs {
		return Pruned{}, fmt.Errorf("prune logs of %s: they are kept for at least %v, and the history no shorter", repo, MinKeep)
	}
	if keep.Now.IsZero() {
		keep.Now = time.Now()
	}
	p := &pruner{store: store, keep: keep, root: slugs(repo, 2, 100) + "/", touched: map[string]bool{}, stay: map[string]int{}}
	err := p.all(ctx)
	if err == nil && !keep.DryRun {
		err = p.stale(ctx)
	}
	if err == nil && !keep.DryRun {
		err = p.renew(ctx, repo)
	}
	if err != nil {
		err = fmt.Errorf("prune logs of %s: %w", repo, err)
	}
	return p.done, err
}

type pruner struct {
	store   Store
	keep    Keep
	root    string // "owner/repo/"
	done    Pruned
	touched map[string]bool // kinds whose index has to change
	indexed []string        // kinds that have an index
	stay    map[string]int  // attempts that stay, by kind
}

// batch is the objects of one attempt.
type batch struct {
	folder, kind string
	names        []string
	bytes        int64
	newest       time.Time
}

// all goes through the repository's objects. Those of one attempt come one
// behind the other, as their names begin alike.
func (p *pruner) all(ctx context.Context) error {
	var b batch
	for e, err := range p.store.List(ctx, p.root) {
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(e.Name, p.root)
		if m := recordName.FindStringSubmatch(name); m != nil {
			if err := p.record(ctx, e, m[1], m[2], m[3]); err != nil {
				return err
			}
			continue
		}
		if kind, ok := strings.CutSuffix(name, "/index.json"); ok && !strings.Contains(kind, "/") {
			p.indexed = append(p.indexed, kind)
			continue
		}
		m := attemptName.FindStringSubmatch(name)
		if m == nil {
			continue
		}
		if m[0] != b.folder {
			if err := p.attempt(ctx, b); err != nil {
				return err
			}
			b = batch{folder: m[0], kind: m[1], newest: began(m[2])}
		}
		b.names, b.bytes = append(b.names, e.Name), b.bytes+e.Size
		if e.Modified.After(b.newest) {
			b.newest = e.Modified
		}
	}
	return p.attempt(ctx, b)
}

// began is the time in a name.
func began(text string) time.Time {
	t, _ := time.Parse(stamp, text) // what looks like a time and is none is very old
	return t
}

func (p *pruner) pinned(kind string) bool { return p.keep.Pinned != nil && p.keep.Pinned(kind) }

// attempt deletes an attempt if its time has come. Its page goes last: as long
// as there is anything, people find it.
func (p *pruner) attempt(ctx context.Context, b batch) error {
	if len(b.names) == 0 || p.keep.Now.Sub(b.newest) < p.keep.Logs {
		return nil
	}
	if p.pinned(b.kind) {
		p.done.Pinned++
		return nil
	}
	last := slices.IndexFunc(b.names, func(name string) bool { return path.Base(name) == "log.html" })
	names := b.names
	if last >= 0 {
		names = append(slices.Delete(slices.Clone(names), last, last+1), b.names[last])
	}
	if err := p.remove(ctx, names); err != nil {
		return err
	}
	p.done.Attempts++
	p.done.Objects += len(names)
	p.done.Bytes += b.bytes
	p.touched[b.kind] = true
	return nil
}

// record deletes what the indexes and the history know of an attempt.
func (p *pruner) record(ctx context.Context, e Entry, room, kind, at string) error {
	age := p.keep.Now.Sub(began(at))
	if e.Modified.After(began(at)) {
		age = p.keep.Now.Sub(e.Modified)
	}
	limit := p.keep.Logs
	if room == "history" {
		limit = p.keep.History
	}
	if limit == 0 || age < limit || p.pinned(kind) {
		if room == "attempts" {
			p.stay[kind]++
		}
		return nil
	}
	if err := p.remove(ctx, []string{e.Name}); err != nil {
		return err
	}
	p.done.Objects++
	p.done.Bytes += e.Size
	if room == "history" {
		p.done.History++
	} else {
		p.touched[kind] = true
	}
	return nil
}

// remove deletes objects, several at a time, the last one after the others.
func (p *pruner) remove(ctx context.Context, names []string) error {
	if p.keep.DryRun {
		return ctx.Err()
	}
	const atOnce = 8
	first, last := names[:len(names)-1], names[len(names)-1]
	var wg sync.WaitGroup
	errs := make([]error, len(first))
	slots := make(chan struct{}, atOnce)
	for n, name := range first {
		slots <- struct{}{}
		wg.Go(func() {
			errs[n] = p.store.Delete(ctx, name)
			<-slots
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return p.store.Delete(ctx, last)
}

// stale finds the indexes that show something else than what stays: a bot has
// died before it renewed them.
func (p *pruner) stale(ctx context.Context) error {
	for _, kind := range p.indexed {
		l, err := readListing(ctx, p.store, p.root+kind+"/index.json")
		if err != nil {
			return err
		}
		if len(l.Attempts)+l.More != p.stay[kind] {
			p.touched[kind] = true
		}
	}
	return nil
}

// renew writes the indexes that showed what is gone; an empty one goes too.
func (p *pruner) renew(ctx context.Context, repo string) error {
	if len(p.touched)+len(p.indexed) == 0 {
		return nil
	}
	var errs []error
	for kind := range p.touched {
		there, err := look(ctx, p.store, room(repo, "attempts", kind))
		if err == nil && len(there) == 0 {
			err = errors.Join(p.store.Delete(ctx, p.root+kind+"/index.html"), p.store.Delete(ctx, p.root+kind+"/index.json"))
			if err == nil {
				there, err = look(ctx, p.store, room(repo, "attempts", kind)) // somebody may have begun meanwhile
			}
		}
		if err == nil && len(there) > 0 {
			err = WriteIndex(ctx, p.store, repo, kind)
		}
		errs = append(errs, err)
	}
	return errors.Join(append(errs, WriteIndex(ctx, p.store, repo, ""))...)
}
