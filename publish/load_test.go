package publish_test

import (
	"context"
	"runtime"
	"strings"
	"testing"

	"github.com/cyborg-bots/cyborg/publish"
	"github.com/cyborg-bots/cyborg/publish/dir"
	"github.com/cyborg-bots/cyborg/publish/publishtest"
)

// A fast job and a store that hangs: the log waits on disk, not in memory.
func TestMemoryIsBounded(t *testing.T) {
	s, i := openDir(t), info(t)
	i.Limits.Log = 32e6
	release := make(chan struct{})
	a := begin(t, &weather{Store: s, storm: func(ctx context.Context, _ string) error {
		select {
		case <-ctx.Done():
		case <-release:
		}
		return ctx.Err()
	}}, i)
	line := []byte(strings.Repeat("0123456789abcde\n", 4096))
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for range 2000 { // 131 MB
		if _, err := a.Write(line); err != nil {
			t.Fatal(err)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 8e6 {
		t.Errorf("the heap has grown by %d bytes", grown)
	}
	close(release)
	finish(t, a, publish.StateSuccess, "")
}

// BenchmarkEightJobs is one bot with eight jobs that print 1 MB a second each
// for twelve seconds, on a directory; publish/s3 has the same for a bucket.
func BenchmarkEightJobs(b *testing.B) {
	d, err := dir.Open(b.TempDir(), dir.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer d.Close()
	publishtest.Load(b, d)
}
