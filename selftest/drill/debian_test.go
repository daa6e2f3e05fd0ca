//go:build drill && vm

package drill

import (
	_ "embed"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/cyborg-bots/cyborg/vmimage/machine/machinetest"
)

// debianTask runs the module's tests in a Debian, with Debian's own Go. What vet looks at, it looks at on the host; emulated,
// it takes as long as the tests. The exercises with containers run it too.
//
//go:embed testdata/verify
var debianTask string

// cameUp is what a job's log says of its machine.
var cameUp = regexp.MustCompile(`cyborg: a machine of debian-stable .*`)

// compiled is what the disk brings along: without it, a job compiles the standard library for a quarter of an hour.
var compiled = regexp.MustCompile(`(?m)^[0-9]{3,} things were compiled before$`)

// TestDebian: a bot of an ordinary user tests a real release of a real module in a Debian that the ready-made recipe made,
// and what the job leaves comes back.
func TestDebian(t *testing.T) {
	const repo = "acme/toml"
	f := enter(t, 100*time.Minute, repo)
	project := newTOML(f)
	release := func(version string) {
		project.release(version)
		f.git(project.dir, "rm", "-q", "bots/manifest", "bots/manifest.bats")
		project.script("bots/verify", debianTask, 0o755)
		project.commit("Test it in Debian")
	}
	release("v1.5.0")
	project.push("main")
	project.branch("next")
	release("v1.6.0")
	project.push("next")
	_, sha := f.pull(repo, "next", "Release v1.6.0")

	images := f.path("images")
	if err := os.MkdirAll(images, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(os.Getenv("CYBORG_VM_DEBIAN"), filepath.Join(images, "debian-stable.qcow2")); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	state := f.path("s")
	bot := f.bot("bot-a", repo, "--state", state, "--images", images, "--poll", "1s", "--settle", "500ms", "--verbose")
	f.until("the job is done", func() bool { return finished(f.statuses(repo, sha)) == 1 })
	took := time.Since(began)

	s := f.statuses(repo, sha)["verify/debian-stable"]
	log := f.page(strings.TrimSuffix(s.TargetURL, "log.html") + "log.txt")
	if s.State != "success" || !strings.HasPrefix(s.Description, "Tests passed [bot-a]") {
		t.Fatalf("got %q: %q\n%s\n%s", s.State, s.Description, f.tail("bot-a"), log[max(0, len(log)-6000):])
	}
	checkHistory(f, repo, sha, "verify/debian-stable")
	checkFailures(f, s, nil)
	base := strings.TrimSuffix(s.TargetURL, "log.html")
	about := f.page(base + "files/about.txt")
	if !strings.Contains(about, "Debian GNU/Linux") || !strings.Contains(about, "go version go1.") || !compiled.MatchString(about) {
		t.Errorf("the artifact has %q", about)
	}
	if console := f.page(base + "files/console.txt"); !strings.Contains(console, "cyborg: ready") {
		t.Errorf("the console has %q", console)
	}
	t.Logf("%.0f s in all; %s; %q", took.Seconds(), cameUp.FindString(log), about)
	f.stop(bot)
	if found(filepath.Join(state, "vm", "*")) {
		t.Error("a machine's files are left")
	}
	if left := machinetest.Leftovers(); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}
