package checkout

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cyborg-bots/cyborg/container/lock"
)

func withLog(w io.Writer) func(*Options) {
	return func(o *Options) { o.Log = slog.New(slog.NewTextHandler(w, nil)) }
}

// Whatever a crash or a bad disk does to the mirror, the next job runs.
func TestMirrorHeals(t *testing.T) {
	t.Parallel()
	each := func(pattern string, do func(path string) error) func(string) error {
		return func(mirror string) error {
			files, err := filepath.Glob(filepath.Join(mirror, pattern))
			if err != nil || len(files) == 0 {
				return fmt.Errorf("%s: %d files, %v", pattern, len(files), err)
			}
			for _, file := range files {
				err = errors.Join(err, os.Chmod(file, 0o700), do(file))
			}
			return err
		}
	}
	write := func(text string) func(string) error {
		return func(path string) error { return os.WriteFile(path, []byte(text), 0o600) }
	}
	for _, test := range []struct {
		name   string
		damage func(mirror string) error
		cloned bool
	}{
		{"pack cut short", each("objects/pack/*.pack", func(p string) error { return os.Truncate(p, 40) }), true},
		{"pack gone", each("objects/pack/*.pack", os.Remove), false}, // fetched again, as any missing commit
		{"index of pack empty", each("objects/pack/*.idx", write("")), true},
		{"bytes flipped", each("objects/pack/*.pack", func(p string) error {
			data, err := os.ReadFile(p)
			for i := 20; i < len(data)-20; i++ {
				data[i] ^= 0x5a
			}
			return errors.Join(err, os.WriteFile(p, data, 0o600))
		}), true},
		{"no HEAD", each("HEAD", os.Remove), true},
		{"config is rubbish", each("config", write("[[[")), true},
		{"ref is empty", each("refs/kept/*", write("")), true},
		{"no objects", each("objects", func(p string) error { return os.RemoveAll(p) }), true},
		{"everything gone", func(p string) error { return os.RemoveAll(p) }, false},
		{"locks of a killed git", func(p string) error {
			return errors.Join(write("")(filepath.Join(p, "packed-refs.lock")), write("")(filepath.Join(p, "config.lock")),
				write("")(filepath.Join(p, keptRef("refs/heads/main")+".lock")))
		}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newRepo(t)
			base := r.commit(map[string]string{"bots/verify": strings.Repeat("line\n", 100), "b": "1"})
			head := r.commit(map[string]string{"a": strings.Repeat("word\n", 100)})
			log := &bytes.Buffer{}
			m := r.mirror(withLog(log))
			if _, err := m.Fetch(deadline(t), "refs/heads/main", base); err != nil {
				t.Fatal(err)
			}
			if err := test.damage(m.path); err != nil {
				t.Fatal(err)
			}
			if files, err := m.Files(deadline(t), head, "bots"); err != nil || len(files) != 1 {
				t.Errorf("files: %d, %v\n%s", len(files), err, log)
			}
			if _, err := m.Merge(deadline(t), filepath.Join(t.TempDir(), "tree"), base, head); err != nil {
				t.Errorf("merge: %v\n%s", err, log)
			}
			r.commit(map[string]string{"a": "3"})
			if _, err := m.Fetch(deadline(t), "refs/heads/main"); err != nil {
				t.Errorf("fetch: %v\n%s", err, log)
			}
			gitIn(t, m.path, "fsck", "--full")
			if cloned := strings.Contains(log.String(), "cloned again"); cloned != test.cloned {
				t.Errorf("cloned again: %v, want %v\n%s", cloned, test.cloned, log)
			}
			if left, _ := filepath.Glob(m.path + ".*"); len(left) > 0 {
				t.Errorf("left: %q", left)
			}
		})
	}
}

// A failure that is not the mirror's must not cost the mirror.
func TestHealthyMirrorIsKept(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	one := r.commit(map[string]string{"a": "1"})
	m := r.mirror()
	if _, err := m.Fetch(deadline(t), "refs/heads/main"); err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(m.path)
	if err != nil {
		t.Fatal(err)
	}
	calls := 0
	failing := func() error {
		calls++
		return &gitError{verb: "test", code: 128, err: errors.New("strange")}
	}
	if err := m.twice(deadline(t), failing); err == nil || calls != 2 {
		t.Errorf("%d calls, error %v", calls, err)
	}
	after, err := os.Stat(m.path)
	if err != nil || !os.SameFile(before, after) {
		t.Errorf("the mirror was replaced: %v", err)
	}
	if _, err := m.Files(deadline(t), one, ""); err != nil {
		t.Error(err)
	}
}

