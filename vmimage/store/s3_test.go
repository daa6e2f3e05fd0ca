package store_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"

	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cyborg-bots/cyborg/publish"
	"github.com/cyborg-bots/cyborg/publish/s3"
	"github.com/cyborg-bots/cyborg/publish/s3/s3test"
	"github.com/cyborg-bots/cyborg/vmimage"
	"github.com/cyborg-bots/cyborg/vmimage/store"
)

var _ store.Shelf = (*s3.Store)(nil)

// bucket opens the folder of images at an address of a server.
func bucket(t *testing.T, server *s3test.Server, address, prefix string) *s3.Store {
	t.Helper()
	s, err := s3.Open(s3.Options{
		Bucket: "images", Prefix: prefix, Endpoint: address, AccessKey: server.AccessKey,
		SecretKey: publish.Secret{Name: "AWS_SECRET_ACCESS_KEY", Value: server.SecretKey},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Init(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// build is a disk of n bytes in a cache, as if it was made here.
func build(t *testing.T, n int) (*store.Held, []byte) {
	t.Helper()
	data := make([]byte, n)
	_, _ = rand.Read(data)
	copy(data, "QFI\xfb\x00\x00\x00\x03")
	clear(data[8:112])
	data[28] = 1 // 16 MB
	disk, err := vmimage.NewDisk("fresh", sha256.Sum256(data))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	c := open(t, dir)
	file := filepath.Join(dir, "made")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	held, err := c.Add(t.Context(), disk, file, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { held.Close() })
	return held, data
}

func open(t *testing.T, dir string) *store.Cache {
	t.Helper()
	c, err := store.OpenCache(dir, store.Options{Chunk: 1 << 20, Pause: 10 * time.Millisecond, Tries: 50, Spare: 1})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// fetch gets a disk into a cache that is empty, and compares it.
func fetch(t *testing.T, disk vmimage.Disk, data []byte, from store.Source) {
	t.Helper()
	got, err := open(t, t.TempDir()).Get(t.Context(), disk, []store.Source{from}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Close()
	have, err := os.ReadFile(got.Path)
	if err != nil || !bytes.Equal(have, data) {
		t.Errorf("what is fetched is not what was uploaded: %v", err)
	}
}

// TestS3 takes a disk through a real S3 server: uploaded once in parts, fetched with keys and without, and pruned.
func TestS3(t *testing.T) {
	server := s3test.Start(t)
	shelf := bucket(t, server, server.URL, "team/images")
	held, data := build(t, 40<<20+17)
	for n, want := range []bool{true, false} {
		if uploaded, err := store.Upload(t.Context(), shelf, held, nil); err != nil || uploaded != want {
			t.Fatalf("upload %d: %v, %v", n, uploaded, err)
		}
	}
	fetch(t, held.Disk, data, shelf)
	public, err := store.NewWeb(server.URL+"/images/team/images", nil)
	if err != nil {
		t.Fatal(err)
	}
	fetch(t, held.Disk, data, public)
	if _, err := shelf.Size(t.Context(), "none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an object that is not there: %v", err)
	}
	stranger, err := s3.Open(s3.Options{
		Bucket: "images", Prefix: "private", Endpoint: server.URL, AccessKey: server.AccessKey,
		SecretKey: publish.Secret{Name: "AWS_SECRET_ACCESS_KEY", Value: "wrong"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stranger.Open(t.Context(), held.Disk.File(), 0, 10); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("with wrong keys: %v", err)
	}

	other := vmimage.Disk{Name: "other", Digest: held.Disk.Digest}
	needs := func(context.Context) (map[vmimage.Disk]bool, error) { return map[vmimage.Disk]bool{other: true}, nil }
	now := time.Now()
	if _, err := store.PruneShelf(t.Context(), shelf, needs, store.Rules{}, at(now)); err != nil {
		t.Fatal(err)
	}
	done, err := store.PruneShelf(t.Context(), shelf, needs, store.Rules{}, at(now.Add(15*24*time.Hour)))
	if err != nil || len(done.Removed) != 1 || done.Freed != int64(len(data)) {
		t.Errorf("pruned %+v: %v", done, err)
	}
	for e, err := range shelf.List(t.Context(), "") {
		t.Errorf("left: %v, %v", e.Name, err)
	}
}

// TestS3Race: of bots that upload one disk at once, one creates it. The parts of the others are not seen by anybody.
func TestS3Race(t *testing.T) {
	server := s3test.Start(t)
	shelf := bucket(t, server, server.URL, "race")
	for _, size := range []int{1 << 20, 18 << 20} {
		held, data := build(t, size)
		var won atomic.Int64
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				err := shelf.Create(t.Context(), held.Disk.File(), bytes.NewReader(data), int64(len(data)), sha256.Sum256(data))
				if err == nil {
					won.Add(1)
				} else if !errors.Is(err, fs.ErrExist) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if won.Load() != 1 {
			t.Errorf("%d of 4 created a disk of %d bytes", won.Load(), size)
		}
		fetch(t, held.Disk, data, shelf)
	}
}

// TestS3Weather: requests fail, answers are lost and torn, and in the end the disk is there, and here.
func TestS3Weather(t *testing.T) {
	server := s3test.Start(t)
	bucket(t, server, server.URL, "weather") // in good weather
	way := s3test.Between(t, server, 7)
	held, data := build(t, 6<<20)
	far, err := s3.Open(s3.Options{
		Bucket: "images", Prefix: "weather", Endpoint: way.URL, AccessKey: server.AccessKey,
		SecretKey: publish.Secret{Name: "AWS_SECRET_ACCESS_KEY", Value: server.SecretKey},
	})
	if err != nil {
		t.Fatal(err)
	}
	way.Set(s3test.Weather{Fail: 0.1, Lost: 0.1, Torn: 0.1})
	if _, err := store.Upload(t.Context(), far, held, nil); err != nil {
		t.Fatal(err)
	}
	fetch(t, held.Disk, data, far)
	t.Logf("the requests met %v", way.Seen())
}

// TestS3Corrupt: an object that decayed on the server is not used, and replaced by the next upload.
func TestS3Corrupt(t *testing.T) {
	server := s3test.Start(t)
	shelf := bucket(t, server, server.URL, "corrupt")
	held, data := build(t, 1<<20)
	wrong := bytes.Clone(data)
	wrong[500_000] ^= 0x80
	if err := shelf.Put(t.Context(), held.Disk.File(), bytes.NewReader(wrong), publish.Meta{}); err != nil {
		t.Fatal(err)
	}
	got, err := open(t, t.TempDir()).Get(t.Context(), held.Disk, []store.Source{shelf}, nil)
	if _, damaged := errors.AsType[*store.DamagedError](err); !damaged || got != nil {
		t.Errorf("it was not refused: %v", err)
	}
	if uploaded, err := store.Upload(t.Context(), shelf, held, nil); err != nil || !uploaded {
		t.Errorf("it was not replaced: %v", err)
	}
	fetch(t, held.Disk, data, shelf)
}

// at is a clock that stands.
func at(now time.Time) func() time.Time { return func() time.Time { return now } }
