//go:build drill && !vm

package drill

import (
	"os"
	"os/exec"
)

// shownDir is where jobs in a sandbox find what go has here: /opt is shown to them, and a bot that lives in a mount
// namespace of its own has another one.
const shownDir = "/opt/drill"

// showGo makes that directory, and starts the bot. Its arguments are the build cache, the modules, go, this program, and the bot's line.
const showGo = `
mount -t tmpfs -o mode=755 none /opt
mkdir /opt/drill && cd /opt/drill
mkdir cache modules root && touch program
mount --bind "$1" cache && mount --bind "$2" modules && mount --bind "$3" root && mount --bind "$4" program
cd / && shift 4 && exec "$@"`

// hold has the bots of a drill run their jobs in sandboxes, where this machine and user allow it, and says so. Without,
// what a job must not do is kept from it by nothing but its own good manners.
func hold(f *field) {
	f.t.Helper()
	for _, line := range [][]string{
		{"bwrap", "--unshare-all", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "true"},
		{"unshare", "--mount", "mount", "-t", "tmpfs", "none", "/opt"},
	} {
		if out, err := exec.CommandContext(f.ctx, line[0], line[1:]...).CombinedOutput(); err != nil {
			f.t.Logf("jobs are not held back here: %s: %v\n%s", line[0], err, out)
			return
		}
	}
	self, err := os.Executable()
	if err != nil {
		f.t.Fatal(err)
	}
	f.before = []string{"unshare", "--mount", "sh", "-ec", showGo, "sh", goEnv(f, "GOCACHE"), goEnv(f, "GOMODCACHE"), goEnv(f, "GOROOT"), self}
	f.env = []string{"CYBORG_SANDBOX=bubblewrap"}
	f.t.Log("jobs are held back by bubblewrap")
}
