package tasks

import (
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// load loads files given as path, mode and text.
func load(files ...File) (*Catalogue, error) { return Load(slices.Values(files)) }

// script is an executable task.
func script(path, text string) File { return File{path, 0o755, []byte(text)} }

func TestLoad(t *testing.T) {
	c, err := load(
		script("bots/verify", productHeader),
		script("bots/unit", "#!/bin/sh\n# unit: run the unit tests\n# on: pull request, push main\n# branches: main\ntrue\n"),
		script("bots/nightly", "#!/bin/sh\n# nightly: all of it\n# on: push release/**, tag v[0-9]*\ntrue\n"),
		script("bots/images/fedora-42.setup", "#!/bin/sh\ndnf install\n"),
		script("bots/known/fedora-42/1-slug", "no task"),
		script("elsewhere/verify2", "no task"),
		script("bots.sh", "no task"),
		File{"bots/README.md", 0o644, []byte("# Bots\n\nHow we teach them.\n")},
		File{"bots/lib.sh", 0o644, []byte("#!/bin/sh\n# lib: functions\n")},
		File{"bots/allowed_signers", 0o644, []byte("a@b ssh-ed25519 AAAA\n")},
		File{"bots/fleet.toml", 0o644, []byte("[trust]\nusers = [\"alice\"]\n")},
	)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(c.Names(), " "); got != "deps-refresh example-task known-prune logs-prune nightly unit verify" {
		t.Errorf("tasks are %s", got)
	}
	if got := c.Fleet.Trust.Users; !slices.Equal(got, []string{"alice"}) {
		t.Errorf("trusts %q", got)
	}
	unit := c.Task("unit")
	if unit.Path != "bots/unit" || unit.Builtin() || len(unit.Digest) != 71 {
		t.Errorf("unit is %+v", unit)
	}
	for _, test := range []struct {
		kind EventKind
		on   string
		want string
	}{
		{PullRequest, "main", "unit verify/fedora-42/firefox verify/fedora-42/chrome verify/debian-13/firefox verify/debian-13/chrome verify/centos-10/firefox verify/centos-10/chrome"},
		{PullRequest, "stable-3", "verify/fedora-42/firefox verify/fedora-42/chrome verify/debian-13/firefox verify/debian-13/chrome verify/centos-10/firefox verify/centos-10/chrome"},
		{PullRequest, "feature", ""},
		{Push, "release/1/2", "nightly"},
		{Push, "release", ""},
		{Tag, "v1.0", "nightly"},
		{Tag, "vx", ""},
	} {
		var names []string
		for _, context := range c.ContextsFor(test.kind, test.on) {
			names = append(names, context.Name)
		}
		if got := strings.Join(names, " "); got != test.want {
			t.Errorf("%s of %s asks for %q, want %q", test.kind, test.on, got, test.want)
		}
	}
	found, ok := c.Lookup("Verify/fedora-42/CHROME")
	if !ok || found.Name != "verify/fedora-42/chrome" || found.Task.Name != "verify" ||
		!cmp.Equal(found.Axes, []Value{{"image", "fedora-42"}, {"browser", "chrome"}}) {
		t.Errorf("found %+v", found)
	}
	for _, name := range []string{"verify", "verify/fedora-42", "verify/fedora-42/chrome/x", "verify/fedora-43/chrome", "ci/travis", ""} {
		if found, ok := c.Lookup(name); ok {
			t.Errorf("%q is %+v", name, found)
		}
	}
}

func TestLoadErrors(t *testing.T) {
	good := script("bots/unit", "#!/bin/sh\n# unit: run the unit tests\n")
	tests := []struct {
		name string
		file File
		want string
	}{
		{"not executable", File{"bots/verify", 0o644, []byte(productHeader)},
			"bots/verify:1: is not executable\nhint: chmod +x bots/verify"},
		{"bad header", script("bots/verify", "#!/bin/sh\n# verify: x\n# imge: a\n"), "bots/verify:3: unknown key \"imge\"\nhint: did you mean \"image\"?"},
		{"no header", script("bots/verify", "#!/bin/sh\ntrue\n"), "bots/verify:1: no header\nhint: begin the leading comment with a line: # verify: what it does"},
		{"a link", File{"bots/verify", fs.ModeSymlink | 0o777, []byte("/etc/passwd")},
			"bots/verify: is a symbolic link\nhint: a task is a file of its own; a link could lead anywhere"},
		{"bad name", script("bots/Verify.sh", "#!/bin/sh\n# Verify.sh: x\n"),
			"bots/Verify.sh: bad task name \"Verify.sh\"\nhint: small letters, digits and -, beginning with a letter or digit"},
		{"the program's name", script("bots/cyborg", "#!/bin/sh\n# cyborg: x\n"), "bots/cyborg: no task can be named \"cyborg\"\nhint: it is the program's name"},
		{"unknown step", script("bots/notes", "#!/bin/sh\n# notes: x\n# after: unti\n"), "bots/notes: waits for the step \"unti\", which is no task\nhint: did you mean \"unit\"?"},
		{"a circle", script("bots/notes", "#!/bin/sh\n# notes: x\n# after: notes\n"), "bots/notes: the step \"notes\" waits for itself\nhint: follow the keys \"after\" in a circle"},
		{"bad settings", File{"bots/fleet.toml", 0o644, []byte("[trust]\nusrs = [\"mallory\"]\n")},
			"bots/fleet.toml:2: unknown key \"trust.usrs\"\nhint: did you mean \"trust.users\"?"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c, err := load(test.file, good)
			if err == nil || err.Error() != test.want {
				t.Errorf("got error\n%v\nwant\n%s", err, test.want)
			}
			if c.Task("unit") == nil {
				t.Error("a good task is lost with the bad one")
			}
			steps := strings.Contains(test.want, " step ") // a circle is about several files
			if n := len(c.Problems); n != 1 && !steps || n == 1 && c.Problems[0].Settings() != (test.file.Path == "bots/fleet.toml") {
				t.Errorf("the problems are %+v", c.Problems)
			}
			if len(c.Fleet.Trust.Users) > 0 {
				t.Errorf("trusts %q", c.Fleet.Trust.Users)
			}
		})
	}
}

