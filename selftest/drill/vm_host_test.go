//go:build drill && vm

package drill

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cyborg-bots/cyborg/vmimage/machine/machinetest"
)

// byItself is a task on the host that starts a machine with the program that people have, and forgets to stop it.
const byItself = `#!/bin/sh
# verify: work in a machine by itself
# on: pull request
# in: host
# timeout: 20 minutes
set -eu
HOME=$(mktemp -d %[3]s/h.XXXXXX) # short, as sockets are in it
export HOME
trap 'rm -rf "$HOME"' EXIT
vm() { "%[1]s" vm "$@"; }
vm run --memory 128M --cpus 1 --boot 15m --images "%[2]s" busybox
vm ssh busybox sh -c 'echo "works in $(uname) as $(id -un)"; exit 7' || echo "ended with $?"
`

// TestVMByHost: a job on the host may start machines of its own as people do. They are nobody else's, and go with the job.
func TestVMByHost(t *testing.T) {
	const repo = "acme/widget"
	f := enter(t, 30*time.Minute, repo)
	dir, images := f.path("widget"), f.path("disks")
	work := &toml{f: f, dir: dir}
	for _, d := range []string{dir, images} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(os.Getenv("CYBORG_VM_IMAGE"), filepath.Join(images, "busybox.qcow2")); err != nil {
		t.Fatal(err)
	}
	f.git(dir, "init", "-q", "-b", "main")
	f.git(dir, "remote", "add", "origin", f.remote(repo))
	work.script("bots/verify", fmt.Sprintf(byItself, f.bin, images, machinetest.Home()), 0o755)
	work.commit("Teach")
	work.push("main")
	work.branch("topic")
	work.script("README", "changed\n", 0o644)
	work.commit("Change")
	work.push("topic")
	_, sha := f.pull(repo, "topic", "A change")
	bot := f.bot("bot-a", repo, "--state", f.path("s"), "--poll", "1s", "--settle", "500ms")
	f.until("the job is done", func() bool { return finished(f.statuses(repo, sha)) == 1 })

	s := f.statuses(repo, sha)["verify"]
	log := f.page(strings.TrimSuffix(s.TargetURL, "log.html") + "log.txt")
	if s.State != "success" || !strings.Contains(log, "works in Linux as root\n") || !strings.Contains(log, "ended with 7\n") {
		t.Errorf("got %q: %q\n%s\n%s", s.State, s.Description, f.tail("bot-a"), log)
	}
	if left := machinetest.WaitUntilGone(t); len(left) > 0 { // while the bot lives
		t.Errorf("left: %q", left)
	}
	f.stop(bot)
}
