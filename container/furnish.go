//go:build linux && (amd64 || arm64)

package container

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

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