func TestFind(t *testing.T) {
	c, err := load()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Find("exampel-task"); err == nil || err.Error() != `no task "exampel-task": did you mean "example-task"?` {
		t.Errorf("error is %v", err)
	}
	own, err := load(script("bots/example-task", "#!/bin/sh\n# example-task: ours\n"))
	if err != nil || own.Task("example-task").Builtin() || len(own.Tasks) != len(Builtins()) {
		t.Errorf("the team's own task does not go first: %v, error %v", own.Names(), err)
	}
}

func TestParseFleet(t *testing.T) {
	want := DefaultFleet()
	want.Trust.Users = []string{"alice", "dependabot[bot]"}
	want.Limits.PullsPerHour, want.Limits.Timeout, want.Limits.Log = 0, Duration(3*time.Hour), 20<<20
	want.Retention.Images = Duration(30 * 24 * time.Hour)
	want.Labels.Priority = "urgent"
	got, err := ParseFleet("bots/fleet.toml", []byte(`# ours
[trust]
users = ["alice", "dependabot[bot]"]
[limits]
pull-requests-per-hour = 0
timeout = "3h"
log = "20M"
[retention]
images = "30 days"
[labels]
priority = "urgent"
`))
	if err != nil || !cmp.Equal(want, got) {
		t.Errorf("error %v (-want +got):\n%s", err, cmp.Diff(want, got))
	}
}

