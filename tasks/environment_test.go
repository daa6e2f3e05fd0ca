package tasks

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEnvironment(t *testing.T) {
	t.Setenv("GITHUB_TOKEN", "hunter2")
	job := Job{Task: "verify", Context: "verify/fedora-42/firefox", Axes: []Value{{"image", "fedora-42"}, {"browser", "firefox"}, {"go-version", "1.26"},
		{"path", "/evil"}, {"ld-preload", "evil.so"}, {"cyborg-sha", "evil"}, {"home", "evil"}},
		Repo: "acme/widget", Pull: 42, SHA: "abc", BaseRef: "main", BaseSHA: "def", Attempt: 2}
	want := []string{"BROWSER=firefox", "CYBORG_ARTIFACTS=/out", "CYBORG_ATTEMPT=2", "CYBORG_BASE=def", "CYBORG_CONTEXT=verify/fedora-42/firefox",
		"CYBORG_IMAGE=fedora-42", "CYBORG_PULL=42", "CYBORG_REPO=acme/widget", "CYBORG_SHA=abc", "CYBORG_TASK=verify", "GO_VERSION=1.26", "TEST_OS=fedora-42"}
	if d := cmp.Diff(want, Environment(job, "/out")); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	want = []string{"CYBORG_ATTEMPT=1", "CYBORG_ISSUE=7", "CYBORG_REPO=acme/widget", "CYBORG_TASK=po-refresh"}
	if d := cmp.Diff(want, Environment(Job{Task: "po-refresh", Repo: "acme/widget", Issue: 7}, "")); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestBuiltins(t *testing.T) {
	seen := map[string]bool{}
	for _, b := range Builtins() {
		if err := taskName.check(b.Name); err != nil || seen[b.Name] || b.Name == Program {
			t.Errorf("task %q: %v, seen %v", b.Name, err, seen[b.Name])
		}
		seen[b.Name] = true
		if b.Doc == "" || b.Run == nil || b.Timeout <= 0 || len(b.On) == 0 || !b.Builtin() {
			t.Errorf("task %q is not complete: %+v", b.Name, b)
		}
		for i, p := range b.Params {
			if p.Name == "" || p.Doc == "" || p.Example == "" || p.Many && i < len(b.Params)-1 {
				t.Errorf("task %q: parameter %+v", b.Name, p)
			}
			if p.Check != nil && p.Check(p.Example) != nil {
				t.Errorf("task %q: example of %s: %v", b.Name, p.Name, p.Check(p.Example))
			}
		}
	}
}

func TestExampleTask(t *testing.T) {
	c, err := load()
	if err != nil {
		t.Fatal(err)
	}
	task := c.Task("example-task")
	var out strings.Builder
	job := Job{Task: task.Name, Args: []string{"hello world"}, Issue: 3}
	err = task.Run(t.Context(), &Env{Job: job, Output: &out, Vars: Environment(job, "")}, job.Args)
	if want := "cyborg example-task --issue 3 'hello world'\n'hello world'\nCYBORG_ATTEMPT=1\nCYBORG_ISSUE=3\nCYBORG_TASK=example-task\n"; err != nil || out.String() != want {
		t.Errorf("error %v, printed %q", err, out.String())
	}
}

func TestCheckArgs(t *testing.T) {
	task := &Task{Name: "image-refresh", Params: []Param{
		{Name: "NAME", Doc: "the image", Example: "debian-13", Check: imageName.check},
		{Name: "WORD", Doc: "more", Example: "x", Many: true, Check: func(s string) error { return taskName.check(s) }},
	}}
	tests := []struct {
		args []string
		want string
	}{
		{[]string{"debian-13"}, ""},
		{[]string{"debian-13", "a", "b"}, ""},
		{nil, "image-refresh: missing NAME (the image), for example: image-refresh debian-13"},
		{[]string{"../x"}, `image-refresh: NAME "../x": bad image name "../x"`},
		{[]string{"debian-13", "a", "B"}, `image-refresh: WORD "B": bad task name "B"`},
	}
	for _, test := range tests {
		got := ""
		if err := task.CheckArgs(test.args); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%q: %s, want %s", test.args, got, test.want)
		}
	}
	none := &Task{Name: "prune"}
	if err := none.CheckArgs([]string{"x"}); err == nil || err.Error() != `prune: too many arguments: takes 0, got 1, the first too many is "x"` {
		t.Errorf("error %v", err)
	}
	none.Path = "bots/prune"
	if err := none.CheckArgs([]string{"x"}); err != nil {
		t.Errorf("a file's arguments are its own business: %v", err)
	}
}

func TestFail(t *testing.T) {
	cause := Fail("no tests: %w", strings.NewReader("").UnreadByte())
	if !IsFail(cause) || cause.Error() != "no tests: strings.Reader.UnreadByte: at beginning of string" {
		t.Errorf("%v", cause)
	}
	if IsFail(strings.NewReader("").UnreadByte()) || IsFail(nil) {
		t.Error("any error is a no")
	}
}

func TestTable(t *testing.T) {
	c, err := load(
		script("bots/verify", productHeader),
		script("bots/po-refresh", "#!/bin/sh\n# po-refresh: pull new translations\n# every: 7 days\n# paths: po/\n# push: head\n# in: container debian:13\n"),
		script("bots/notes", "#!/bin/sh\n# notes: write the notes\n# after: verify\n# secrets: TOKEN\n# in: host\n"),
		script("bots/many", "#!/bin/sh\n# many: one of each\n# image: a b c d\n# with: x=1 2 3 4\n# on: push main\n# network: none\n"),
		script("bots/ring", "#!/bin/sh\n# ring: three machines\n# image: debian-13\n# in: vm\n# machines: server=centos-10 client\n# needs: memory=2G disk=10G\n"),
	)
	if err != nil {
		t.Fatal(err)
	}
	text := Table(c.Tasks)
	for _, task := range c.Tasks {
		text += "\n" + task.Explain()
	}
	golden(t, "table.golden", text)
}
