package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/cyborg-bots/cyborg/publish/dir"
	"github.com/cyborg-bots/cyborg/publish/s3/s3test"
	"github.com/cyborg-bots/cyborg/selftest/fakehub"
	"github.com/cyborg-bots/cyborg/selftest/world"
)

// patience is how long a script waits for what must happen, on a slow machine.
const patience = 3 * time.Minute

// widget is the repository that scripts are about unless they name another.
const widget = "acme/widget"

// A script is what the words of one script know beside its environment.
type script struct {
	ctx    context.Context
	server *fakehub.Server
	repos  []string
	bots   map[string]*scriptBot
	forks  map[string]string // login to repository
	disk   []string          // what mounts a disk for bots
	way    *s3test.Proxy     // to the S3 server
	days   atomic.Int64      // that GitHub's clock is ahead
}

type scriptKeyType struct{}

// scriptKey finds a script among testscript's values.
var scriptKey = scriptKeyType{}

func scriptOf(ts *testscript.TestScript) *script { return ts.Value(scriptKey).(*script) }

// words are what scripts can say beside testscript's own words; TestScripts describes them.
func words() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"hub": wordHub, "app": wordApp, "repository": wordRepository, "push": wordPush, "fork": wordFork, "pull": wordPull,
		"api": wordAPI, "until": wordUntil, "status": wordStatus, "history": wordHistory, "once": wordOnce, "unwritten": wordUnwritten, "exits": wordExits,
		"bot": wordBot, "fakehub": wordFakehub, "signal": wordSignal, "ended": wordEnded, "file": wordFile, "size": wordSize,
		"comment": wordComment, "looks": wordLooks, "eventually": wordEventually, "runs": wordRuns, "gone": wordGone,
		"s3": wordS3, "weather": wordWeather, "web": wordWeb, "days": wordDays,
		"memory": wordMemory, "disk": wordDisk, "tidy": wordTidy, "left": wordLeft,
		"issue": wordIssue, "conversation": wordConversation, "head": wordHead, "writes": wordWrites, "grant": wordGrant, "title": wordTitle, "modules": wordModules,
	}
}

// usage ends the script if a word was not written as it must be.
func usage(ts *testscript.TestScript, right bool, text string) {
	if !right {
		ts.Fatalf("usage: %s", text)
	}
}

// wordHub makes a GitHub with the repository acme/widget and those that are named, on which ada may do everything, grace
// and cyborg (the bots' account) may write, reader may read and mallory may nothing. The folder logs is served beside
// it. It sets $HUB and what a bot takes from its environment.
func wordHub(ts *testscript.TestScript, neg bool, repos []string) {
	usage(ts, !neg, "hub [REPO…]")
	s := scriptOf(ts)
	server, err := fakehub.New(fakehub.Options{Dir: ts.MkAbs("github"), Seed: 1})
	ts.Check(err)
	s.server, s.repos = server, append([]string{widget}, repos...)
	ctx, cancel := context.WithCancel(s.ctx)
	for _, r := range s.repos {
		ts.Check(server.AddRepo(ctx, fakehub.Repo{Name: r}))
	}
	for login, permission := range map[string]fakehub.Permission{
		"ada": fakehub.Admin, "grace": fakehub.Write, "cyborg": fakehub.Write, "reader": fakehub.Read, "mallory": fakehub.None,
	} {
		ts.Check(server.AddUser(fakehub.User{Login: login, Token: login + "-token"}))
		for _, r := range s.repos {
			ts.Check(server.Grant(r, login, permission))
		}
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	ts.Check(err)
	url := "http://" + listener.Addr().String()
	store, err := dir.Open(ts.MkAbs("logs"), dir.Options{PublicURL: url + world.LogsPath})
	ts.Check(err)
	served := make(chan error, 1)
	go func() { served <- world.Serve(ctx, listener, ahead(&s.days, world.Beside(server, store))) }()
	ts.Defer(func() {
		cancel()
		ts.Check(<-served)
		ts.Check(server.Close())
		ts.Check(store.Close())
	})
	for name, value := range map[string]string{
		"HUB": url, "GITHUB_API_URL": url, "GITHUB_TOKEN": "cyborg-token", "REPO": widget, "CYBORG_REPO": strings.Join(s.repos, " "),
		"CYBORG_STATE": ts.MkAbs("state"), "CYBORG_LOGS": ts.MkAbs("logs"), "CYBORG_PUBLIC_URL": url + world.LogsPath,
	} {
		ts.Setenv(name, value)
	}
}

// wordRepository makes a work tree of a folder, as ada, and pushes its branch main.
func wordRepository(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && (len(args) == 1 || len(args) == 2), "repository FOLDER [REPO]")
	folder, repo := ts.MkAbs(args[0]), widget
	if len(args) == 2 {
		repo = args[1]
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".repo"), []byte(repo), 0o600))
	git(ts, folder, "init", "-q", "-b", "main")
	commit(ts, folder, "-m", "Begin")
	git(ts, folder, "push", "-q", remote(ts, "ada", repo), "main")
}

