package store

import (
	"errors"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// BenchmarkGet compares the whole of a Get, which includes its sum, with curl, which makes none, on the same 256 MB
// from the same server, in turns, of which each begins every other one. "of-curl" is curl's time as a share of ours: 1 is
// as fast, 0.9 is promised. The quickest rounds count, so that others' work does not:
//
//	go test -run '^$' -bench Get -benchtime 10x ./vmimage/store
func BenchmarkGet(b *testing.B) {
	const size = 256 << 20
	_, data := newDisk(b, "large", size)
	random := rand.NewChaCha8([32]byte{1})
	_, _ = random.Read(data[1<<20:])
	disk := named(b, "large", data)
	dir := b.TempDir()
	file := filepath.Join(dir, disk.File())
	if err := os.WriteFile(file, data, 0o600); err != nil {
		b.Fatal(err)
	}
	s := httptest.NewServer(http.FileServer(http.Dir(dir)))
	defer s.Close()
	from, err := NewWeb(s.URL, nil)
	if err != nil {
		b.Fatal(err)
	}
	to, cache := filepath.Join(dir, "curl"), filepath.Join(dir, "cache")
	our, curl := time.Hour, time.Hour
	ways := []func(){func() {
		began := time.Now()
		if out, err := exec.CommandContext(b.Context(), "curl", "-sS", "-o", to, s.URL+"/"+disk.File()).CombinedOutput(); err != nil {
			b.Fatalf("curl: %v: %s", err, out)
		}
		curl = min(curl, time.Since(began))
	}, func() {
		c := openCache(b, cache, Options{Spare: 1})
		began := time.Now()
		held, err := c.Get(b.Context(), disk, []Source{from}, nil)
		if err != nil {
			b.Fatal(err)
		}
		our = min(our, time.Since(began))
		held.Close()
	}}
	for b.Loop() {
		for _, way := range ways {
			way()
			if err := errors.Join(os.RemoveAll(to), os.RemoveAll(cache)); err != nil {
				b.Fatal(err)
			}
		}
		slices.Reverse(ways)
	}
	b.ReportMetric(curl.Seconds()/our.Seconds(), "of-curl")
	b.ReportMetric(size/1e6/our.Seconds(), "MB/s")
}
