package main

import (
	"flag"
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
	testscript.Main(m, map[string]func(){"cyborg": main})
}

var update = flag.Bool("update", false, "write what was printed into the scripts")

// TestScripts types what people type. The scripts are documentation too: each begins with what it shows. Beside
// testscript's own words they know those of script_test.go: hub, api, until.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                "testdata/script",
		UpdateScripts:      *update,
		RequireUniqueNames: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"hub": scriptHub, "api": scriptAPI, "until": scriptUntil, "repository": scriptRepository,
		},
		Setup: func(e *testscript.Env) error {
			e.Values[scriptContext] = t.Context()
			e.Setenv("PATH", os.Getenv("PATH"))
			e.Setenv("HOME", filepath.Join(e.WorkDir, "home"))
			e.Setenv("GIT_CONFIG_NOSYSTEM", "1")
			e.Setenv("GIT_TERMINAL_PROMPT", "0")
			for _, who := range []string{"AUTHOR", "COMMITTER"} {
				e.Setenv("GIT_"+who+"_NAME", "Ada")
				e.Setenv("GIT_"+who+"_EMAIL", "ada@example.com")
			}
			return os.MkdirAll(filepath.Join(e.WorkDir, "home"), 0o700)
		},
	})
}