func TestBadFleets(t *testing.T) {
	tests := []struct{ text, want string }{
		{"trust = 3\n", "bots/fleet.toml:1: trust: value of the wrong kind\nhint: write for example: [trust]"},
		{"[trust]\nusers = \"alice\"\n", "bots/fleet.toml:2: trust.users: value of the wrong kind\nhint: write for example: users = [\"alice\"]"},
		{"[trust]\nusers = [3]\n", "bots/fleet.toml:2: trust.users: "},
		{"[trust]\nusers = [\"@alice\"]\n", "bots/fleet.toml:2: trust.users: \"@alice\" is no login\nhint: write the name as GitHub shows it, without @"},
		{"[trust]\nusers = [\"a/../b\"]\n", "is no login"},
		{"[limits]\ntimeout = 3\n", "bots/fleet.toml:2: limits.timeout: "},
		{"\n\n[limits]\ntimeout = \"3\"\n", "bots/fleet.toml:4: limits.timeout: duration \"3\" has no unit"},
		{"[limits]\ntimeout = \"3 days\"\n", "bots/fleet.toml:2: limits.timeout: out of range\nhint: from 1 second to 1 day"},
		{"[limits]\nattempts = 0\n", "bots/fleet.toml:2: limits.attempts: 0 is out of range"},
		{"[limits]\npull-requests-per-hour = -1\n", "bots/fleet.toml:2: limits.pull-requests-per-hour: -1 is out of range"},
		{"[retention]\nlogs = \"1h\"\n", "bots/fleet.toml:2: retention.logs: shorter than a day"},
		{"[labels]\nbot = \"priority\"\n", "labels.priority: \"priority\" means something else already"},
		{"[labels]\nbot = \" bot\"\n", "bots/fleet.toml:2: labels.bot: \" bot\" is no label"},
		{"[limts]\nattempts = 3\n", "bots/fleet.toml:1: unknown key \"limts\""},
		{"trust.users = [\n", "bots/fleet.toml:"},
		{"[trust]\n[trust]\n", "bots/fleet.toml:2: "},
		{"a = \xff\n", "bots/fleet.toml:1: "},
		{strings.Repeat("#\n", MaxHeader), "longer than 65536 bytes"},
	}
	for _, test := range tests {
		got, err := ParseFleet("bots/fleet.toml", []byte(test.text))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%.60q: error is\n%v\nwant\n%s", test.text, err, test.want)
		}
		if !cmp.Equal(got, DefaultFleet()) {
			t.Errorf("%.60q: settings beside the error: %+v", test.text, got)
		}
	}
}

func FuzzParseFleet(f *testing.F) {
	f.Add([]byte("[trust]\nusers = [\"alice\"]\n[limits]\ntimeout = \"3h\"\nlog = \"20M\"\n[labels]\nno-test='x'\n"))
	f.Add([]byte("trust.usrs.x = [{a=1}]\n[[limits]]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := ParseFleet("bots/fleet.toml", data)
		if err != nil && !cmp.Equal(got, DefaultFleet()) {
			t.Errorf("settings beside the error: %+v", got)
		}
		if err == nil && (got.Limits.Timeout <= 0 || time.Duration(got.Limits.Timeout) > MaxTimeout || got.Labels.Bot == "") {
			t.Errorf("accepted %+v", got)
		}
	})
}

func TestMatch(t *testing.T) {
	tests := []struct {
		pattern, name string
		want          bool
	}{
		{"main", "main", true}, {"main", "Main", false}, {"main", "main2", false},
		{"stable-*", "stable-3", true}, {"stable-*", "stable-", true}, {"stable-*", "stable-3/x", false},
		{"*", "main", true}, {"*", "a/b", false}, {"**", "a/b", true}, {"release/**", "release/1/2", true},
		{"release/**", "release", false}, {"**/x", "a/b/x", true}, {"a/**/x", "a/b/c/x", true}, {"a/**/x", "a/b/c/y", false},
		{"**/a/**", "x/a/y", true}, {"v[0-9]*", "v1.2", true}, {"v[0-9]*", "vx", false}, {"", "", true}, {"?", "ü", true},
	}
	for _, test := range tests {
		if got := Match(test.pattern, test.name); got != test.want {
			t.Errorf("%q matches %q: %v", test.pattern, test.name, got)
		}
	}
}
