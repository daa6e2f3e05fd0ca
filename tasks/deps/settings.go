package deps

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Settings are what a project says of its dependencies: the table [dependencies] of bots/fleet.toml.
type Settings struct {
	Limit   int           // updates in one pull request
	Age     time.Duration // that a release must have
	Ignore  []string      // patterns of names that are left alone
	Proxy   string        // the module proxy for Go
	Private []string      // patterns of Go modules that the public checksum database does not know
	NPM     string        // the registry of npm
}

// Default is what holds for a project that says nothing.
func Default() Settings {
	return Settings{Limit: 10, Age: 3 * 24 * time.Hour, Proxy: "https://proxy.golang.org", NPM: "https://registry.npmjs.org"}
}

// sumHost is where the checksums of public Go modules are.
const sumHost = "sum.golang.org"

// Check says what is wrong with the settings; key is as the file has it.
func (s Settings) Check() (key, problem string) {
	switch {
	case s.Limit < 1 || s.Limit > 100:
		return "limit", "is out of range, from 1 to 100"
	case s.Age < 0 || s.Age > 366*24*time.Hour:
		return "age", "is out of range, at most a year"
	}
	for key, list := range map[string][]string{"ignore": s.Ignore, "private": s.Private} {
		for _, p := range list {
			if CheckWord(p) != nil {
				return key, fmt.Sprintf("has %.60q, which is no name of a dependency, nor a pattern of names", p)
			}
		}
	}
	for key, address := range map[string]string{"proxy": s.Proxy, "npm": s.NPM} {
		u, err := url.Parse(address)
		if err != nil || !slices.Contains([]string{"https", "http"}, u.Scheme) || u.Host == "" || u.User != nil || strings.ContainsAny(address, ",| ") {
			return key, "is no address, write for example https://proxy.golang.org"
		}
	}
	return "", ""
}

// host is the name in an address that Check has passed.
func host(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// Read only.
var (
	word       = regexp.MustCompile(`^@?[A-Za-z0-9*][A-Za-z0-9*._~/-]{0,199}$`)
	everything = regexp.MustCompile(`^\*+$`)
)

// CheckWord says whether a word can be an argument of the task.
func CheckWord(w string) error {
	if !word.MatchString(w) || everything.MatchString(w) {
		return fmt.Errorf("write go, npm, major, or the name of a dependency, in which * stands for anything")
	}
	return nil
}

// A wish is what a person asked for.
type wish struct {
	tools []string // go, npm; empty is all
	names []string // patterns; empty is all
	major bool
}

// read understands the arguments of the task.
func read(args []string) wish {
	var w wish
	for _, a := range args {
		switch a {
		case goTool, npmTool:
			w.tools = append(w.tools, a)
		case "major":
			w.major = true
		default:
			w.names = append(w.names, a)
		}
	}
	return w
}

func (w wish) tool(name string) bool { return len(w.tools) == 0 || slices.Contains(w.tools, name) }
func (w wish) name(name string) bool { return len(w.names) == 0 || matches(w.names, name) }

// matches tells whether one of the patterns is that name; * is any text.
func matches(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		parts := strings.Split(p, "*")
		for i := range parts {
			parts[i] = regexp.QuoteMeta(parts[i])
		}
		ok, err := regexp.MatchString("^"+strings.Join(parts, ".*")+"$", name)
		return err == nil && ok
	})
}

// A Call is one command.
type Call struct {
	Argv    []string
	Dir     string   // absolute
	Env     []string // NAME=value, beside what every job has
	Network []string // hosts that it needs; nil is none
}

// An Answer is what became of a command.
type Answer struct {
	Code   int    // exit code
	Absent bool   // there is no such program here
	Output []byte // its standard output
}

// A Runner runs one command to its end, in the place of the task. Its standard error goes to the log. An error is trouble of
// the bot's, not of the command.
type Runner func(ctx context.Context, c Call) (Answer, error)

// Work is one run of the task.
type Work struct {
	Dir      string // the checkout
	Scratch  string // a folder for caches, which goes with the job
	Run      Runner
	Log      io.Writer
	Settings Settings
	Now      time.Time
}

// A NoError says that the project is such that this cannot be done.
type NoError struct{ why string }

func (e *NoError) Error() string { return e.why }

func no(format string, args ...any) error { return &NoError{fmt.Sprintf(format, args...)} }
