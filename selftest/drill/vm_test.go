//go:build drill && vm

package drill

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cyborg-bots/cyborg/vmimage/machine/machinetest"
)

// machineTask is a task of the small image; it takes long enough that its bot can be killed under it, and so does what it
// leaves.
const machineTask = `#!/bin/sh
# verify: look around in a machine
# on: pull request
# in: vm
# image: busybox
# machines: peer
# needs: memory=128M
# results: tap
# artifacts: made.txt large
# timeout: 20 minutes
echo "1..3"
grep -q QEMU /sys/class/dmi/id/sys_vendor && echo "ok 1 a machine" || echo "not ok 1 a machine"
[ -f bots/verify ] && [ -z "$GITHUB_TOKEN" ] && echo "ok 2 the checkout and no token" || echo "not ok 2 the checkout and no token"
[ "$CYBORG_MACHINES: $(ssh peer hostname)" = "peer: peer" ] && echo "ok 3 a machine beside it" || echo "not ok 3 a machine beside it"
echo made >made.txt
dd if=/dev/zero of=large bs=1M count=64 2>/dev/null
sleep 3
`

// TestVMBot: a bot of an ordinary user does a job in a machine that has another beside it. It is killed while it fetches the disk, while the machine
// comes up, while the job runs, and while the artifacts are brought out; each next start takes away what was left and takes
// the job again. The last does it, and nothing is left.
func TestVMBot(t *testing.T) {
	const repo = "acme/widget"
	f := enter(t, 40*time.Minute, repo)
	shelf := newShelf(t)
	dir := f.path("widget")
	work := &toml{f: f, dir: dir}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	f.git(dir, "init", "-q", "-b", "main")
	f.git(dir, "remote", "add", "origin", f.remote(repo))
	work.script("bots/verify", machineTask, 0o755)
	work.script("bots/images/busybox", shelf.disk+"\n", 0o644)
	work.commit("Teach")
	work.push("main")
	work.branch("topic")
	work.script("README", "changed\n", 0o644)
	work.commit("Change")
	work.push("topic")
	_, sha := f.pull(repo, "topic", "A change")

	state := f.path("s")
	flags := []string{"--state", state, "--image-store", shelf.URL, "--poll", "1s", "--settle", "500ms", "--lease", "2m", "--verbose"}
	killed := func(name, what string, far func() bool) {
		t.Helper()
		bot := f.bot(name, repo, flags...)
		f.until(what, far)
		kill(f, bot)
		t.Logf("%s is killed: %s", name, what)
	}
	killed("bot-a", "the disk is asked for", shelf.asked.Load)
	shelf.open.Store(true)
	killed("bot-b", "a machine is made", func() bool { return found(filepath.Join(state, "vm", "*", "disk.qcow2")) })
	killed("bot-c", "the job runs in a machine", func() bool { return strings.Contains(logsOf(t, f), "ok 1 a machine") })
	killed("bot-d", "the artifacts come out", func() bool { return partly(filepath.Join(state, "jobs"), "large") })
	last := f.bot("bot-e", repo, flags...)
	f.until("the job is done", func() bool { return finished(f.statuses(repo, sha)) == 1 })

	s := f.statuses(repo, sha)["verify/busybox"]
	if s.State != "success" || !strings.HasPrefix(s.Description, "Tests passed [bot-e]") {
		t.Errorf("got %q: %q\n%s\n%s", s.State, s.Description, f.tail("bot-e"), f.page(strings.TrimSuffix(s.TargetURL, "log.html")+"log.txt"))
	}
	checkHistory(f, repo, sha, "verify/busybox")
	base := strings.TrimSuffix(s.TargetURL, "log.html")
	if got := f.page(base + "files/made.txt"); got != "made\n" {
		t.Errorf("the artifact has %q", got)
	}
	for _, console := range []string{"console.txt", "console-peer.txt"} {
		if got := f.page(base + "files/" + console); !strings.Contains(got, "cyborg: ready") {
			t.Errorf("%s has %q", console, got)
		}
	}
	f.stop(last)
	if found(filepath.Join(state, "vm", "*")) {
		t.Error("a machine's files are left")
	}
	if left := machinetest.Leftovers(); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

// A shelf is a web server with the small image, which says nothing before it is opened.
type shelf struct {
	*httptest.Server
	disk        string // the image's whole name
	asked, open atomic.Bool
}

func newShelf(t *testing.T) *shelf {
	t.Helper()
	image := os.Getenv("CYBORG_VM_IMAGE")
	data, err := os.ReadFile(image)
	if err != nil {
		t.Fatal(err)
	}
	s := &shelf{disk: fmt.Sprintf("busybox-%x.qcow2", sha256.Sum256(data))}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path != "/"+s.disk:
			http.NotFound(w, r)
		case s.open.Load():
			http.ServeFile(w, r, image)
		default:
			s.asked.Store(true)
			<-r.Context().Done()
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// partly reports whether a file of this name is below a folder, and has come so far that it has some bytes.
func partly(dir, name string) bool {
	there := false
	_ = filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error { // folders come and go
		if err == nil && e.Name() == name {
			info, err := e.Info()
			there = there || err == nil && info.Size() > 0
		}
		return nil
	})
	return there
}

func found(pattern string) bool {
	list, _ := filepath.Glob(pattern)
	return len(list) > 0
}

// kill is what an operator fears: no goodbye.
func kill(f *field, p *process) {
	f.t.Helper()
	if err := p.Process.Kill(); err != nil {
		f.t.Fatal(err)
	}
	err := <-p.done
	p.done <- err
}

// logsOf is all that jobs have said so far.
func logsOf(t *testing.T, f *field) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(f.path("logs"), func(name string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			if data, err := os.ReadFile(name); err == nil {
				all.Write(data)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}
