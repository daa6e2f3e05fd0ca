package publish

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// numbered are lines that tell their own number.
func numbered(from, to int) string {
	var b strings.Builder
	for n := from; n < to; n++ {
		fmt.Fprintf(&b, "line %06d\n", n)
	}
	return b.String()
}

func openSpool(t *testing.T, limit int64) *spool {
	t.Helper()
	s := newSpool(t.TempDir(), limit)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if left, err := os.ReadDir(s.dir); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
	})
	return s
}

// wholeText is the finished log.
func wholeText(t *testing.T, s *spool, limit int64) (string, *Cut) {
	t.Helper()
	r, cut, err := s.whole(limit)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(data), cut
}

func TestSpoolKeepsAllUpToTheLimit(t *testing.T) {
	s := openSpool(t, 10_000)
	want := numbered(0, 833) // 9,996 bytes
	for rest := want; rest != ""; {
		n := min(7, len(rest))
		fmt.Fprint(s, rest[:n])
		rest = rest[n:]
	}
	got, cut := wholeText(t, s, 10_000)
	if got != want || cut != nil || s.Lines() != 833 {
		t.Errorf("got %d bytes, %d lines, cut %+v", len(got), s.Lines(), cut)
	}
}

// A job that prints far too much keeps its beginning and its end.
func TestSpoolCutsTheMiddle(t *testing.T) {
	const limit = 12_000
	s := openSpool(t, limit)
	for n := range 100 {
		fmt.Fprint(s, numbered(n*1000, n*1000+1000))
		if files, err := os.ReadDir(s.dir); err != nil || len(files) > 18 {
			t.Fatalf("%d scratch files, %v", len(files), err)
		}
	}
	got, cut := wholeText(t, s, limit)
	if len(got) > limit+limit/16+1000 || len(got) < limit-1000 {
		t.Errorf("the log has %d bytes, the limit is %d", len(got), limit)
	}
	lines := strings.Split(strings.TrimSuffix(got, "\n"), "\n")
	if lines[0] != "line 000000" || lines[len(lines)-1] != "line 099999" {
		t.Errorf("begins %q, ends %q", lines[0], lines[len(lines)-1])
	}
	if want := fmt.Sprintf("[cyborg: %d lines (", cut.Lines); !strings.HasPrefix(lines[cut.Line-1], want) || !strings.Contains(lines[cut.Line-1], "the limit of a log is 12 kB") {
		t.Errorf("line %d is %q", cut.Line, lines[cut.Line-1])
	}
	if want := fmt.Sprintf("line %06d", cut.Line-1+cut.Lines); lines[cut.Line] != want {
		t.Errorf("after the cut of %d lines at %d comes %q, want %q", cut.Lines, cut.Line, lines[cut.Line], want)
	}
	if cut.Bytes != 1_200_000-int64(len(got)-len(lines[cut.Line-1])-1) {
		t.Errorf("%d bytes are said to be missing", cut.Bytes)
	}
}

// One line without end has no place where it could be cut well.
func TestSpoolCutsALineWithoutEnd(t *testing.T) {
	s := openSpool(t, 1_000_000)
	for range 30 {
		fmt.Fprint(s, strings.Repeat("x", 100_000))
	}
	if got, cut := wholeText(t, s, 1_000_000); cut == nil || len(got) > 1_100_000 || strings.Count(got, "\n") != 1 {
		t.Errorf("%d bytes, cut %+v", len(got), cut)
	}
}

func TestSpoolReadAt(t *testing.T) {
	s := openSpool(t, 1000)
	seed := rand.Uint64()
	rnd := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)
	var all bytes.Buffer
	for all.Len() < 5000 {
		part := bytes.Repeat([]byte{byte(rnd.IntN(256))}, rnd.IntN(100))
		all.Write(part)
		if _, err := s.Write(part); err != nil {
			t.Fatal(err)
		}
	}
	from, to, _ := s.Gap()
	if from < 500 || int64(all.Len())-to < 500 {
		t.Fatalf("gap %d to %d of %d", from, to, all.Len())
	}
	for range 2000 {
		at, n := rnd.IntN(all.Len()), rnd.IntN(400)
		got := make([]byte, n)
		done, err := s.ReadAt(got, int64(at))
		end := min(at+n, all.Len())
		switch {
		case n > 0 && int64(at) < to && int64(end) > from:
			if !errors.Is(err, errGivenUp) {
				t.Fatalf("%d bytes at %d: %v, want errGivenUp", n, at, err)
			}
		case !bytes.Equal(got[:done], all.Bytes()[at:end]) || (err == io.EOF) != (done < n):
			t.Fatalf("%d bytes at %d: got %d, %v", n, at, done, err)
		}
	}
}

