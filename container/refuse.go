package container

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// refusal explains why the kernel did not start a command, when the reason
// lies in the task; ok is false when it is the machine's trouble.
func refusal(err error, argv []string, dir string) (text string, code int, ok bool) {
	name := argv[0]
	path := name
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return "", 0, false
	}
	switch errno {
	case syscall.ENOENT:
		if why := badInterpreter(path); why != "" {
			return name + ": " + why, codeNotFound, true
		}
		return name + ": no such file", codeNotFound, true
	case syscall.ENOTDIR, syscall.ELOOP, syscall.ENAMETOOLONG:
		return name + ": " + errno.Error(), codeNotFound, true
	case syscall.EACCES:
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			return name + ": is a directory", codeNotExecutable, true
		}
		return name + ": not executable; hint: chmod +x " + name + " and commit the mode", codeNotExecutable, true
	case syscall.ENOEXEC:
		return name + ": neither a script that begins with #! nor a program for this machine", codeNotExecutable, true
	case syscall.E2BIG:
		return name + ": arguments and environment are too long for this system", codeNotExecutable, true
	default:
		return "", 0, false
	}
}

// badInterpreter says which interpreter of a script is missing. The kernel
// reports that as if the script itself were missing.
func badInterpreter(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	head, err := bufio.NewReader(io.LimitReader(f, 256)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return ""
	}
	rest, ok := strings.CutPrefix(head, "#!")
	if !ok {
		return "its program loader is not on this machine"
	}
	if strings.HasSuffix(rest, "\r\n") {
		return "its first line ends in a carriage return; hint: store the file with Unix line ends"
	}
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return "its first line names no interpreter"
	}
	return fmt.Sprintf("its interpreter %q is not on this machine", fields[0])
}
