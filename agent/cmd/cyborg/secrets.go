package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/cyborg-bots/cyborg/tasks"
)

// mostSecret bounds what a secret may be: a key, a certificate, no archive.
const mostSecret = 64 << 10

// handed reads the secrets that this bot may hand to tasks: the files of the folder $CYBORG_SECRETS, named as the headers name
// them. Container platforms mount secrets so, with links and files of their own beside them that begin with a dot.
func (f *hubFlags) handed() (map[string]string, error) {
	dir := f.env.Getenv("CYBORG_SECRETS")
	if dir == "" {
		return nil, nil
	}
	wrong := func(err error, hint string) (map[string]string, error) {
		return nil, &exitError{Code: exitUsage, Err: fmt.Errorf("read CYBORG_SECRETS: %w", err), Hint: hint}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return wrong(err, "it is a folder with one file for each secret")
	}
	list := map[string]string{}
	for _, e := range entries {
		name := e.Name()
		if strings.HasPrefix(name, ".") {
			continue
		}
		if _, err := tasks.ParseCapability("secret=" + name); err != nil {
			return wrong(fmt.Errorf("%s: %w", name, err), "a file has the name of the secret, as headers name it: NPM_TOKEN")
		}
		file := filepath.Join(dir, name)
		info, err := os.Stat(file)
		if err != nil || !info.Mode().IsRegular() || info.Size() > mostSecret {
			return wrong(errors.Join(fmt.Errorf("%s is no file of at most %d KB", name, mostSecret>>10), err), "put each secret into a file of its own")
		}
		data, err := os.ReadFile(file)
		if err != nil {
			return wrong(err, "let "+userName()+" read it")
		}
		list[name] = strings.TrimRight(string(data), "\r\n")
	}
	return list, nil
}
