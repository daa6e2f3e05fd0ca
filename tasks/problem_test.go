package tasks

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestProblems(t *testing.T) {
	head := "#!/bin/sh\n# verify: run the tests\n"
	for _, row := range []struct {
		name string
		file File
		want string // the brief text, and whether it is awaited; empty: no problem
	}{
		{"well", script("bots/verify", head+"# on: pull request\ntrue\n"), ""},
		{"a key mistyped", script("bots/verify", head+"# on: pull request\n# tiemout: 2h\ntrue\n"),
			`bots/verify:4: unknown key "tiemout" (did you mean "timeout"?) true`},
		{"two problems: the first is said", script("bots/verify", head+"# on: pull request\n# tiemout: 2h\n# imgae: x\ntrue\n"),
			`bots/verify:4: unknown key "tiemout" (did you mean "timeout"?) true`},
		{"the event mistyped: nobody can tell", script("bots/verify", head+"# on: pull requst\ntrue\n"),
			`bots/verify:3: on: unknown event "pull requst" (did you mean "pull request"?) true`},
		{"the key of the event mistyped: nobody can tell", script("bots/verify", head+"# onn: pull request\ntrue\n"),
			`bots/verify:3: unknown key "onn" (did you mean "on"?) true`},
		{"of another branch", script("bots/verify", head+"# on: pull request\n# branches: stable-*\n# tiemout: 2h\ntrue\n"),
			`bots/verify:5: unknown key "tiemout" (did you mean "timeout"?) false`},
		{"a chore", script("bots/verify", head+"# every: 7 days\n# tiemout: 2h\ntrue\n"),
			`bots/verify:4: unknown key "tiemout" (did you mean "timeout"?) false`},
		{"on request", script("bots/verify", head+"# timeout: long\ntrue\n"),
			`bots/verify:3: timeout: bad duration "long" (write whole numbers with units, for example: 90 minutes, 1h30m, 7 days) false`},
		{"of pushes", script("bots/verify", head+"# on: push main\n# tiemout: 2h\ntrue\n"),
			`bots/verify:4: unknown key "tiemout" (did you mean "timeout"?) false`},
		{"no header at all", script("bots/verify", "#!/bin/sh\ntrue\n"),
			`bots/verify:1: no header (begin the leading comment with a line: # verify: what it does) true`},
		{"not executable", File{"bots/verify", 0o644, []byte(head + "# on: pull request\ntrue\n")},
			"bots/verify:1: is not executable (chmod +x bots/verify) true"},
		{"a link", File{"bots/verify", fs.ModeSymlink, []byte("../test/run")},
			"bots/verify: is a symbolic link (a task is a file of its own; a link could lead anywhere) true"},
	} {
		t.Run(row.name, func(t *testing.T) {
			c, err := load(row.file, script("bots/lint", "#!/bin/sh\n# lint: look at the code\n# on: pull request\ntrue\n"))
			got := ""
			for _, p := range c.Problems {
				got = fmt.Sprint(Brief(p.Err), " ", p.Awaited("main"))
				if p.Task.Name != "verify" || p.Task.Path != "bots/verify" || !errors.Is(err, p.Err) {
					t.Errorf("problem %+v of error %v", p, err)
				}
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Error(diff)
			}
			if c.Task("lint") == nil || (c.Task("verify") == nil) != (row.want != "") {
				t.Errorf("the catalogue has %v", c.Names())
			}
		})
	}
}