// remote is the address of a repository for pushing.
func remote(ts *testscript.TestScript, login, repo string) string {
	return strings.Replace(ts.Getenv("HUB"), "://", "://"+login+":"+login+"-token@", 1) + "/" + repo + ".git"
}

// git runs git in a folder and gives what it prints.
func git(ts *testscript.TestScript, folder string, args ...string) string {
	ts.Check(ts.Exec("git", append([]string{"-C", folder}, args...)...))
	return strings.TrimSpace(ts.ReadFile("stdout"))
}

// commit commits all of a folder. Archives of scripts have no modes: what begins with #! is made executable.
func commit(ts *testscript.TestScript, folder string, args ...string) {
	ts.Check(filepath.WalkDir(folder, func(name string, e os.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(name)
		if err == nil && strings.HasPrefix(string(data), "#!") {
			err = os.Chmod(name, 0o755)
		}
		return err
	}))
	git(ts, folder, "add", "-A")
	git(ts, folder, append([]string{"commit", "-q", "--allow-empty"}, args...)...)
}

// wordPush commits what is in a folder to a branch, as a new commit or instead of the last, and pushes it. The folder is
// then as main has it again.
func wordPush(ts *testscript.TestScript, neg bool, args []string) {
	force := len(args) > 0 && args[0] == "--force"
	if force {
		args = args[1:]
	}
	usage(ts, !neg && len(args) == 3, "push [--force] LOGIN FOLDER BRANCH")
	login, folder, branch := args[0], ts.MkAbs(args[1]), args[2]
	repo := ts.ReadFile(args[1] + ".repo")
	if fork, ok := scriptOf(ts).forks[login]; ok {
		repo = fork
	}
	push := []string{"push", "-q", remote(ts, login, repo), branch}
	switch {
	case force:
		git(ts, folder, "symbolic-ref", "HEAD", "refs/heads/"+branch)
		commit(ts, folder, "--amend", "-m", branch+", anew")
		push = append(push, "--force")
	case branch == "main":
		commit(ts, folder, "-m", "Go on")
	default:
		git(ts, folder, "branch", "-q", branch)
		git(ts, folder, "symbolic-ref", "HEAD", "refs/heads/"+branch)
		commit(ts, folder, "-m", branch)
	}
	ts.Setenv("HEAD", git(ts, folder, "rev-parse", "HEAD"))
	git(ts, folder, push...)
	git(ts, folder, "checkout", "-q", "-f", "main")
	git(ts, folder, "clean", "-q", "-d", "-f")
}

// wordFork makes a fork of acme/widget.
func wordFork(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 1, "fork LOGIN")
	code, answer := request(ts, args[0], "POST", "repos/"+widget+"/forks", "{}")
	if code >= 300 {
		ts.Fatalf("fork as %s: %d %s", args[0], code, answer)
	}
	scriptOf(ts).forks[args[0]] = args[0] + "/widget"
}

// wordPull opens a pull request for a branch that was pushed.
func wordPull(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 3, "pull LOGIN BRANCH TITLE")
	head := args[1]
	if _, ok := scriptOf(ts).forks[args[0]]; ok {
		head = args[0] + ":" + head
	}
	body, err := json.Marshal(map[string]string{"title": args[2], "head": head, "base": "main"})
	ts.Check(err)
	code, answer := request(ts, args[0], "POST", "repos/"+ts.Getenv("REPO")+"/pulls", string(body))
	if code >= 300 {
		ts.Fatalf("open a pull request as %s: %d %s", args[0], code, answer)
	}
	var made struct {
		Number int
		Head   struct{ SHA string }
	}
	ts.Check(json.Unmarshal(answer, &made))
	ts.Setenv("PULL", fmt.Sprint(made.Number))
	ts.Setenv("HEAD", made.Head.SHA)
	ts.Setenv(fmt.Sprintf("HEAD%d", made.Number), made.Head.SHA)
}