// peerMain is a bot that uses the mirror in dir: it fetches and merges all of
// a list of pull requests.
func peerMain(ctx context.Context, dir, url string) int {
	m, err := Open(Options{Dir: filepath.Join(dir, "state"), URL: url})
	if err == nil {
		err = peerWork(ctx, m, dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

const peerPulls = 5

func peerWork(ctx context.Context, m *Mirror, dir string) error {
	for n := range peerPulls {
		pull := fmt.Sprintf("refs/pull/%d/head", n)
		got, err := m.Fetch(ctx, "refs/heads/main", pull)
		if err != nil {
			return err
		}
		tree, err := os.MkdirTemp(dir, "tree-*")
		if err != nil {
			return err
		}
		if _, err := m.Merge(ctx, filepath.Join(tree, "tree"), got["refs/heads/main"], got[pull]); err != nil {
			return err
		}
		if files, err := m.Files(ctx, got[pull], ""); err != nil || len(files) != 3 {
			return fmt.Errorf("%d files, %w", len(files), err)
		}
	}
	return nil
}

// Bots and goroutines share one state directory from the first clone on.
func TestManyUseOneMirror(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	root := r.commit(map[string]string{"a": "1", "b": "1"})
	for n := range peerPulls {
		r.branch("topic", root)
		r.pull(n, r.commit(map[string]string{"c": fmt.Sprint(n)}))
	}
	r.branch("main", root)
	r.commit(map[string]string{"b": "2"})
	url := r.serve("").url("acme/widget")
	dir := t.TempDir()
	m := mirrorOf(t, url, func(o *Options) { o.Dir = filepath.Join(dir, "state") })
	ctx := deadline(t)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			cmd := exec.CommandContext(ctx, "/proc/self/exe")
			cmd.Env = append(os.Environ(), "TEST_PEER_DIR="+dir, "TEST_PEER_URL="+url)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("peer: %v\n%s", err, out)
			}
		})
		wg.Go(func() {
			if err := peerWork(ctx, m, dir); err != nil {
				t.Errorf("goroutine: %v", err)
			}
		})
	}
	wg.Wait()
	gitIn(t, m.path, "fsck", "--full")
	trees, _ := filepath.Glob(filepath.Join(dir, "tree-*"))
	if want := 6 * peerPulls; len(trees) != want {
		t.Errorf("%d work trees, want %d", len(trees), want)
	}
}

// Old refs go, packs are put together, and what is in use stays.
func TestTidy(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	old := r.commit(map[string]string{"a": "0"})
	m := r.mirror()
	if _, err := m.Fetch(deadline(t), old); err != nil {
		t.Fatal(err)
	}
	month := time.Now().Add(-40 * 24 * time.Hour)
	note := filepath.Join(m.path, keptDir, filepath.Base(keptRef(old)))
	if err := os.Chtimes(note, month, month); err != nil {
		t.Fatal(err)
	}
	var last string
	for n := range 25 {
		last = r.commit(map[string]string{"a": fmt.Sprint(n)})
		if _, err := m.Fetch(deadline(t), "refs/heads/main"); err != nil {
			t.Fatal(err)
		}
	}
	packs := func() int {
		list, _ := filepath.Glob(filepath.Join(m.path, "objects/pack/*.pack"))
		return len(list)
	}
	if packs() < 25 {
		t.Fatalf("%d packs before", packs())
	}
	if err := os.Chtimes(filepath.Join(m.path, "tidied"), month, month); err != nil {
		t.Fatal(err)
	}
	// Somebody uses the mirror: not now.
	held, err := m.hold(deadline(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := m.tidy(deadline(t)); err != nil || packs() < 25 {
		t.Errorf("tidied while in use: %d packs, %v", packs(), err)
	}
	held.Close()
	if _, err := m.Fetch(deadline(t), "refs/heads/main"); err != nil {
		t.Fatal(err)
	}
	if packs() > 3 {
		t.Errorf("%d packs after", packs())
	}
	if _, err := os.Stat(note); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an old ref is still kept: %v", err)
	}
	if err := m.Checkout(deadline(t), filepath.Join(t.TempDir(), "tree"), last); err != nil {
		t.Error(err)
	}
}

// One at a time talks to the server, and nobody takes a mirror away from
// under those who read it.
func TestLocksExclude(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	one := r.commit(map[string]string{"a": "1"})
	m := r.mirror()
	if _, err := m.Fetch(deadline(t), "refs/heads/main"); err != nil {
		t.Fatal(err)
	}
	soon := func() context.Context {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		t.Cleanup(cancel)
		return ctx
	}
	waits := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), ".lock: ") {
			t.Errorf("%s does not wait: %v", what, err)
		}
	}
	fetching, err := lock.Take(deadline(t), m.fetchLock(), lock.Alone, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = m.Fetch(soon(), "refs/heads/main")
	waits("a second fetch", err)
	waits("a check of the mirror", m.heal(soon()))
	if _, err := m.Files(deadline(t), one, ""); err != nil {
		t.Errorf("reading during a fetch: %v", err)
	}
	fetching.Close()

	reading, err := m.hold(deadline(t))
	if err != nil {
		t.Fatal(err)
	}
	waits("a check of the mirror that is being read", m.heal(soon()))
	if _, err := m.Fetch(deadline(t), "refs/heads/main"); err != nil {
		t.Errorf("a fetch while others read: %v", err)
	}
	if err := os.RemoveAll(m.path); err != nil {
		t.Fatal(err)
	}
	waits("making the mirror that is being read", m.create(soon()))
	reading.Close()
	if err := m.heal(deadline(t)); err != nil {
		t.Error(err)
	}
	if _, err := m.Files(deadline(t), one, ""); err != nil {
		t.Error(err)
	}
}
