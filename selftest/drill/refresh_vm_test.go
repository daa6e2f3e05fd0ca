//go:build drill && vm

package drill

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cyborg-bots/cyborg/publish"
	"github.com/cyborg-bots/cyborg/publish/s3"
	"github.com/cyborg-bots/cyborg/publish/s3/s3test"
	"github.com/cyborg-bots/cyborg/vmimage"
	"github.com/cyborg-bots/cyborg/vmimage/build"
	"github.com/cyborg-bots/cyborg/vmimage/machine/machinetest"
	"github.com/cyborg-bots/cyborg/vmimage/store"
)

// What the repository of a refresh teaches: a context that runs in the image, and one that does not.
const (
	diskTask = `#!/bin/sh
# verify: see which disk this is
# on: pull request
# in: vm
# image: busybox
# needs: memory=128M
# results: tap
# timeout: 20 minutes
echo "1..1"
[ -f /etc/fresh ] && echo "ok 1 the new disk" || echo "not ok 1 the new disk"
`
	lintTask = `#!/bin/sh
# lint: look at nothing
# on: pull request
# in: host
# timeout: 1 minute
`
)

// A refresh is a repository whose image is due, and a bucket with the disk that it has.
type refresh struct {
	*field
	repo   string
	work   *toml
	bucket *s3.Store
	old    vmimage.Disk
}

// newRefresh sets it up. The old disk is the small image; of its packages one is said to be older.
func newRefresh(t *testing.T) *refresh {
	const repo = "acme/widget"
	server := s3test.Start(t)
	for _, pair := range server.Env() {
		name, value, _ := strings.Cut(pair, "=")
		t.Setenv(name, value)
	}
	r := &refresh{field: enter(t, 25*time.Minute, repo), repo: repo}
	var err error
	if r.bucket, err = s3.Open(s3.Options{Bucket: "images", Prefix: "team", Endpoint: server.URL, AccessKey: server.AccessKey,
		SecretKey: publish.Secret{Name: "key", Value: server.SecretKey}}); err != nil {
		t.Fatal(err)
	}
	if err := r.bucket.Init(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.upload()
	r.work = &toml{f: r.field, dir: r.path("widget")}
	if err := os.MkdirAll(filepath.Join(r.work.dir, vmimage.Folder), 0o755); err != nil {
		t.Fatal(err)
	}
	r.git(r.work.dir, "init", "-q", "-b", "main")
	r.git(r.work.dir, "remote", "add", "origin", r.remote(repo))
	r.work.script("bots/verify", diskTask, 0o755)
	r.work.script("bots/lint", lintTask, 0o755)
	recipe, err := build.Ready("busybox")
	if err != nil {
		t.Fatal(err)
	}
	fresh := strings.Replace(string(recipe), "\nmake_disk ", "\ntouch -d @0 tree/etc/fresh\nmake_disk ", 1)
	r.work.script(vmimage.Folder+"/busybox.bootstrap", fresh, 0o755)
	if err := os.Symlink(r.old.File(), filepath.Join(r.work.dir, vmimage.Folder, "busybox")); err != nil {
		t.Fatal(err)
	}
	r.work.commit("Teach")
	r.work.push("main")
	r.git(r.work.dir, "push", "-q", "origin", "main:stable")
	return r
}

// upload puts the small image into the bucket.
func (r *refresh) upload() {
	data, err := os.ReadFile(machinetest.Small(r.t).Disk)
	if err != nil {
		r.t.Fatal(err)
	}
	if r.old, err = vmimage.NewDisk("busybox", sha256.Sum256(data)); err != nil {
		r.t.Fatal(err)
	}
	cache, err := store.OpenCache(r.path("made"), store.Options{})
	if err != nil {
		r.t.Fatal(err)
	}
	file := r.path("made", "fresh")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		r.t.Fatal(err)
	}
	held, err := cache.Add(r.ctx, r.old, file, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	defer held.Close()
	if _, err := store.Upload(r.ctx, r.bucket, held, nil); err != nil {
		r.t.Fatal(err)
	}
	if err := store.UploadPackages(r.ctx, r.bucket, r.old, vmimage.Packages{{Name: "busybox-static", Version: "0.1"}}); err != nil {
		r.t.Fatal(err)
	}
}

// disks lists what the bucket has.
func (r *refresh) disks() (list []vmimage.Disk) {
	r.t.Helper()
	for e, err := range r.bucket.List(r.ctx, "") {
		if err != nil {
			r.t.Fatal(err)
		}
		if d, err := vmimage.ParseDisk(e.Name); err == nil {
			list = append(list, d)
		}
	}
	return list
}

// prune removes disks by hand and gives what it says of the bucket.
func (r *refresh) prune(age string) string {
	r.t.Helper()
	cmd := exec.CommandContext(r.ctx, r.bin, "image", "--repo", r.repo, "--api", r.url, "--state", r.path("p"), "--image-store", "s3://images/team", "--age", age, "prune")
	cmd.Env = append(os.Environ(), "GITHUB_TOKEN=cyborg-token")
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("prune: %v\n%s", err, out)
	}
	said := regexp.MustCompile(`(?m)^s3://images/team: (\d+) disks removed, .*$`).FindStringSubmatch(string(out))
	if said == nil {
		r.t.Fatalf("prune says\n%s", out)
	}
	return said[1]
}

