package tasks

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/cyborg-bots/cyborg/container"
	"github.com/cyborg-bots/cyborg/tasks/deps"
)

// Dependencies is how a repository wants its dependencies brought up to date; see package deps.
type Dependencies struct {
	Limit   int      `toml:"limit"`   // updates in one pull request
	Age     Duration `toml:"age"`     // that a release must have
	Ignore  []string `toml:"ignore"`  // patterns of what is left alone
	Proxy   string   `toml:"proxy"`   // address of the module proxy for Go
	Private []string `toml:"private"` // patterns of Go modules that the public checksum database does not know
	NPM     string   `toml:"npm"`     // address of the registry of npm
}

func defaultDependencies() Dependencies {
	d := deps.Default()
	return Dependencies{Limit: d.Limit, Age: Duration(d.Age), Proxy: d.Proxy, NPM: d.NPM}
}

func (d Dependencies) settings() deps.Settings {
	return deps.Settings{Limit: d.Limit, Age: time.Duration(d.Age), Ignore: d.Ignore, Proxy: d.Proxy, Private: d.Private, NPM: d.NPM}
}

// depsRefresh is the task that brings dependencies up to date.
func depsRefresh() Task {
	return Task{
		Name: "deps-refresh",
		Header: Header{
			Doc: "bring the dependencies up to date", On: []Event{{Kind: Request}}, Timeout: time.Hour,
			Network: []string{"proxy.golang.org", "sum.golang.org", "registry.npmjs.org"}, // or as fleet.toml says
		},
		Params: []Param{{
			Name: "WHAT", Doc: "go, npm, major, or names of dependencies", Example: "golang.org/x/text", Many: true, Check: deps.CheckWord,
		}},
		Run: refreshDeps,
	}
}

// refreshDeps adapts the task to package deps.
func refreshDeps(ctx context.Context, env *Env, args []string) error {
	if env.Command == nil {
		return errors.New("run commands: there is no place for them here")
	}
	work := deps.Work{
		Dir: env.Dir, Scratch: env.Scratch, Log: env.Output, Settings: env.Fleet.Dependencies.settings(), Now: time.Now(), Run: env.answer,
	}
	text, err := work.Refresh(ctx, args)
	if bad, ok := errors.AsType[*deps.NoError](err); ok {
		return Fail("%w", bad)
	}
	env.Message = text
	return err
}

// maxAnswer is how much a command may say to us.
const maxAnswer = 64 << 20

// answer runs a command of which the standard output is wanted. A place gives it and the standard error as one stream, so it
// goes into a file: a shell of one fixed line sees to it.
func (e *Env) answer(ctx context.Context, c deps.Call) (deps.Answer, error) {
	file := filepath.Join(e.Scratch, "answer")
	network := c.Network
	if len(network) == 0 {
		network = []string{container.NoNetwork}
	}
	result, err := e.Command(ctx, container.Spec{
		Argv: append([]string{"sh", "-c", `cd "$1" && shift && command -v "$1" >/dev/null || exit 127; exec "$@" >"$CYBORG_ANSWER"`, "sh", c.Dir}, c.Argv...),
		Dir:  e.Dir, Env: append([]string{"CYBORG_ANSWER=" + file}, c.Env...), Output: e.Output, Writable: []string{e.Scratch}, Network: network,
	})
	if err != nil {
		return deps.Answer{}, err
	}
	if result.Excess != "" || result.Died != "" {
		return deps.Answer{}, fmt.Errorf("run %s: %s", c.Argv[0], result)
	}
	const absent = 127
	if result.Code == absent {
		return deps.Answer{Absent: true}, nil
	}
	data, err := readAnswer(e.Scratch)
	return deps.Answer{Code: result.Code, Output: data}, err
}

// readAnswer reads what a command has left, which could be anything by now.
func readAnswer(dir string) ([]byte, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	if info, err := root.Lstat("answer"); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(errors.New("read an answer: it is no file"), err)
	}
	f, err := root.Open("answer")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var b bytes.Buffer
	n, err := io.Copy(&b, io.LimitReader(f, maxAnswer+1))
	if err == nil && n > maxAnswer {
		err = fmt.Errorf("read an answer: more than %d MB", maxAnswer>>20)
	}
	return b.Bytes(), errors.Join(err, root.Remove("answer"))
}
