//go:build linux && (amd64 || arm64)

package container

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/cyborg-bots/cyborg/container/gate"
)

// jobHome is where a sandboxed job's home directory is.
const jobHome = "/home/job"

// roots are the directories of programs, read-only in the sandbox. /etc is not among them: see settingsOf.
func roots() []string {
	return []string{"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/opt", "/nix/store", "/gnu/store"}
}

// shownInEtc are the parts of /etc that programs need and that hold no secrets. What is not here is not in the sandbox.
func shownInEtc() []string {
	return []string{
		"alternatives", "bash.bashrc", "ca-certificates", "ca-certificates.conf", "crypto-policies", "debian_version", "default/locale",
		"dpkg/origins", "fonts", "gtk-3.0", "inputrc", "issue", "java*", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "locale.alias", "locale.conf",
		"localtime", "lsb-release", "magic", "magic.mime", "mime.types", "os-release", "perl", "pki/ca-trust", "pki/tls/certs", "pki/tls/cert.pem",
		"profile", "profile.d", "protocols", "python*", "redhat-release", "rpc", "services", "shells", "ssl/certs", "ssl/openssl.cnf", "system-release",
		"terminfo", "timezone", "xattr.conf", "xdg",
	}
}

// furnish prepares the job's directories and returns bubblewrap's command line.
func (j *bubbleJob) furnish() ([]string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	program, err := exec.LookPath(j.b.o.Program)
	if err != nil {
		return nil, fmt.Errorf("find bubblewrap: %w", err)
	}
	if err := j.lay(); err != nil {
		return nil, err
	}
	argv := append([]string{program}, j.namespaces()...)
	argv = append(argv, "--dir", "/etc", "--dir", "/run", "--dir", "/var")
	for _, dir := range roots() {
		argv = append(argv, show(dir)...)
	}
	for _, pattern := range shownInEtc() {
		names, _ := filepath.Glob("/etc/" + pattern)
		for _, name := range names {
			argv = append(argv, show(name)...)
		}
	}
	for _, name := range []string{"passwd", "group", "hosts", "hostname", "nsswitch.conf", "resolv.conf"} {
		argv = append(argv, "--ro-bind", filepath.Join(j.scratch.Dir, "etc", name), "/etc/"+name)
	}
	size := strconv.FormatInt(j.temporary(), 10)
	argv = append(argv,
		"--proc", "/proc", "--dev", "/dev", "--dev-bind-try", tunDevice, tunDevice,
		"--perms", "1777", "--size", size, "--tmpfs", "/dev/shm",
		"--perms", "1777", "--size", size, "--tmpfs", "/tmp",
		"--symlink", "/tmp", "/var/tmp")
	argv = append(argv, bind(filepath.Join(j.scratch.Dir, "home"), jobHome)...)
	for _, dir := range append([]string{j.spec.Dir}, j.spec.Writable...) {
		argv = append(argv, bind(dir, dir)...)
	}
	argv = append(argv, "--ro-bind", self, innerSupervisor)
	// The directories that bubblewrap made on the way are of memory, and without a limit.
	argv = append(argv, "--remount-ro", "/dev", "--remount-ro", "/")
	return append(argv, "--", innerSupervisor, supervisorFlag, plain(j.spec.Name)), nil
}

// innerSupervisor is this program inside the sandbox.
const innerSupervisor = "/run/" + supervisorName

// namespaces is the part of the command line that says what the sandbox does not share with the machine.
func (j *bubbleJob) namespaces() []string {
	argv := []string{
		"--unshare-pid", "--unshare-ipc", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try",
		"--hostname", sandboxName, "--die-with-parent", "--as-pid-1", "--clearenv",
		"--info-fd", bubbleInfo, "--seccomp", bubbleRules, "--cap-drop", "ALL",
	}
	if j.online() {
		argv = append(argv, "--cap-add", "CAP_NET_ADMIN") // for the supervisor, which makes the interface
	}
	if j.user == 0 {
		return append(argv, "--unshare-user", "--uid", "1000", "--gid", "1000")
	}
	// Root's sandbox needs no namespace of users. The supervisor inside becomes the job's user, and can end what is of another
	// user than itself.
	for _, c := range []string{"CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP", "CAP_KILL"} {
		argv = append(argv, "--cap-add", c)
	}
	return argv
}

