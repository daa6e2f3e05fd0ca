//go:build docker

package dock

import (
	"fmt"
	"net/http"
	"os"
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
# verify: look around in a machine
# on: pull request
# in: vm
# image: busybox
# needs: memory=128M
# artifacts: made.txt
# timeout: 20 minutes
grep -q QEMU /sys/class/dmi/id/sys_vendor && [ -f bots/verify ] && [ -z "$GITHUB_TOKEN" ] && cat /etc/os-release >made.txt
`

var cameUp = regexp.MustCompile(`cyborg: a machine of .*`)

// TestMachine: a bot in a container that was started with no flags at all, as the ordinary user that the image names, does a
// job in a virtual machine, and its artifacts come back. The disk is where a bot keeps those that it has fetched.
func TestMachine(t *testing.T) {
	const repo = "acme/widget"
	d := enter(t, 40*time.Minute, repo)
	heads := d.open(repo, "verify", machineTask, 1)
	images := filepath.Join(t.TempDir(), "images")
	if err := os.Mkdir(images, 0o755); err != nil {
		t.Fatal(err)
	}
	disk, err := os.ReadFile(os.Getenv("CYBORG_VM_IMAGE"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(images, "busybox.qcow2"), disk, 0o644); err != nil {
		t.Fatal(err)
	}
	name := d.name + "-machines"
	d.bots = append(d.bots, name)
	d.docker("create", "--name", name, "--label", d.name, "--network", d.name, "--env", "GITHUB_TOKEN=cyborg-token",
		"--env", "CYBORG_REPO="+repo, "--env", "GITHUB_API_URL=http://hub:8080", full)
	d.docker("cp", images, name+":/var/lib/cyborg/images")
	began := time.Now()
	d.docker("start", name)
	var result status
	d.until("the job is done", func() bool {
		var list []status
		err := d.api("ada", http.MethodGet, fmt.Sprintf("repos/%s/commits/%s/statuses", repo, heads[0]), nil, &list)
		for _, s := range list {
			if s.State != "pending" {
				result = s
			}
		}
		return err == nil && result.State != ""
	})
	took := time.Since(began)
	if result.State != "success" || result.Context != "verify/busybox" {
		t.Errorf("got %+v\n%s", result, d.logs(name))
	}
	flags := d.docker("inspect", "--format", "{{.HostConfig.Privileged}} {{.HostConfig.CapAdd}} {{.HostConfig.Devices}} "+
		"{{.HostConfig.SecurityOpt}} {{.HostConfig.Binds}} {{.Config.User}}", name)
	if want := "false [] [] [] [] 1000:1000"; flags != want {
		t.Errorf("the container has %q, want %q", flags, want)
	}
	log := d.find(name, "log*.txt")
	if made := d.find(name, "made.txt"); !strings.Contains(made, "ID=cyborg-busybox") {
		t.Errorf("the artifact has %q\n%s", made, log)
	}
	t.Logf("%.0f s from docker start to the result; %s\n%s", took.Seconds(), cameUp.FindString(log), d.docker("exec", name, "cyborg", "selftest"))
	d.until("the machine is gone", func() bool {
		out, err := d.try("exec", name, "sh", "-c", "ls /var/lib/cyborg/vm; cat /proc/[0-9]*/comm | grep qemu-system || true")
		return err == nil && strings.TrimSpace(out) == ""
	})
	d.docker("stop", "--time", "60", name)
}

// find gives the text of all files of this name that a job has left in a bot's container.
func (d *dock) find(name, file string) string {
	d.t.Helper()
	return d.docker("exec", name, "find", "/var/lib/cyborg", "-path", "*verify*", "-name", file, "-exec", "cat", "{}", "+")
}
