//go:build docker

package dock

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// full is the image that has QEMU and libvirt.
const full = "cyborg:full"

// machineTask looks around in a machine of the small disk.
const machineTask = `#!/bin/sh
# look: look around in a machine
# on: pull request
# in: vm
# image: busybox
# needs: memory=128M
# artifacts: made.txt
# timeout: 20 minutes
grep -q QEMU /sys/class/dmi/id/sys_vendor && [ -f bots/look ] && [ -z "$GITHUB_TOKEN" ] && cat /etc/os-release >made.txt
`

// debianTask is the file with the task that runs a real project's tests in a Debian; the exercises without containers have it.
const debianTask = "../drill/testdata/verify"

var cameUp = regexp.MustCompile(`cyborg: a machine of .*`)

// TestMachine: a bot in a container that was started with no flags at all, as the ordinary user that the image names, does two
// jobs of a real project in virtual machines, a small one and a Debian, and their artifacts come back. The disks are where a
// bot keeps those that it has fetched.
func TestMachine(t *testing.T) {
	const repo = "acme/toml"
	d := enter(t, 100*time.Minute, repo)
	d.toml("v1.6.0")
	heads := d.open(repo, "look", machineTask, 1)
	name := d.name + "-machines"
	d.bots = append(d.bots, name)
	d.docker("create", "--name", name, "--label", d.name, "--network", d.name, "--env", "GITHUB_TOKEN=cyborg-token",
		"--env", "CYBORG_REPO="+repo, "--env", "GITHUB_API_URL=http://hub:8080", full)
	d.docker("cp", disks(t), name+":/var/lib/cyborg/images")
	began := time.Now()
	d.docker("start", name)
	results := map[string]status{}
	d.until("the jobs are done", func() bool {
		var list []status
		if d.api("ada", http.MethodGet, fmt.Sprintf("repos/%s/commits/%s/statuses", repo, heads[0]), nil, &list) != nil {
			return false
		}
		for _, s := range list {
			if s.State != "pending" {
				results[s.Context] = s
			}
		}
		return len(results) == 2
	})
	took := time.Since(began)
	for _, context := range []string{"look/busybox", "verify/debian-stable"} {
		if s := results[context]; s.State != "success" {
			t.Errorf("%s is %+v\n%s\n%s", context, s, d.find(name, "log*.txt"), d.logs(name))
		}
	}
	flags := d.docker("inspect", "--format", "{{.HostConfig.Privileged}} {{.HostConfig.CapAdd}} {{.HostConfig.Devices}} "+
		"{{.HostConfig.SecurityOpt}} {{.HostConfig.Binds}} {{.Config.User}}", name)
	if want := "false [] [] [] [] 1000:1000"; flags != want {
		t.Errorf("the container has %q, want %q", flags, want)
	}
	for file, want := range map[string]string{"made.txt": "ID=cyborg-busybox", "about.txt": "Debian GNU/Linux", "results.json": `"TestDecode`} {
		if got := d.find(name, file); !strings.Contains(got, want) {
			t.Errorf("%s has %.2000q, and not %q", file, got, want)
		}
	}
	t.Logf("%.0f s from docker start to the results; %q\n%s", took.Seconds(), cameUp.FindAllString(d.find(name, "log*.txt"), -1), d.docker("exec", name, "cyborg", "selftest"))
	d.until("the machines are gone", func() bool {
		out, err := d.try("exec", name, "sh", "-c", "ls /var/lib/cyborg/vm; cat /proc/[0-9]*/comm | grep qemu-system || true")
		return err == nil && strings.TrimSpace(out) == ""
	})
	d.docker("stop", "--time", "60", name)
}

// toml fills the work tree with a release of a real module, and the task that tests it.
func (d *dock) toml(version string) {
	d.t.Helper()
	cmd := exec.CommandContext(d.ctx, "go", "mod", "download", "-json", "github.com/BurntSushi/toml@"+version)
	cmd.Dir = d.dir
	out, err := cmd.Output()
	if err != nil {
		d.t.Fatalf("download toml %s: %v: %s", version, err, out)
	}
	var m struct{ Dir string }
	if err := json.Unmarshal(out, &m); err != nil || m.Dir == "" {
		d.t.Fatalf("download toml %s: %v: %s", version, err, out)
	}
	task, err := os.ReadFile(debianTask)
	if err == nil {
		err = os.CopyFS(d.dir, os.DirFS(m.Dir))
	}
	if err == nil {
		err = os.Mkdir(filepath.Join(d.dir, "bots"), 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(d.dir, "bots", "verify"), task, 0o755)
	}
	if err != nil {
		d.t.Fatal(err)
	}
}

// disks is a folder with the disks that make has made.
func disks(t *testing.T) string {
	t.Helper()
	images := filepath.Join(t.TempDir(), "images")
	if err := os.Mkdir(images, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, variable := range map[string]string{"busybox": "CYBORG_VM_IMAGE", "debian-stable": "CYBORG_VM_DEBIAN"} {
		disk, err := os.ReadFile(os.Getenv(variable))
		if err == nil {
			err = os.WriteFile(filepath.Join(images, name+".qcow2"), disk, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return images
}

// find gives the text of all files of this name that a job has left in a bot's container.
func (d *dock) find(name, file string) string {
	d.t.Helper()
	return d.docker("exec", name, "find", "/var/lib/cyborg", "(", "-path", "*verify*", "-o", "-path", "*look*", ")", "-name", file, "-exec", "cat", "{}", "+")
}
