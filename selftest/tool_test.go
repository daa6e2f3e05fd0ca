package selftest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// programs makes PATH a directory with only these shell scripts.
func programs(t *testing.T, scripts map[string]string) {
	t.Helper()
	dir := t.TempDir()
	for name, script := range scripts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir)
}

func TestRealGit(t *testing.T) {
	if got, _ := answer(t, Git()); !got.OK {
		t.Errorf("got %+v", got)
	}
}

func TestGit(t *testing.T) {
	for _, test := range []struct {
		script string
		ok     bool
		want   string
	}{
		{"echo git version 2.39.5", true, "2.39.5"},
		{"echo 'git version 2.50.1 (Apple Git-155)'", true, "2.50.1 (Apple Git-155)"},
		{"echo git version 3.0.0-rc1", true, "3.0.0-rc1"},
		{"echo git version 2.38-rc0", true, "2.38-rc0"},
		{"echo git version 2.37.9", false, "git is too old: 2.37"},
		{"echo git version 1.99", false, "git is too old: 1.99"},
		{"echo hello", false, `git answers "hello"`},
		{"echo cannot load library >&2; exit 127", false, "run git: exit status 127: cannot load library"},
		{"", false, "there is no git on this machine"},
	} {
		scripts := map[string]string{"git": test.script}
		if test.script == "" {
			scripts = nil
		}
		programs(t, scripts)
		got, _ := answer(t, Git())
		if got.OK != test.ok || got.Finding != test.want {
			t.Errorf("%s: got %+v, want %q", test.script, got, test.want)
		}
		if !got.OK && !strings.Contains(got.Hint, "install git 2.38 or newer") {
			t.Errorf("%s: hint %q", test.script, got.Hint)
		}
	}
}

func TestPlace(t *testing.T) {
	got, can := answer(t, Place("host", func(context.Context) error { return nil }))
	if !got.OK || len(can) != 1 || can[0] != "host" {
		t.Errorf("got %+v, %q", got, can)
	}
	got, can = answer(t, Place("host", func(context.Context) error {
		return errors.New("start supervisor: fork: resource temporarily unavailable")
	}))
	if got.OK || len(can) > 0 || got.Finding != "start supervisor: fork: resource temporarily unavailable" {
		t.Errorf("got %+v, %q", got, can)
	}
}
