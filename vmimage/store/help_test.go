package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cyborg-bots/cyborg/vmimage"
)

// quick are options of a cache whose tries are not slowed down.
func quick() Options {
	return Options{Chunk: 64 << 10, Pause: time.Millisecond, Spare: 1, Tries: 30}
}

// newDisk makes up a disk of n bytes that a cache accepts; half of it is zero.
func newDisk(t testing.TB, name string, n int) (vmimage.Disk, []byte) {
	t.Helper()
	data := make([]byte, n)
	random := rand.NewChaCha8([32]byte([]byte(fmt.Sprintf("%-32.32s", name))))
	_, _ = random.Read(data[:n/2])
	head := make([]byte, 112)
	copy(head, "QFI\xfb")
	binary.BigEndian.PutUint32(head[4:], 3)
	binary.BigEndian.PutUint64(head[24:], 1<<30)
	copy(data, head)
	disk, err := vmimage.NewDisk(name, sha256.Sum256(data))
	if err != nil {
		t.Fatal(err)
	}
	return disk, data
}

// server is a web server of disks with faults.
type server struct {
	*httptest.Server
	sent     atomic.Int64 // bytes of disks
	requests atomic.Int64

	mu    sync.Mutex
	files map[string][]byte
	wrong func(w http.ResponseWriter, r *http.Request, data []byte) bool // true: it has answered
}

// serve starts a server that has the disks.
func serve(t testing.TB, files map[string][]byte) *server {
	t.Helper()
	s := &server{files: files}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

// ServeHTTP implements http.Handler.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.requests.Add(1)
	s.mu.Lock()
	data, ok := s.files[strings.TrimPrefix(r.URL.Path, "/")]
	wrong := s.wrong
	s.mu.Unlock()
	if !ok {
		http.NotFound(w, r)
		return
	}
	w = &counting{w, &s.sent}
	if wrong != nil && wrong(w, r, data) {
		return
	}
	http.ServeContent(w, r, "disk", time.Time{}, bytes.NewReader(data))
}

// set changes how the server answers.
func (s *server) set(wrong func(w http.ResponseWriter, r *http.Request, data []byte) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wrong = wrong
}

// source is the server as a Source.
func (s *server) source(t testing.TB) *Web {
	t.Helper()
	w, err := NewWeb(s.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// counting counts what is sent.
type counting struct {
	http.ResponseWriter
	n *atomic.Int64
}

// Write implements io.Writer.
func (c *counting) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p)
	c.n.Add(int64(n))
	return n, err
}

// Unwrap is for http.ResponseController.
func (c *counting) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// cut begins an answer as asked, sends n bytes of it and breaks the connection.
func cut(w http.ResponseWriter, r *http.Request, data []byte, n int) {
	off, end := asked(r, len(data))
	n = min(n, end-off)
	w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", off, end-1, len(data)))
	w.Header().Set("Content-Length", strconv.Itoa(end-off))
	w.WriteHeader(http.StatusPartialContent)
	_, _ = w.Write(data[off : off+n])
	_ = http.NewResponseController(w).Flush()
	conn, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		conn.Close()
	}
}

// asked is the range of a request.
func asked(r *http.Request, size int) (off, end int) {
	if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &off, &end); err != nil {
		return 0, size
	}
	return off, min(end+1, size)
}

// openCache opens a cache in dir.
func openCache(t testing.TB, dir string, o Options) *Cache {
	t.Helper()
	c, err := OpenCache(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// mustGet gets a disk and compares it.
func mustGet(t testing.TB, c *Cache, disk vmimage.Disk, data []byte, from ...Source) {
	t.Helper()
	held, err := c.Get(t.Context(), disk, from, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	have, err := os.ReadFile(held.Path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, data) {
		t.Fatalf("%s is not what was put there", held.Path)
	}
}

// leftovers lists what is in a cache beside whole disks and what is known of them.
func leftovers(t testing.TB, dir string) []string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range list {
		if _, err := vmimage.ParseDisk(e.Name()); err == nil || strings.HasSuffix(e.Name(), ".checked") || strings.HasSuffix(e.Name(), ".lock") {
			continue
		}
		names = append(names, e.Name())
	}
	return names
}

// refused fails unless a disk was refused as damaged and is not in the cache.
func refused(t *testing.T, c *Cache, disk vmimage.Disk, err error) {
	t.Helper()
	if _, ok := errors.AsType[*DamagedError](err); !ok {
		t.Errorf("the disk was not refused: %v", err)
	}
	if _, err := os.Stat(filepath.Join(c.dir, disk.File())); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the disk is in the cache: %v", err)
	}
}

// named is the disk with this content.
func named(t testing.TB, name string, data []byte) vmimage.Disk {
	t.Helper()
	disk, err := vmimage.NewDisk(name, sha256.Sum256(data))
	if err != nil {
		t.Fatal(err)
	}
	return disk
}
