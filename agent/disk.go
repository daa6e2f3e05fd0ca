package agent

import (
	"cmp"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cyborg-bots/cyborg/container"
	"github.com/cyborg-bots/cyborg/publish"
	"github.com/cyborg-bots/cyborg/tasks"
)

// disks is where a repository says which disk an image is: bots/images/NAME is a link to NAME-DIGEST.qcow2, or a file
// with that text.
const disks = tasks.Folder + "/images"

// maxDisk is the longest name of a disk.
const maxDisk = 300

// diskOf is the disk of a job in a work tree: what the tree's link says, so that a change of the link is tested with the
// disk that it brings; or the image's name alone. Empty for a job without an image.
func diskOf(source string, job tasks.Job) string {
	at := slices.IndexFunc(job.Axes, func(v tasks.Value) bool { return v.Axis == "image" })
	if at < 0 {
		return ""
	}
	return diskNamed(source, job.Axes[at].Value)
}

// diskNamed is the disk of an image in a work tree.
func diskNamed(source, name string) string {
	root, err := os.OpenRoot(source)
	if err != nil {
		return name
	}
	defer root.Close()
	link := filepath.FromSlash(path.Join(disks, name))
	text, err := root.Readlink(link)
	if err != nil {
		f, err := root.Open(link)
		if err != nil {
			return name
		}
		defer f.Close()
		data, err := io.ReadAll(io.LimitReader(f, maxDisk))
		if err != nil {
			return name
		}
		text = string(data)
	}
	if text = path.Base(strings.TrimSpace(text)); len(text) < maxDisk && text != "." && text != "/" {
		return text
	}
	return name
}

// beside are the machines beside that of a job, each with its disk.
func beside(source string, t *tasks.Task, job tasks.Job) []container.Machine {
	var list []container.Machine
	for _, m := range t.Machines {
		one := container.Machine{Name: m.Name, Image: diskOf(source, job)}
		if m.Image != "" {
			one.Image = diskNamed(source, m.Image)
		}
		list = append(list, one)
	}
	return list
}

// LimitsOf is what a task's job may use, or each machine of one with several: what it says that it needs.
func LimitsOf(t *tasks.Task) container.Limits {
	var l container.Limits
	for _, c := range t.Needs {
		switch c.Name {
		case "memory":
			l.Memory = c.Bytes
		case "disk":
			l.Disk = c.Bytes
		}
	}
	if len(t.Machines) > 0 {
		l.Memory = cmp.Or(l.Memory, tasks.MachineMemory)
	}
	return l
}

// sandboxLimits are LimitsOf for a sandbox, which shares the machine with the bot: what the task does not say is limited too.
func sandboxLimits(t *tasks.Task) container.Limits {
	l, usual := LimitsOf(t), container.DefaultLimits()
	l.Memory, l.Disk = cmp.Or(l.Memory, usual.Memory), cmp.Or(l.Disk, usual.Disk)
	l.CPUs, l.Processes = usual.CPUs, usual.Processes
	return l
}

// kept tells which files of the work tree count when a task has ended: its artifacts and its results.
func kept(t *tasks.Task) func(name string) bool {
	return func(name string) bool {
		return len(t.Artifacts) > 0 && publish.Matches(t.Artifacts, name) ||
			slices.ContainsFunc(t.Results.Files, func(p string) bool { return tasks.Match(p, name) })
	}
}