// The scratch disk is full for a while: the log says what is missing, and no
// writer ever sees an error.
func TestSpoolOnAFullDisk(t *testing.T) {
	s := openSpool(t, 1_000_000)
	fmt.Fprint(s, "before\nhalf a line")
	good := s.parts[0].f
	full, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	s.parts[0].f = full
	for range 3 {
		if n, err := s.Write([]byte("lost\n")); n != 5 || err != nil {
			t.Errorf("write on a full disk: %d, %v", n, err)
		}
	}
	if lost, cause := s.Lost(); lost != 15 || !errors.Is(cause, syscall.ENOSPC) {
		t.Errorf("lost %d, %v", lost, cause)
	}
	s.parts[0].f = good
	if err := full.Close(); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(s, "after\n")
	got, _ := wholeText(t, s, 1_000_000)
	want := "before\nhalf a line\n[cyborg: 15 bytes of the log are lost here: write /dev/full: no space left on device]\nafter\n"
	if got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if lost, cause := s.Lost(); lost != 0 || cause == nil {
		t.Errorf("at the end: lost %d, %v", lost, cause)
	}
}

// What the chunks of a live log cost, against what issue and doc.go promise:
// with equal flushes, the finished log included, 1 + log2(flushes)/2 times the
// log's bytes and O(log n) objects.
func TestPlanCost(t *testing.T) {
	var chunks []Chunk
	sent, most := int64(0), 0
	for flushes := 1; flushes <= 4096; flushes++ {
		size := int64(flushes) * 100 // the last flush is log.txt
		factor, bound := float64(sent+size)/float64(size), 1+math.Log2(float64(flushes))/2
		if factor > bound || most > 32 {
			t.Fatalf("%d flushes cost %.2f times the log and up to %d objects, want at most %.2f and 32", flushes, factor, most, bound)
		}
		if flushes == 4096 {
			t.Logf("%d flushes: %.2f times the log (bound %.2f), up to %d objects", flushes, factor, bound, most)
		}
		next := Chunk{From: size - 100, To: size, Line: flushes}
		chunks = extend(chunks, next, math.MaxInt64, func(Chunk) bool { return true })
		sent += chunks[len(chunks)-1].size()
		most = max(most, len(chunks))
	}
}

// Whatever sizes the flushes have: nothing is missing, nothing is there twice,
// and both costs stay logarithmic.
func TestPlanOfUnevenFlushes(t *testing.T) {
	seed := rand.Uint64()
	rnd := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)
	for range 50 {
		var chunks []Chunk
		sent, size, scale := int64(0), int64(0), 1+rnd.IntN(1_000_000)
		for n := range 3000 {
			next := Chunk{From: size, To: size + 1 + rnd.Int64N(int64(scale)), Line: n}
			if rnd.IntN(100) == 0 {
				next.To += rnd.Int64N(1_000_000)
			}
			chunks = extend(chunks, next, math.MaxInt64, func(Chunk) bool { return true })
			size = next.To
			sent += chunks[len(chunks)-1].size()
			end := int64(0)
			for _, c := range chunks {
				if c.From != end {
					t.Fatalf("chunks %+v", chunks)
				}
				end = c.To
			}
			if end != size {
				t.Fatalf("%d of %d bytes", end, size)
			}
		}
		if bound := math.Log(float64(size)) / math.Log(1+1.0/growth); float64(len(chunks)) > bound {
			t.Errorf("%d chunks, want at most %.0f", len(chunks), bound)
		}
		if factor := float64(sent) / float64(size); factor > 1+math.Log2(3000) {
			t.Errorf("sent %.1f times the log", factor)
		}
	}
}

func TestPlanLeavesAlone(t *testing.T) {
	whole := func(Chunk) bool { return true }
	for name, tt := range map[string]struct {
		chunks   []Chunk
		next     Chunk
		most     int64
		readable func(Chunk) bool
		want     []Chunk
	}{
		"first":         {nil, Chunk{0, 5, 0}, 100, whole, []Chunk{{0, 5, 0}}},
		"joins":         {[]Chunk{{0, 1, 0}}, Chunk{1, 11, 1}, 100, whole, []Chunk{{0, 11, 0}}},
		"not enough":    {[]Chunk{{0, 2, 0}}, Chunk{2, 11, 1}, 100, whole, []Chunk{{0, 2, 0}, {2, 11, 1}}},
		"too long":      {[]Chunk{{0, 1, 0}}, Chunk{1, 11, 1}, 10, whole, []Chunk{{0, 1, 0}, {1, 11, 1}}},
		"behind a gap":  {[]Chunk{{0, 1, 0}}, Chunk{2, 50, 9}, 100, whole, []Chunk{{0, 1, 0}, {2, 50, 9}}},
		"not there now": {[]Chunk{{0, 1, 0}}, Chunk{1, 50, 9}, 100, func(Chunk) bool { return false }, []Chunk{{0, 1, 0}, {1, 50, 9}}},
	} {
		if got := extend(tt.chunks, tt.next, tt.most, tt.readable); cmp.Diff(tt.want, got) != "" {
			t.Errorf("%s: got %v, want %v", name, got, tt.want)
		}
	}
}

func TestBytes(t *testing.T) {
	for n, want := range map[int64]string{0: "0 bytes", 999: "999 bytes", 1000: "1.0 kB", 9_949: "9.9 kB", 9_950: "10 kB", 999_499: "999 kB", 999_500: "1.0 MB", 100e6: "100 MB", 1e9: "1.0 GB"} {
		if got := Bytes(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}
