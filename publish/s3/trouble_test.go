package s3_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cyborg-bots/cyborg/publish"
	"github.com/cyborg-bots/cyborg/publish/s3"
	"github.com/cyborg-bots/cyborg/publish/s3/s3test"
)

// troubled is a job whose logs go to a real server on a bad way.
type troubled struct {
	*publish.Attempt
	t      *testing.T
	direct *s3.Store // past the bad way
	way    *s3test.Proxy
	said   bytes.Buffer
	dir    string
}

func trouble(t *testing.T, patience time.Duration) *troubled {
	server := s3test.Start(t)
	j := &troubled{t: t, direct: open(t, options(server)), way: s3test.Between(t, server, 7), dir: t.TempDir()}
	o := options(server)
	o.Endpoint = j.way.URL
	store, err := s3.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	j.Attempt, err = publish.Begin(t.Context(), store, publish.Info{
		Repo: "acme/widget", Task: "verify", Pull: 7, Line: "cyborg verify", Limits: publish.Limits{Flush: 50 * time.Millisecond, Patience: patience},
	})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(&j.said, "cyborg verify")
	return j
}

// says prints lines until stop says so.
func (j *troubled) says(until func(lines int) bool) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for n := 0; !until(n); n++ {
		line := fmt.Sprintf("line %d %s\n", n, strings.Repeat("x", n%500))
		j.said.WriteString(line)
		if _, err := io.WriteString(j.Attempt, line); err != nil {
			j.t.Fatal(err)
		}
		select {
		case <-tick.C:
		case <-j.t.Context().Done():
			j.t.Fatal("time is over")
		}
	}
}

// attaches publishes two files, one in parts.
func (j *troubled) attaches() map[string][]byte {
	files := map[string][]byte{"files/small.bin": []byte("\x00small"), "files/core.bin": bytes.Repeat([]byte("\x00core dump"), 900_000)}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(j.dir, filepath.Base(name)), data, 0o600); err != nil {
			j.t.Fatal(err)
		}
	}
	if err := j.Artifacts(j.t.Context(), j.dir); err != nil {
		j.t.Fatal(err)
	}
	return files
}

// Whatever the way does, all that the job said and left is there in the end,
// and nothing that was only for the time in which it ran.
func TestTroubleLosesNothing(t *testing.T) {
	t.Parallel()
	for name, weather := range map[string]s3test.Weather{
		"one in ten fails": {Fail: 0.06, Lost: 0.02, Torn: 0.02},
		"slow down":        {Slow: 0.1},
		"slow":             {Delay: 200 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := trouble(t, 10*time.Minute)
			j.way.Set(weather)
			j.says(func(lines int) bool { return lines == 80 })
			files := j.attaches()
			j.says(func(lines int) bool { return lines == 20 })
			if err := j.Finish(t.Context(), publish.Outcome{State: publish.StateSuccess}); err != nil {
				t.Fatalf("%v (seen %v)", err, j.way.Seen())
			}
			t.Logf("requests: %v", j.way.Seen())
			j.complete(files)
		})
	}
}

// complete checks the store's content.
func (j *troubled) complete(files map[string][]byte) {
	j.t.Helper()
	files["log.txt"] = j.said.Bytes()
	for name, want := range files {
		if got, err := get(j.t, j.direct, j.Prefix()+"/"+name); err != nil || !bytes.Equal(got, want) {
			j.t.Errorf("%s: %v, %d bytes, want %d", name, err, len(got), len(want))
		}
	}
	var names []string
	for e, err := range j.direct.List(j.t.Context(), j.Prefix()+"/") {
		if err != nil {
			j.t.Fatal(err)
		}
		names = append(names, strings.TrimPrefix(e.Name, j.Prefix()+"/"))
	}
	want := []string{"files/core.bin", "files/small.bin", "junit.xml", "log.html", "log.json", "log.txt", "results.json"}
	if !slices.Equal(names, want) {
		j.t.Errorf("there are %q, want %q", names, want)
	}
}

// The store is away for a while: the job goes on as if nothing were, and its log
// follows when the store is back.
func TestGoneForAWhile(t *testing.T) {
	t.Parallel()
	j := trouble(t, 10*time.Minute)
	j.says(func(int) bool { return j.way.Seen()["well"] > 5 })
	j.way.Set(s3test.Weather{Gone: true})
	// The job prints, and ends its prints, while no request gets through.
	j.says(func(lines int) bool { return lines > 100 && j.way.Seen()["gone"] > 10 })
	files := j.attaches()
	finished := make(chan error, 1)
	go func() { finished <- j.Finish(t.Context(), publish.Outcome{State: publish.StateFailure}) }()
	before := j.way.Seen()["gone"]
	for j.way.Seen()["gone"] < before+3 {
		select {
		case err := <-finished:
			t.Fatalf("finished without a store: %v", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
	j.way.Set(s3test.Weather{})
	if err := <-finished; err != nil {
		t.Fatal(err)
	}
	j.complete(files)
}

// The store stays away: whoever ends the job hears it, and does not wait longer
// than its patience; what was sent before can be read.
func TestGoneForGood(t *testing.T) {
	t.Parallel()
	j := trouble(t, time.Millisecond)
	j.says(func(int) bool { return j.way.Seen()["well"] > 5 })
	j.way.Set(s3test.Weather{Gone: true})
	j.says(func(int) bool { return j.way.Seen()["gone"] > 0 })
	if err := j.Finish(t.Context(), publish.Outcome{State: publish.StateSuccess}); !errors.Is(err, publish.ErrNoLog) {
		t.Errorf("finish: %v, want ErrNoLog", err)
	}
	var log []byte
	for e, err := range j.direct.List(t.Context(), j.Prefix()+"/log.") {
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(e.Name, ".txt") {
			data, _ := get(t, j.direct, e.Name)
			log = append(log, data...)
		}
	}
	if len(log) == 0 || !bytes.Contains(log, []byte("cyborg verify\n")) {
		t.Errorf("of what was sent before there are %d bytes", len(log))
	}
}
