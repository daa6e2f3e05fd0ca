package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/cyborg-bots/cyborg/publish/dir"
	"github.com/cyborg-bots/cyborg/selftest/fakehub"
	"github.com/cyborg-bots/cyborg/selftest/world"
)

// scriptContext is the key of the test's context among a script's values.
const scriptContext = "context"

// patience is how long a script waits for what must happen, on a slow machine.
const patience = 90 * time.Second

// scriptHub is the word "hub": an emulated GitHub with the repository acme/widget, its people, and the folder logs
// served beside it. It sets $HUB, $GITHUB_API_URL, $GITHUB_TOKEN (of the bots' account), $CYBORG_REPO, $CYBORG_STATE,
// $CYBORG_LOGS and $CYBORG_PUBLIC_URL.
func scriptHub(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: hub")
	}
	server, err := fakehub.New(fakehub.Options{Dir: ts.MkAbs("github"), Seed: 1})
	ts.Check(err)
	ctx, cancel := context.WithCancel(ts.Value(scriptContext).(context.Context))
	ts.Check(server.AddRepo(ctx, fakehub.Repo{Name: "acme/widget"}))
	for login, permission := range map[string]fakehub.Permission{
		"ada": fakehub.Admin, "grace": fakehub.Write, "cyborg": fakehub.Write, "reader": fakehub.Read, "mallory": fakehub.None,
	} {
		ts.Check(server.AddUser(fakehub.User{Login: login, Token: login + "-token"}))
		ts.Check(server.Grant("acme/widget", login, permission))
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	url := "http://" + listener.Addr().String()
	store, err := dir.Open(ts.MkAbs("logs"), dir.Options{PublicURL: url + world.LogsPath})
	ts.Check(err)
	served := make(chan error, 1)
	go func() { served <- world.Serve(ctx, listener, world.Beside(server, store)) }()
	ts.Defer(func() {
		cancel()
		ts.Check(<-served)
		ts.Check(server.Close())
		ts.Check(store.Close())
	})
	for name, value := range map[string]string{
		"HUB": url, "GITHUB_API_URL": url, "GITHUB_TOKEN": "cyborg-token", "CYBORG_REPO": "acme/widget",
		"CYBORG_STATE": ts.MkAbs("state"), "CYBORG_LOGS": ts.MkAbs("logs"), "CYBORG_PUBLIC_URL": url + world.LogsPath,
	} {
		ts.Setenv(name, value)
	}
}

// scriptRepository is the words "repository FOLDER": the folder, with its scripts made executable, becomes a git work
// tree whose main branch is pushed to acme/widget as ada.
func scriptRepository(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: repository FOLDER")
	}
	folder := ts.MkAbs(args[0])
	ts.Check(filepath.WalkDir(folder, func(name string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		if err == nil && strings.HasPrefix(string(data), "#!") {
			err = os.Chmod(name, 0o755)
		}
		return err
	}))
	remote := strings.Replace(ts.Getenv("HUB"), "://", "://ada:ada-token@", 1) + "/acme/widget.git"
	for _, words := range [][]string{
		{"init", "-q", "-b", "main"}, {"add", "-A"}, {"commit", "-q", "-m", "Begin"},
		{"remote", "add", "origin", remote}, {"push", "-q", "origin", "main"},
	} {
		ts.Check(ts.Exec("git", append([]string{"-C", folder}, words...)...))
	}
}

// scriptAPI is the words "api LOGIN METHOD PATH [BODY]": one request; the answer can be compared as stdout. "!" wants a
// refusal.
func scriptAPI(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 3 || len(args) > 4 {
		ts.Fatalf("usage: api LOGIN METHOD PATH [BODY]")
	}
	body := ""
	if len(args) == 4 {
		body = args[3]
	}
	code, answer, err := request(ts, args[0], args[1], args[2], body)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs("answer"), answer, 0o600))
	if (code >= 300) != neg {
		ts.Fatalf("%s %s: %d %s", args[1], args[2], code, answer)
	}
}

// scriptUntil is the words "until LOGIN PATH PATTERN": asks until the answer, pretty or not, matches.
func scriptUntil(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: until LOGIN PATH PATTERN")
	}
	pattern, err := regexp.Compile(`(?s)` + args[2])
	ts.Check(err)
	limit := time.NewTimer(patience)
	defer limit.Stop()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		_, answer, err := request(ts, args[0], "GET", args[1], "")
		ts.Check(err)
		if pattern.Match(answer) {
			ts.Check(os.WriteFile(ts.MkAbs("answer"), answer, 0o600))
			return
		}
		select {
		case <-limit.C:
			ts.Fatalf("%s does not match %q within %s: %s", args[1], args[2], patience, answer)
		case <-tick.C:
		}
	}
}

func request(ts *testscript.TestScript, login, method, path, body string) (int, []byte, error) {
	req, err := http.NewRequest(method, ts.Getenv("HUB")+"/"+path, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "token "+login+"-token")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	return resp.StatusCode, answer, err
}
