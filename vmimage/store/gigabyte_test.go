package store

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cyborg-bots/cyborg/vmimage"
)

// gigabyte is as large as disks are.
const gigabyte = 1 << 30

// large makes a disk of a gigabyte, most of which is zero as in disks, and gives its file.
func large(t *testing.T) (vmimage.Disk, string) {
	t.Helper()
	_, piece := newDisk(t, "gigabyte", 1<<20)
	f, err := os.Create(filepath.Join(t.TempDir(), "disk"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for off := int64(0); off < gigabyte; off += 16 << 20 {
		if _, err := f.WriteAt(piece, off); err != nil {
			t.Fatal(err)
		}
		piece[4096]++ // no two are alike, and the head stays
	}
	if err := f.Truncate(gigabyte); err != nil {
		t.Fatal(err)
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, io.NewSectionReader(f, 0, gigabyte)); err != nil {
		t.Fatal(err)
	}
	disk, err := vmimage.NewDisk("gigabyte", [sha256.Size]byte(sum.Sum(nil)))
	if err != nil {
		t.Fatal(err)
	}
	return disk, f.Name()
}

// meter counts what an answer sends, and calls stop when all answers together have sent so much.
type meter struct {
	http.ResponseWriter
	sent *atomic.Int64
	most int64
	stop func()
}

// Write implements io.Writer.
func (m meter) Write(p []byte) (int, error) {
	if m.sent.Add(int64(len(p))) >= m.most {
		m.stop()
	}
	return m.ResponseWriter.Write(p)
}

// TestResumeGigabyte: the download of a gigabyte is interrupted half way, and another bot goes on where it was: with the
// sizes that are used in earnest.
func TestResumeGigabyte(t *testing.T) {
	disk, file := large(t)
	var sent atomic.Int64
	ctx, cancel := context.WithCancel(t.Context())
	most := int64(gigabyte / 2)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, err := os.Open(file)
		if err != nil {
			t.Error(err)
			return
		}
		defer f.Close()
		http.ServeContent(meter{w, &sent, most, cancel}, r, "disk.qcow2", time.Time{}, f)
	}))
	defer s.Close()
	from, err := NewWeb(s.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	began := time.Now()
	if _, err := openCache(t, dir, Options{Spare: 1}).Get(ctx, disk, []Source{from}, nil); !errors.Is(err, context.Canceled) {
		t.Fatalf("interrupted: %v", err)
	}
	s.CloseClientConnections()
	sent.Store(0)
	held, err := openCache(t, dir, Options{Spare: 1}).Get(t.Context(), disk, []Source{from}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	t.Logf("%d MB of %d came in the second part, %v in all", sent.Load()>>20, gigabyte>>20, time.Since(began).Round(time.Millisecond))
	// Parts under way when it was interrupted are fetched again, four of 8 MiB, and what their server had sent ahead.
	if got := sent.Load(); got > gigabyte/2+128<<20 {
		t.Errorf("after half of it, %d MB were fetched again", got>>20)
	}
	info, err := os.Stat(held.Path)
	if err != nil || info.Size() != gigabyte {
		t.Fatalf("it has %d bytes, %v", info.Size(), err)
	}
	if st, ok := info.Sys().(*syscall.Stat_t); !ok || st.Blocks*512 > 2*gigabyte/16 {
		t.Errorf("a sixteenth of it is data, and it takes %d bytes", st.Blocks*512)
	}
	if sum, err := sumOf(t.Context(), held.file, func(int64) {}); err != nil || disk != mustDisk(t, sum) {
		t.Errorf("its sum is %x, %v", sum, err)
	}
}

func mustDisk(t *testing.T, sum [sha256.Size]byte) vmimage.Disk {
	t.Helper()
	d, err := vmimage.NewDisk("gigabyte", sum)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
