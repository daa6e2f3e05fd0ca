package machinetest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// nobody is the ordinary user that every Linux has.
const nobody = 65534

// homeVariable names the folder of the ordinary user: short, as sockets are in it, and the same for all tests of a program, as
// libvirt's daemon lives in it.
const homeVariable = "CYBORG_VM_HOME"

// Main runs the tests whose names begin with TestVM as an ordinary user and demands that they leave nothing. It is what
// TestMain calls; as root it runs this program again.
func Main(m *testing.M) int {
	if os.Getenv(homeVariable) != "" {
		code := m.Run()
		if left := Leftovers(); len(left) > 0 && code == 0 {
			fmt.Fprintf(os.Stderr, "left behind: %q\n", left)
			return 1
		}
		return code
	}
	code, err := again("TestVM")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// again copies this program to where everybody may run it and runs it.
func again(tests string) (int, error) {
	home, err := os.MkdirTemp("/tmp", "cyvm")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(home)
	program := filepath.Join(home, "test")
	if err := copyFile("/proc/self/exe", program); err != nil {
		return 0, err
	}
	for _, dir := range []string{home, filepath.Join(home, "run"), filepath.Join(home, "tmp")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return 0, err
		}
		if os.Getuid() == 0 {
			if err := os.Chown(dir, nobody, nobody); err != nil {
				return 0, err
			}
		}
	}
	args := []string{}
	named := false
	for _, a := range os.Args[1:] {
		named = named || strings.HasPrefix(a, "-test.run")
		if !strings.HasPrefix(a, "-test.testlogfile") && !strings.HasPrefix(a, "-test.outputdir") {
			args = append(args, a)
		}
	}
	if !named {
		args = append(args, "-test.run=^"+tests)
	}
	given, err := takeAlong(home)
	if err != nil {
		return 0, err
	}
	cmd := exec.Command(program, args...)
	cmd.Dir = home
	cmd.Env = append(append(os.Environ(), given...), homeVariable+"="+home, "HOME="+home, "USER=nobody", "TMPDIR="+filepath.Join(home, "tmp"),
		"XDG_RUNTIME_DIR="+filepath.Join(home, "run"), "XDG_CONFIG_HOME=", "XDG_CACHE_HOME=")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	err = cmd.Run()
	if cmd.ProcessState == nil {
		return 0, err
	}
	return cmd.ProcessState.ExitCode(), nil
}

// takeAlong copies what the tests are given to where everybody may read it, and gives the variables that name it.
func takeAlong(home string) ([]string, error) {
	var vars []string
	for _, name := range []string{"CYBORG_BIN", "CYBORG_VM_IMAGE", "CYBORG_VM_DEBIAN", "CYBORG_S3_SERVER"} {
		from := os.Getenv(name)
		if from == "" {
			continue
		}
		to := filepath.Join(home, filepath.Base(from))
		if err := copyFile(from, to); err != nil {
			return nil, err
		}
		vars = append(vars, name+"="+to)
	}
	return vars, nil
}

func copyFile(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o755)
}

// Home is the ordinary user's folder.
func Home() string { return os.Getenv(homeVariable) }

// Leftovers lists what machines have left behind: QEMU's processes that run for our home, and libvirt's files of
// domains.
func Leftovers() []string {
	var left []string
	for _, pattern := range []string{".cache/libvirt/qemu/log/cyborg-*", ".config/libvirt/qemu/lib/domain-*", "run/libvirt/qemu/run/cyborg-*.xml"} {
		found, _ := filepath.Glob(filepath.Join(Home(), pattern))
		left = append(left, found...)
	}
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range lines {
		data, err := os.ReadFile(file)
		if err == nil && strings.Contains(string(data), "qemu-system") && strings.Contains(string(data), Home()) {
			left = append(left, strings.ReplaceAll(string(data[:min(len(data), 200)]), "\x00", " "))
		}
	}
	return left
}
