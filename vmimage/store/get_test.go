package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/cyborg-bots/cyborg/vmimage"
)

func TestGet(t *testing.T) {
	disk, data := newDisk(t, "plain", 1<<20+4711)
	s := serve(t, map[string][]byte{disk.File(): data})
	c := openCache(t, t.TempDir(), quick())
	mustGet(t, c, disk, data, s.source(t))
	asked := s.requests.Load()
	mustGet(t, c, disk, data, s.source(t))
	if got := s.requests.Load(); got != asked {
		t.Errorf("the second time took %d requests", got-asked)
	}
	info, err := os.Stat(filepath.Join(c.dir, disk.File()))
	if err != nil || info.Mode().Perm() != 0o444 {
		t.Errorf("the disk can be written to: %v, %v", info.Mode(), err)
	}
	if st, ok := info.Sys().(*syscall.Stat_t); !ok || st.Blocks*512 > info.Size()*3/4 {
		t.Errorf("the disk is half zeros and takes %d of %d bytes", st.Blocks*512, info.Size())
	}
	if left := leftovers(t, c.dir); len(left) > 0 {
		t.Errorf("these are left: %q", left)
	}
	none, _ := newDisk(t, "none", 1000)
	if _, err := c.Get(t.Context(), none, []Source{s.source(t)}, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a disk that is nowhere: %v", err)
	}
	if _, err := c.Get(t.Context(), vmimage.Disk{Name: "../x", Digest: disk.Digest}, []Source{s.source(t)}, nil); err == nil {
		t.Error("a name that leads elsewhere was accepted")
	}
}

// TestFaults gets a disk from servers on which every answer may go wrong.
func TestFaults(t *testing.T) {
	disk, data := newDisk(t, "faulty", 2<<20+1)
	for name, wrong := range map[string]func(*rand.Rand, http.ResponseWriter, *http.Request, []byte) bool{
		"connections break": func(r *rand.Rand, w http.ResponseWriter, req *http.Request, data []byte) bool {
			if r.IntN(10) < 3 {
				return false
			}
			cut(w, req, data, r.IntN(64<<10))
			return true
		},
		"errors": func(r *rand.Rand, w http.ResponseWriter, _ *http.Request, _ []byte) bool {
			if r.IntN(2) == 0 {
				return false
			}
			w.WriteHeader([]int{500, 502, 503, 504, 429, 408}[r.IntN(6)])
			return true
		},
		"no ranges": func(_ *rand.Rand, w http.ResponseWriter, req *http.Request, _ []byte) bool {
			req.Header.Del("Range")
			w.Header().Set("Accept-Ranges", "none")
			return false
		},
		"silence": func(r *rand.Rand, _ http.ResponseWriter, req *http.Request, _ []byte) bool {
			if r.IntN(10) > 0 {
				return false
			}
			<-req.Context().Done()
			return true
		},
		"another range": func(r *rand.Rand, w http.ResponseWriter, req *http.Request, data []byte) bool {
			if r.IntN(3) > 0 {
				return false
			}
			req.Header.Set("Range", "bytes=17-")
			return false
		},
	} {
		t.Run(name, func(t *testing.T) {
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			random := rand.New(rand.NewPCG(seed, 0))
			var mu sync.Mutex
			s := serve(t, map[string][]byte{disk.File(): data})
			s.set(func(w http.ResponseWriter, r *http.Request, data []byte) bool {
				mu.Lock()
				own := rand.New(rand.NewPCG(random.Uint64(), 0))
				mu.Unlock()
				return wrong(own, w, r, data)
			})
			o := quick()
			o.Stall = 2 * time.Second
			c := openCache(t, t.TempDir(), o)
			mustGet(t, c, disk, data, s.source(t))
			if left := leftovers(t, c.dir); len(left) > 0 {
				t.Errorf("these are left: %q", left)
			}
		})
	}
}

// TestRefused: whatever is not the disk that is named is not used, and another source is.
func TestRefused(t *testing.T) {
	disk, data := newDisk(t, "wanted", 300_000)
	_, other := newDisk(t, "other", 300_000)
	flipped := bytes.Clone(data)
	flipped[200_000] ^= 1
	for name, there := range map[string][]byte{
		"corrupt": flipped, "truncated": data[:250_000], "longer": append(bytes.Clone(data), 0), "swapped": other, "head only": data[:104],
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, map[string][]byte{disk.File(): there})
			c := openCache(t, t.TempDir(), quick())
			held, err := c.Get(t.Context(), disk, []Source{s.source(t)}, nil)
			if held != nil {
				t.Error("it was given out")
			}
			refused(t, c, disk, err)
			good := serve(t, map[string][]byte{disk.File(): data})
			mustGet(t, c, disk, data, s.source(t), good.source(t))
		})
	}
	t.Run("empty", func(t *testing.T) {
		s := serve(t, map[string][]byte{disk.File(): {}})
		c := openCache(t, t.TempDir(), quick())
		if _, err := c.Get(t.Context(), disk, []Source{s.source(t)}, nil); err == nil {
			t.Error("an empty disk was taken")
		}
	})
	t.Run("endless", func(t *testing.T) {
		o := quick()
		o.Largest = 100_000
		s := serve(t, map[string][]byte{disk.File(): data})
		c := openCache(t, t.TempDir(), o)
		if _, err := c.Get(t.Context(), disk, []Source{s.source(t)}, nil); err == nil || s.sent.Load() > 100_000 {
			t.Errorf("%d bytes of a disk that is too large came: %v", s.sent.Load(), err)
		}
	})
}