// TestVMRefresh: somebody asks for a new disk in an issue. A bot builds a real one, boots it, uploads it to a real S3 server
// and proposes it, with what has changed inside; the context that runs in it is tested in a machine with it, and no other.
// It is merged. The old disk stays while a branch has it, and as long as its grace, and then goes.
func TestVMRefresh(t *testing.T) {
	r := newRefresh(t)
	var issue struct{ Number int }
	ask := map[string]any{"title": "Image refresh for busybox", "body": "A new one is due.\n\n * [ ] image-refresh busybox\n", "labels": []string{"bot"}}
	if err := r.api("ada", http.MethodPost, "repos/"+r.repo+"/issues", ask, &issue); err != nil {
		t.Fatal(err)
	}
	bot := r.bot("bot-a", r.repo, "--state", r.path("s"), "--image-store", "s3://images/team", "--poll", "1s", "--settle", "500ms", "--lease", "2m")
	var pull struct {
		Body string
		Head struct{ SHA string }
	}
	at := fmt.Sprintf("repos/%s/pulls/%d", r.repo, issue.Number)
	r.until("the new disk is proposed", func() bool {
		return r.as("ada").Do(r.ctx, http.MethodGet, at, nil, &pull) == nil && strings.Contains(pull.Body, "[x] image-refresh")
	})
	if !regexp.MustCompile("\\| `busybox-static` \\| `0.1` \\| `1[0-9.:+~a-z-]+` \\|").MatchString(pull.Body) {
		t.Errorf("the pull request says\n%s", pull.Body)
	}
	r.until("it is tested", func() bool { return finished(r.statuses(r.repo, pull.Head.SHA)) == 1 })
	all := r.statuses(r.repo, pull.Head.SHA)
	s := all["verify/busybox"]
	log := r.page(strings.TrimSuffix(s.TargetURL, "log.html") + "log.txt")
	if s.State != "success" || !strings.Contains(log, "ok 1 the new disk") {
		t.Errorf("got %q: %q\n%s\n%s", s.State, s.Description, log, r.tail("bot-a"))
	}
	if asked := slices.Sorted(maps.Keys(all)); len(asked) != 1 {
		t.Errorf("these contexts were asked for: %q", asked)
	}
	r.stop(bot)
	if err := r.api("ada", http.MethodPut, at+"/merge", map[string]string{}, nil); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got := r.prune("1ms"); got != "0" {
			t.Errorf("%s disks were removed while the branch stable has one", got)
		}
	}
	r.git(r.work.dir, "push", "-q", "origin", ":stable")
	for _, step := range []struct{ age, want string }{{"1ms", "0"}, {"1h", "0"}, {"1ms", "1"}, {"1ms", "0"}} {
		if got := r.prune(step.age); got != step.want {
			t.Errorf("nobody has it since just now; %s disks older than %s were removed, want %s", got, step.age, step.want)
		}
	}
	if left := r.disks(); len(left) != 1 || left[0] == r.old {
		t.Errorf("the bucket has %v, the old one is %s", left, r.old)
	}
	if left := machinetest.Leftovers(); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}
