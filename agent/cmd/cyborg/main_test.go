package main

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/cyborg-bots/cyborg/container"
)

func TestMain(m *testing.M) {
	if code, ok := container.Supervise(os.Args); ok {
		os.Exit(code)
	}
	testscript.Main(runner{m}, map[string]func(){"cyborg": main})
}

// atOnce is how many scripts run side by side: they wait for bots, GitHub and git much more than they compute.
const atOnce = "6"

// A runner runs this package's tests, atOnce side by side unless the command line says otherwise.
type runner struct{ *testing.M }

// Run implements testscript.TestingM.
func (r runner) Run() int {
	flag.Parse()
	if f := flag.Lookup("test.parallel"); f.Value.String() == f.DefValue {
		_ = f.Value.Set(atOnce) // a number
	}
	return r.M.Run()
}

var update = flag.Bool("update", false, "write what was printed into the scripts")

// TestScripts types what people type. The scripts are documentation too: each begins with what it shows. Beside
// testscript's own words they know those of words:
//
//	hub [REPO…]                          an emulated GitHub with people, and the environment of a bot that uses it
//	fakehub [FLAG…]                      instead of hub: cyborg fakehub, called fakehub as bots are by their names
//	app LIFE                             bots are signed in as a GitHub App whose tokens last so long
//	repository FOLDER [REPO]             the folder becomes the main branch of acme/widget, or REPO
//	push [--force] LOGIN FOLDER BRANCH   what is in the folder now, on a branch; sets HEAD
//	fork LOGIN                           a fork of acme/widget, to which LOGIN's pushes and pull requests go from now on
//	pull LOGIN BRANCH TITLE              opens a pull request; sets PULL, HEAD, and HEAD1 for #1 and so on
//	[!] api LOGIN METHOD PATH [BODY]     one request to GitHub; the answer is in the file answer
//	until LOGIN PATH PATTERN             asks until the answer matches
//	status CONTEXT STATE PATTERN         waits until the status of HEAD says so; sets PAGE and LOGS, its folder
//	history CONTEXT PATTERN…             what the statuses of HEAD said, oldest first: exactly so many, each matching; one with a ?
//	                                     before it may be missing
//	once CONTEXT                         the context of HEAD has exactly one result
//	unwritten LOGIN                      LOGIN has written nothing to GitHub
//	issue LOGIN TITLE TEXT               files an issue with the label bot; sets ISSUE
//	head NUMBER                          sets HEAD to the head of a pull request
//	title NUMBER s/OLD/NEW/              grace changes the title of an issue
//	modules FOLDER                       a module proxy for the Go modules in a folder, NAME@VERSION; sets PROXY
//	grant LOGIN PERMISSION               changes what somebody may do in acme/widget
//	writes LOGIN FILE                    all that LOGIN has written, with the names of what differs from one to another
//	conversation NUMBER FILE             waits until an issue looks as in the file, its events and comments in order; what
//	                                     differs from run to run has a name: BOT, NONCE, LOG, COMMIT, HUB
//	bot NAME [FLAG…]                     starts cyborg run, its log in NAME.log
//	disk FOLDER SIZE                     bots started from now on have a small disk there; only if [namespaces]
//	s3                                   a real S3 server; logs go there from now on
//	weather fair|bad|gone|kept           the way to the S3 server; kept is read-only
//	[!] web URL                          what anybody may read; the answer is in the file answer
//	signal NAME TERM|KILL|STOP|CONT      sends a signal to a bot
//	ended NAME [STATUS]                  waits until a bot has ended
//	file NAME [PATTERN]                  waits until a file is there and matches
//	comment                              sets $COMMENT to the id of the comment that the last answer is about
//	looks LOGIN TIMES                    waits until LOGIN has looked at a repository so many times more
//	eventually PATTERN COMMAND [ARG…]    repeats a command until it prints that
//	runs FILE                            the process whose number is in the file is alive
//	gone FILE                            waits until it is not
//	size FILE LEAST MOST                 the file has so many bytes
//	memory NAME MB                       a bot has never used more
//	exits STATUS COMMAND [ARG…]          runs a command that must end so
//	! left FOLDER                        no process has to do with the folder
//	tidy                                 nothing of a job is left on the machine: no process, no directory
func TestScripts(t *testing.T) {
	p := params(t, "bubblewrap", "/PLACE/d")
	p.Dir = "testdata/script"
	testscript.Run(t, p)
}

// params are for scripts whose sandboxes, if they want one, are of a kind; in is what sed makes of the place in their headers.
func params(t *testing.T, kind, in string) testscript.Params {
	return testscript.Params{
		UpdateScripts:      *update,
		RequireUniqueNames: true,
		Cmds:               words(),
		Condition: func(name string) (bool, error) {
			if name != "namespaces" {
				return false, fmt.Errorf("unknown condition %q", name)
			}
			return namespaces(t.Context()), nil
		},
		Setup: func(e *testscript.Env) error {
			e.Values[scriptKey] = &script{ctx: t.Context(), bots: map[string]*scriptBot{}, forks: map[string]string{}}
			e.Setenv("HOME", filepath.Join(e.WorkDir, "home"))
			// A program under the race detector waits a second before it ends, unless it is told not to.
			e.Setenv("GORACE", cmp.Or(os.Getenv("GORACE"), "atexit_sleep_ms=0"))
			examples, err := filepath.Abs("../../../tasks/examples")
			if err != nil {
				return err
			}
			e.Setenv("EXAMPLES", examples)
			e.Setenv("GIT_CONFIG_NOSYSTEM", "1")
			e.Setenv("KIND", kind)
			e.Setenv("IN", in)
			e.Setenv("CYBORG_SANDBOX", "none") // whoever runs the tests, root or not; scripts that want one say so
			e.Setenv("GIT_TERMINAL_PROMPT", "0")
			for _, who := range []string{"AUTHOR", "COMMITTER"} {
				e.Setenv("GIT_"+who+"_NAME", "Ada")
				e.Setenv("GIT_"+who+"_EMAIL", "ada@example.com")
			}
			return os.MkdirAll(filepath.Join(e.WorkDir, "home"), 0o700)
		},
	}
}
