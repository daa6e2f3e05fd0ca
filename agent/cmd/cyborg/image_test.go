package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cyborg-bots/cyborg/agent"
	"github.com/cyborg-bots/cyborg/publish/s3/s3test"
	"github.com/cyborg-bots/cyborg/selftest/fakehub"
	"github.com/cyborg-bots/cyborg/tasks"
	"github.com/cyborg-bots/cyborg/vmimage/build"
)

// A guestless is a guest that is none: what is installed in it is what its test says.
type guestless struct {
	disk     string
	packages *string
}

func (g guestless) Run(_ context.Context, script []byte, _ []string, output io.Writer) (int, error) {
	if bytes.Contains(script, []byte("dpkg-query")) {
		_, err := io.WriteString(output, *g.packages)
		return 0, err
	}
	return 0, nil
}

func (g guestless) Save(ctx context.Context, to string) error {
	return exec.CommandContext(ctx, "qemu-img", "convert", "-O", "qcow2", g.disk, to).Run()
}

func (g guestless) Close() error { return nil }

// imageWorld is a GitHub and an S3 server, and what a bot finds in its environment.
type imageWorld struct {
	t        *testing.T
	hub      *httptest.Server
	env      map[string]string
	packages string // what is installed in new disks
}

func newImageWorld(t *testing.T) *imageWorld {
	t.Helper()
	bucket := s3test.Start(t)
	server, err := fakehub.New(fakehub.Options{Dir: t.TempDir(), Seed: 1})
	check(t, err)
	t.Cleanup(func() { server.Close() })
	check(t, server.AddRepo(t.Context(), fakehub.Repo{Name: widget}))
	for login, may := range map[string]fakehub.Permission{"ada": fakehub.Admin, "cyborg": fakehub.Write} {
		check(t, server.AddUser(fakehub.User{Login: login, Token: login + "-token"}))
		check(t, server.Grant(widget, login, may))
	}
	_, err = server.Commit(t.Context(), widget, fakehub.Commit{Branch: "main", Message: "Begin", Files: map[string]string{
		"README.md":                  "hello\n",
		"bots/images/tiny.bootstrap": "#!/bin/sh\nset -e\ndate +%N >\"$CYBORG_DISK\"\ntruncate -s 4M \"$CYBORG_DISK\"\n",
		"bots/images/tiny.setup":     "#!/bin/sh\ntrue\n",
	}})
	check(t, err)
	w := &imageWorld{t: t, hub: httptest.NewServer(server)}
	t.Cleanup(w.hub.Close)
	w.env = map[string]string{
		"GITHUB_API_URL": w.hub.URL, "GITHUB_TOKEN": "cyborg-token", "CYBORG_REPO": widget, "HOME": t.TempDir(), "CYBORG_STATE": t.TempDir(),
		"CYBORG_LOGS": t.TempDir(), "CYBORG_IMAGE_STORE": "s3://images/team", "CYBORG_SANDBOX": "none", // it would try all engines of this machine
	}
	for _, pair := range bucket.Env() {
		name, value, _ := strings.Cut(pair, "=")
		w.env[name] = value
	}
	return w
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// ask makes one request to GitHub as ada.
func (w *imageWorld) ask(method, path, body string, to any) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.hub.URL+"/repos/"+widget+"/"+path, strings.NewReader(body))
	check(w.t, err)
	req.Header.Set("Authorization", "token ada-token")
	resp, err := http.DefaultClient.Do(req)
	check(w.t, err)
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	check(w.t, err)
	if resp.StatusCode >= 300 {
		w.t.Fatalf("%s %s: %d %s", method, path, resp.StatusCode, answer)
	}
	check(w.t, json.Unmarshal(answer, to))
}

// work lets a bot look once and do what it finds. Its machines are none; all else is real.
func (w *imageWorld) work() {
	w.t.Helper()
	f := new(runFlags)
	flags := flag.NewFlagSet("run", flag.ContinueOnError)
	env := &environment{Getenv: func(name string) string { return w.env[name] }, Stdout: w.t.Output(), Stderr: w.t.Output()}
	f.register(flags, env)
	check(w.t, flags.Parse([]string{"--once", "--settle", "1s"}))
	check(w.t, f.check())
	b, err := f.wire()
	check(w.t, err)
	check(w.t, b.prepare(w.t.Context()))
	defer b.claims.Close()
	store, err := f.bucket(w.env["CYBORG_IMAGE_STORE"])
	check(w.t, err)
	check(w.t, store.Init(w.t.Context()))
	house, err := f.warehouse(b.state)
	check(w.t, err)
	works := newFactory(f, b.state, house, nil)
	works.start = func(_ context.Context, _, disk string, _ bool, _ io.Writer) (build.Guest, error) {
		return guestless{disk, &w.packages}, nil
	}
	c := b.config()
	c.Has = append(slices.Clone(c.Has), tasks.Capability{Name: "vm"}, tasks.Capability{Name: "images"})
	c.Performer.(*agent.Workshop).Also = imageTasks(works, b.keeper(house))
	a, err := agent.New(c)
	check(w.t, err)
	check(w.t, a.Run(w.t.Context()))
}

