//go:build drill && vm

package drill

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cyborg-bots/cyborg/vmimage/machine/machinetest"
)

// machineTask is a task of the small image; it takes long enough that its bot can be killed under it.
const machineTask = `#!/bin/sh
# verify: look around in a machine
# on: pull request
# in: vm
# image: busybox
# needs: memory=128M
# results: tap
# artifacts: made.txt
# timeout: 20 minutes
echo "1..2"
grep -q QEMU /sys/class/dmi/id/sys_vendor && echo "ok 1 a machine" || echo "not ok 1 a machine"
[ -f bots/verify ] && [ -z "$GITHUB_TOKEN" ] && echo "ok 2 the checkout and no token" || echo "not ok 2 the checkout and no token"
echo made >made.txt
sleep 3
`

// TestVMBot: a bot of an ordinary user does a job in a machine. It is killed while the machine comes up, and the next
// while the job runs; each next start takes away what was left and takes the job again. The third does it, and nothing
// is left.
func TestVMBot(t *testing.T) {
	const repo = "acme/widget"
	f := enter(t, 25*time.Minute, repo)
	dir := f.path("widget")
	work := &toml{f: f, dir: dir}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	f.git(dir, "init", "-q", "-b", "main")
	f.git(dir, "remote", "add", "origin", f.remote(repo))
	work.script("bots/verify", machineTask, 0o755)
	work.commit("Teach")
	work.push("main")
	work.branch("topic")
	work.script("README", "changed\n", 0o644)
	work.commit("Change")
	work.push("topic")
	_, sha := f.pull(repo, "topic", "A change")

	images := f.path("images")
	if err := os.MkdirAll(images, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(os.Getenv("CYBORG_VM_IMAGE"), filepath.Join(images, "busybox.qcow2")); err != nil {
		t.Fatal(err)
	}
	state := f.path("s")
	flags := []string{"--state", state, "--images", images, "--poll", "1s", "--settle", "500ms", "--lease", "2m", "--verbose"}

	first := f.bot("bot-a", repo, flags...)
	f.until("a machine is made", func() bool { return found(filepath.Join(state, "vm", "*", "disk.qcow2")) })
	kill(f, first)
	second := f.bot("bot-b", repo, flags...)
	f.until("the job runs in a machine", func() bool { return strings.Contains(logsOf(t, f), "ok 1 a machine") })
	kill(f, second)
	third := f.bot("bot-c", repo, flags...)
	f.until("the job is done", func() bool { return finished(f.statuses(repo, sha)) == 1 })

	s := f.statuses(repo, sha)["verify/busybox"]
	if s.State != "success" || !strings.HasPrefix(s.Description, "Tests passed [bot-c]") {
		t.Errorf("got %q: %q\n%s\n%s", s.State, s.Description, f.tail("bot-c"), f.page(strings.TrimSuffix(s.TargetURL, "log.html")+"log.txt"))
	}
	checkHistory(f, repo, sha, "verify/busybox")
	base := strings.TrimSuffix(s.TargetURL, "log.html")
	if got := f.page(base + "files/made.txt"); got != "made\n" {
		t.Errorf("the artifact has %q", got)
	}
	if got := f.page(base + "files/console.txt"); !strings.Contains(got, "cyborg: ready") {
		t.Errorf("the console has %q", got)
	}
	f.stop(third)
	if found(filepath.Join(state, "vm", "*")) {
		t.Error("a machine's files are left")
	}
	if left := machinetest.Leftovers(); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
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