// TestHostFile: a disk whose sum is right, and that would show its guest a file of the host.
func TestHostFile(t *testing.T) {
	_, data := newDisk(t, "backed", 300_000)
	binary.BigEndian.PutUint64(data[8:], 104)
	copy(data[104:], "/etc/shadow")
	disk := named(t, "backed", data)
	s := serve(t, map[string][]byte{disk.File(): data})
	c := openCache(t, t.TempDir(), quick())
	_, err := c.Get(t.Context(), disk, []Source{s.source(t)}, nil)
	refused(t, c, disk, err)
	if err == nil || !strings.Contains(err.Error(), "backing file") {
		t.Errorf("the error does not say why: %v", err)
	}
}

// TestCacheDecays: a disk in the cache that is changed, replaced or cut off is noticed and fetched anew.
func TestCacheDecays(t *testing.T) {
	disk, data := newDisk(t, "decays", 300_000)
	s := serve(t, map[string][]byte{disk.File(): data})
	for name, decay := range map[string]func(path string) error{
		"written to": func(path string) error {
			info, err := os.Stat(path)
			if err != nil {
				return err
			}
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			_, err = f.WriteAt([]byte{^data[5000]}, 5000)
			return errors.Join(err, f.Close(), os.Chtimes(path, info.ModTime(), info.ModTime()))
		},
		"cut off":  func(path string) error { return os.Truncate(path, 100_000) },
		"replaced": func(path string) error { return errors.Join(os.Remove(path), os.WriteFile(path, data[:1000], 0o600)) },
	} {
		t.Run(name, func(t *testing.T) {
			c := openCache(t, t.TempDir(), quick())
			mustGet(t, c, disk, data, s.source(t))
			path := filepath.Join(c.dir, disk.File())
			if err := errors.Join(os.Chmod(path, 0o644), decay(path)); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Get(t.Context(), disk, nil, nil); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("it was given out: %v", err)
			}
			mustGet(t, c, disk, data, s.source(t))
		})
	}
}

// TestResume: a download that is interrupted goes on where it was, also from another server.
func TestResume(t *testing.T) {
	disk, data := newDisk(t, "resumed", 4<<20)
	first := serve(t, map[string][]byte{disk.File(): data})
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	first.set(func(_ http.ResponseWriter, r *http.Request, _ []byte) bool {
		if first.sent.Load() < 3<<20 {
			return false
		}
		cancel() // and all others hang
		<-r.Context().Done()
		return true
	})
	if _, err := openCache(t, dir, quick()).Get(ctx, disk, []Source{first.source(t)}, nil); !errors.Is(err, context.Canceled) {
		t.Fatalf("interrupted: %v", err)
	}
	second := serve(t, map[string][]byte{disk.File(): data})
	mustGet(t, openCache(t, dir, quick()), disk, data, second.source(t))
	if sent := second.sent.Load(); sent > 2<<20 {
		t.Errorf("after 3 of 4 MB, %d bytes were fetched again", sent)
	}
}

// TestResumeDamaged: what had arrived was damaged meanwhile, so all is fetched anew.
func TestResumeDamaged(t *testing.T) {
	disk, data := newDisk(t, "resumed", 1<<20)
	s := serve(t, map[string][]byte{disk.File(): data})
	c := openCache(t, t.TempDir(), quick())
	partial, err := os.Create(c.aside(disk, "partial"))
	if err != nil {
		t.Fatal(err)
	}
	if err := partial.Truncate(1 << 20); err != nil {
		t.Fatal(err)
	}
	partial.Close()
	if err := os.WriteFile(c.aside(disk, "journal"), []byte("1048576 65536\n0\n1\n99\nx\n2"), 0o600); err != nil {
		t.Fatal(err)
	}
	mustGet(t, c, disk, data, s.source(t))
}

// TestOnce: however many bots wait for a disk, it is fetched once.
func TestOnce(t *testing.T) {
	disk, data := newDisk(t, "once", 2<<20)
	s := serve(t, map[string][]byte{disk.File(): data})
	dir := t.TempDir()
	var all sync.WaitGroup
	for range 12 {
		all.Go(func() {
			held, err := openCache(t, dir, quick()).Get(t.Context(), disk, []Source{s.source(t)}, nil)
			if err != nil {
				t.Error(err)
				return
			}
			held.Close()
		})
	}
	all.Wait()
	if sent := s.sent.Load(); sent > int64(len(data))+1 { // and one byte to learn the size
		t.Errorf("%d bytes were sent for a disk of %d", sent, len(data))
	}
}

// TestNoRoom: what does not fit is not begun, and the error says what to do.
func TestNoRoom(t *testing.T) {
	disk, data := newDisk(t, "large", 300_000)
	s := serve(t, map[string][]byte{disk.File(): data})
	o := quick()
	o.Spare = 1 << 60
	_, err := openCache(t, t.TempDir(), o).Get(t.Context(), disk, []Source{s.source(t), s.source(t)}, nil)
	if err == nil || !strings.Contains(err.Error(), "no room in") || s.sent.Load() > 1 {
		t.Errorf("%d bytes were sent: %v", s.sent.Load(), err)
	}
}

// TestSecretAddress: an address that is signed is in no error.
func TestSecretAddress(t *testing.T) {
	w, err := NewWeb("http://user:hunter2@127.0.0.1:1/images?X-Amz-Signature=hunter2", nil)
	if err != nil {
		t.Fatal(err)
	}
	o := quick()
	o.Tries = 2
	disk, _ := newDisk(t, "x", 1000)
	_, err = openCache(t, t.TempDir(), o).Get(t.Context(), disk, []Source{w}, nil)
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the error is %v", err)
	}
}