// refresh asks for a new disk in an issue, lets a bot make it, and gives the message of what it proposes and the disk's file.
func (w *imageWorld) refresh() (number int, message, file string) {
	w.t.Helper()
	var issue struct{ Number int }
	w.ask("POST", "issues", `{"title":"Image refresh for tiny","body":"A new one is due.\n\n * [ ] image-refresh tiny\n","labels":["bot"]}`, &issue)
	w.work()
	pull := fmt.Sprintf("pulls/%d", issue.Number)
	var commits []struct{ Commit struct{ Message string } }
	w.ask("GET", pull+"/commits", "", &commits)
	var files []struct{ Filename string }
	w.ask("GET", pull+"/files", "", &files)
	if len(commits) != 1 || len(files) != 1 || files[0].Filename != "bots/images/tiny" {
		w.t.Fatalf("the pull request has %d commits, and changes %v", len(commits), files)
	}
	var head struct{ Head struct{ SHA string } }
	w.ask("GET", pull, "", &head)
	var link struct{ Target string }
	w.ask("GET", "contents/bots/images/tiny?ref="+head.Head.SHA, "", &link)
	return issue.Number, commits[0].Commit.Message, link.Target
}

// TestImageRefresh asks for a disk in an issue: a bot builds it, uploads it, and turns the issue into the pull request that makes
// it the image; the next one tells what has changed inside, and the old one stays.
func TestImageRefresh(t *testing.T) {
	w := newImageWorld(t)
	w.packages = "bash 5.1\ngcc 12\n"
	number, message, first := w.refresh()
	if !strings.HasPrefix(message, "image-refresh tiny: a new disk\n") || !strings.Contains(message, "It is the first one, with 2 packages.") {
		t.Errorf("the first one says\n%s", message)
	}
	var merged struct{ Merged bool }
	w.ask("PUT", fmt.Sprintf("pulls/%d/merge", number), "{}", &merged)

	w.packages = "bash 5.2\ngcc 12\nvim 9\n"
	w.env["CYBORG_STATE"] = t.TempDir() // another machine
	number, message, second := w.refresh()
	var pull struct {
		Body   string
		Number int
	}
	w.ask("GET", fmt.Sprintf("pulls/%d", number), "", &pull)
	if !strings.Contains(pull.Body, "* [x] image-refresh tiny") {
		t.Errorf("the pull request says\n%s", pull.Body)
	}
	for _, says := range []string{"| `bash` | `5.1` | `5.2` |\n", "| `vim` |  | `9` |\n"} {
		for what, text := range map[string]string{"commit": message, "pull request": pull.Body} {
			if !strings.Contains(text, says) || strings.Contains(text, "gcc") {
				t.Errorf("the %s does not say %q:\n%s", what, says, text)
			}
		}
	}
	if first == second {
		t.Errorf("both are %s", first)
	}
	// A store that is full of what is needed takes no more, and people hear of it.
	w.env["CYBORG_IMAGE_ROOM"] = "1K"
	w.ask("POST", "issues", `{"title":"Image refresh for tiny","body":"Another.\n\n * [ ] image-refresh tiny\n","labels":["bot"]}`, &pull)
	w.work()
	var said []struct{ Body string }
	w.ask("GET", fmt.Sprintf("issues/%d/comments", pull.Number), "", &said)
	if len(said) == 0 || !strings.Contains(said[len(said)-1].Body, "too little room, and the 2 disks that are left are needed or too new") {
		t.Errorf("of a full store people hear %q", said)
	}
	// Who has nothing gets either, checked.
	w.env["CYBORG_STATE"] = t.TempDir()
	for _, disk := range []string{first, second} {
		var out bytes.Buffer
		env := &environment{Getenv: func(name string) string { return w.env[name] }, Stdout: &out, Stderr: t.Output()}
		if code := execute(t.Context(), env, []string{"image", "get", disk}); code != exitDone {
			t.Errorf("get %s: exit status %d", disk, code)
		}
		if info, err := os.Stat(strings.TrimSpace(out.String())); err != nil || filepath.Base(info.Name()) != disk {
			t.Errorf("get %s printed %q: %v", disk, &out, err)
		}
	}
}

// TestImageTasksKnown: a bot without a store knows of the tasks of images, as the team's settings name them; it just cannot do
// them.
func TestImageTasksKnown(t *testing.T) {
	settings := tasks.File{Path: "bots/fleet.toml", Mode: 0o644, Data: []byte("[chores]\nimage-prune = \"1 day\"\n")}
	c, err := tasks.Load(slices.Values([]tasks.File{settings}), new(bot).imageTasks()...)
	check(t, err)
	for name, needs := range map[string]string{"image-prune": "needs images", "image-refresh": "needs vm needs images"} {
		task := c.Task(name)
		if task == nil {
			t.Fatalf("there is no %s", name)
		}
		if got := strings.Join(task.Requires().Missing(nil), " "); got != needs {
			t.Errorf("%s: %q", name, got)
		}
	}
	if every := c.Task("image-prune").Every; every != 24*time.Hour {
		t.Errorf("it is done every %v", every)
	}
}
