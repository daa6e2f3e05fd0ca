package container

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// defaultPath is used when the bot itself has none.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// environ returns the environment of a job: of each name the last value, in
// the order of first appearance.
func environ(lists ...[]string) []string {
	var env []string
	at := map[string]int{}
	for _, list := range lists {
		for _, entry := range list {
			name, _, _ := strings.Cut(entry, "=")
			if i, ok := at[name]; ok {
				env[i] = entry
				continue
			}
			at[name] = len(env)
			env = append(env, entry)
		}
	}
	return env
}

// lookup returns the value of name in env.
func lookup(env []string, name string) string {
	for _, entry := range env {
		if key, value, ok := strings.Cut(entry, "="); ok && key == name {
			return value
		}
	}
	return ""
}

// findCommand finds a command without a slash in path, as execvp does: a file
// that is there but not executable is remembered for the error. Relative
// entries are left out; they would mean a directory of the pull request.
func findCommand(name, path string) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	err := error(syscall.ENOENT)
	for _, dir := range filepath.SplitList(path) {
		if !filepath.IsAbs(dir) {
			continue
		}
		file := filepath.Join(dir, name)
		info, statErr := os.Stat(file)
		if statErr != nil || info.IsDir() {
			continue
		}
		if info.Mode()&0o111 == 0 {
			err = syscall.EACCES
			continue
		}
		return file, nil
	}
	return "", err
}
