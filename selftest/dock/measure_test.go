//go:build docker

package dock

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What the issue of the image asks for.
const (
	mostCompressed = 80 << 20 // of the image over its base
	mostMemory     = 40 << 10 // KiB of an idle bot
	mostToScan     = time.Second
)

const quickTask = `#!/bin/sh
# check: say yes
# on: pull request
# in: host
# timeout: 2 minutes
exit 0
`

// TestMeasure: how large the image is, how soon a bot looks at GitHub, how much an idle bot needs. A machine may be busy,
// so of three starts the fastest counts.
func TestMeasure(t *testing.T) {
	d := enter(t, 5*time.Minute, "acme/widget")
	d.open("acme/widget", "check", quickTask, 0)
	layers := d.layers()
	over := int64(0)
	for _, n := range layers[1:] {
		over += n
	}
	t.Logf("%s: %.1f MB compressed over its base of %.1f MB", image, float64(over)/1e6, float64(layers[0])/1e6)
	if over > mostCompressed {
		t.Errorf("more than %d MB", mostCompressed>>20)
	}
	var best time.Duration
	for i := range 3 {
		name := d.bot(fmt.Sprintf("bot-%d", i), "acme/widget", "--poll", "1s")
		var took time.Duration
		d.until("the bot has looked at GitHub", func() bool { took = d.toFirstScan(name); return took > 0 })
		t.Logf("start %d: %.2f s to the first scan", i+1, took.Seconds())
		if best == 0 || took < best {
			best = took
		}
		if i < 2 {
			d.docker("rm", "--force", name)
		}
	}
	if best > mostToScan {
		t.Errorf("the first scan comes %v after the start, at best", best)
	}
	d.until("the bot has looked ten times", func() bool { return d.scans() >= 10+3 })
	d.until("the container is healthy", func() bool { _, err := d.try("exec", d.bots[2], "cyborg", "health"); return err == nil })
	kib := d.memory(d.bots[2])
	t.Logf("an idle bot needs %.1f MB", float64(kib)/1e3)
	if kib > mostMemory {
		t.Errorf("more than %d MB", mostMemory>>10)
	}
	t.Logf("it says:\n%s", d.logs(d.bots[2]))
}

// layers gives the compressed sizes of the image's layers, the base first.
func (d *dock) layers() []int64 {
	d.t.Helper()
	file := filepath.Join(d.t.TempDir(), "image.tar")
	d.docker("save", "--output", file, image)
	var manifest []struct{ Layers []string }
	sizes := map[string]int64{}
	f, err := os.Open(file)
	if err != nil {
		d.t.Fatal(err)
	}
	defer f.Close()
	for r := tar.NewReader(f); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			d.t.Fatal(err)
		}
		if h.Name == "manifest.json" {
			if err := json.NewDecoder(r).Decode(&manifest); err != nil {
				d.t.Fatal(err)
			}
			continue
		}
		size := counter(0)
		zip := gzip.NewWriter(&size)
		if _, err := io.Copy(zip, r); err != nil {
			d.t.Fatal(err)
		}
		if err := zip.Close(); err != nil {
			d.t.Fatal(err)
		}
		sizes[h.Name] = int64(size)
	}
	var list []int64
	for _, name := range manifest[0].Layers {
		list = append(list, sizes[name])
	}
	return list
}

// A counter is a writer that only counts.
type counter int64

func (c *counter) Write(p []byte) (int, error) { *c += counter(len(p)); return len(p), nil }

// requests lists when the bots' account asked GitHub for all pull requests.
func (d *dock) requests() []time.Time {
	d.t.Helper()
	var journal string
	if err := d.api("ada", "GET", "_journal", nil, &journal); err != nil {
		d.t.Fatal(err)
	}
	var list []time.Time
	for line := range strings.Lines(journal) {
		var e struct {
			Time        time.Time
			Actor, Path string
		}
		if json.Unmarshal([]byte(line), &e) == nil && e.Actor == "cyborg" && strings.HasSuffix(e.Path, "/graphql") {
			list = append(list, e.Time)
		}
	}
	return list
}

func (d *dock) scans() int { return len(d.requests()) }

// toFirstScan is how long after its container's start a bot looked at GitHub first; 0 if it has not.
func (d *dock) toFirstScan(name string) time.Duration {
	d.t.Helper()
	started, err := time.Parse(time.RFC3339Nano, d.docker("inspect", "--format", "{{.State.StartedAt}}", name))
	if err != nil {
		d.t.Fatal(err)
	}
	for _, at := range d.requests() {
		if at.After(started) {
			return at.Sub(started)
		}
	}
	return 0
}

// memory is what the bot's process holds in memory, in KiB.
func (d *dock) memory(name string) int {
	d.t.Helper()
	pid := d.docker("inspect", "--format", "{{.State.Pid}}", name)
	out, err := exec.CommandContext(d.ctx, "ps", "--ppid", pid, "-o", "rss=").Output()
	if err != nil {
		d.t.Fatal(err)
	}
	var kib int
	if _, err := fmt.Sscan(string(out), &kib); err != nil {
		d.t.Fatal(err)
	}
	return kib
}