// sandboxName is what a sandbox calls itself in its network.
const sandboxName = "sandbox"

// show is the part of the command line that makes something of the machine readable, if it is there.
func show(name string) []string {
	info, err := os.Lstat(name)
	if err != nil {
		return nil
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		target, err := os.Readlink(name)
		if err != nil {
			return nil
		}
		return []string{"--symlink", target, name}
	}
	return []string{"--ro-bind", name, name}
}

// bind is the part of the command line that makes a directory writable under a name. Those above it are made here: left to
// bubblewrap they would be as closed as the directory itself, to a job that is not the bot's user.
func bind(dir, name string) []string {
	var argv []string
	for up := filepath.Dir(name); up != "/"; up = filepath.Dir(up) {
		argv = append([]string{"--dir", up}, argv...)
	}
	return append(argv, "--bind", dir, name)
}

// lay makes the job's home and its few settings, and gives the job what is to be the job's.
func (j *bubbleJob) lay() error {
	home, etc := filepath.Join(j.scratch.Dir, "home"), filepath.Join(j.scratch.Dir, "etc")
	if err := errors.Join(os.Mkdir(home, 0o700), os.Mkdir(etc, 0o755)); err != nil {
		return fmt.Errorf("make scratch: %w", err)
	}
	id := j.user
	if id == 0 {
		id = 1000
	}
	for name, text := range settingsOf(id) {
		if err := os.WriteFile(filepath.Join(etc, name), []byte(text), 0o644); err != nil {
			return fmt.Errorf("make scratch: %w", err)
		}
	}
	if j.user == 0 {
		return nil
	}
	for _, dir := range j.writable() {
		if err := give(dir, j.user); err != nil {
			return fmt.Errorf("give %s to the job: %w", dir, err)
		}
	}
	return nil
}

// settingsOf are the files in /etc that a sandbox has of its own.
func settingsOf(id int) map[string]string {
	return map[string]string{
		"passwd": fmt.Sprintf("root:x:0:0:root:/root:/bin/sh\njob:x:%d:%d:job:%s:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n",
			id, id, jobHome),
		"group":         fmt.Sprintf("root:x:0:\njob:x:%d:\nnogroup:x:65534:\n", id),
		"hosts":         "127.0.0.1 localhost\n::1 localhost\n127.0.1.1 " + sandboxName + "\n",
		"hostname":      sandboxName + "\n",
		"nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nservices: files\nprotocols: files\nnetworks: files\n",
		"resolv.conf":   "nameserver " + gate.Server + "\n",
	}
}

// give makes a user the owner of a tree, links themselves included; what they lead to is left alone.
func give(dir string, user int) error {
	return filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, user, user)
	})
}

// freshUser draws a number that no user of the machine has, and hardly another job.
func freshUser() int {
	const first, many = 1_000_000_000, 1_000_000_000
	return first + rand.IntN(many)
}

// temporary is how much the job may keep in /tmp, and as much again in /dev/shm: memory, which counts as the job's.
func (j *bubbleJob) temporary() int64 {
	const usual = 1 << 30
	if l := j.spec.Limits.Memory; l > 0 {
		return max(l/2, 1<<20)
	}
	return usual
}

// path is the part of the bot's PATH that is in the sandbox too, and the usual one.
func (b *Bubble) path() string {
	var list []string
	for _, dir := range append(filepath.SplitList(b.host.o.Path), filepath.SplitList(defaultPath)...) {
		shown := slices.ContainsFunc(roots(), func(root string) bool { return dir == root || strings.HasPrefix(dir, root+"/") })
		if shown && !slices.Contains(list, dir) {
			list = append(list, dir)
		}
	}
	return strings.Join(list, ":")
}
