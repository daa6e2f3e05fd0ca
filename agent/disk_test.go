package agent

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cyborg-bots/cyborg/container"
	"github.com/cyborg-bots/cyborg/tasks"
)

func TestDiskOf(t *testing.T) {
	const disk = "debian-stable-0123.qcow2"
	for _, test := range []struct {
		name, want string
		make       func(t *testing.T, link string)
	}{
		{"a link", disk, func(t *testing.T, link string) { must(t, os.Symlink(disk, link)) }},
		{"a link with folders in it", disk, func(t *testing.T, link string) { must(t, os.Symlink("../../"+disk, link)) }},
		{"a file with the text", disk, func(t *testing.T, link string) { must(t, os.WriteFile(link, []byte(disk+"\n"), 0o644)) }},
		{"nothing", "debian-stable", func(*testing.T, string) {}},
		{"a folder", "debian-stable", func(t *testing.T, link string) { must(t, os.Mkdir(link, 0o755)) }},
		{"an empty file", "debian-stable", func(t *testing.T, link string) { must(t, os.WriteFile(link, nil, 0o644)) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			tree := t.TempDir()
			must(t, os.MkdirAll(filepath.Join(tree, "bots", "images"), 0o755))
			test.make(t, filepath.Join(tree, "bots", "images", "debian-stable"))
			job := tasks.Job{Axes: []tasks.Value{{Axis: "image", Value: "debian-stable"}}}
			if got := diskOf(tree, job); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
	if got := diskOf(t.TempDir(), tasks.Job{}); got != "" {
		t.Errorf("a job without an image has the disk %q", got)
	}
}

// TestBeside: each machine starts from the disk that the work tree names for it, or from that of the job's own.
func TestBeside(t *testing.T) {
	tree := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(tree, "bots", "images"), 0o755))
	must(t, os.Symlink("own-01.qcow2", filepath.Join(tree, "bots", "images", "own")))
	must(t, os.Symlink("other-02.qcow2", filepath.Join(tree, "bots", "images", "other")))
	task := &tasks.Task{Header: tasks.Header{Machines: []tasks.Machine{{Name: "server", Image: "other"}, {Name: "client"}, {Name: "third", Image: "none"}}}}
	got := beside(tree, task, tasks.Job{Axes: []tasks.Value{{Axis: "image", Value: "own"}}})
	want := []container.Machine{{Name: "server", Image: "other-02.qcow2"}, {Name: "client", Image: "own-01.qcow2"}, {Name: "third", Image: "none"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestLimitsAndKept(t *testing.T) {
	needs, err := tasks.ParseCapabilities([]string{"kvm", "memory=4G", "disk=20G"})
	must(t, err)
	task := &tasks.Task{Header: tasks.Header{
		Needs: needs, Artifacts: []string{"shots/*.png", "core"}, Results: tasks.Format{Kind: tasks.JUnit, Files: []string{"out/*.xml"}},
	}}
	if got := LimitsOf(task); got != (container.Limits{Memory: 4 << 30, Disk: 20 << 30}) {
		t.Errorf("got %+v", got)
	}
	task.Machines = []tasks.Machine{{Name: "server"}}
	if got := LimitsOf(task); got != (container.Limits{Memory: 4 << 30, Disk: 20 << 30}) {
		t.Errorf("with a machine beside each has %+v", got)
	}
	if got := LimitsOf(&tasks.Task{Header: tasks.Header{Machines: task.Machines}}); got.Memory != tasks.MachineMemory {
		t.Errorf("a machine whose task does not say how much it needs has %+v", got)
	}
	for name, want := range map[string]bool{"shots/a.png": true, "core/1": true, "deep/core": true, "out/junit.xml": true, "main.go": false, "out/log": false} {
		if got := kept(task)(name); got != want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}
