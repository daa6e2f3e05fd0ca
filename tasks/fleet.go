package tasks

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
)

// A Fleet is bots/fleet.toml: what a repository asks of all its bots. The file is optional, and so is everything in it:
//
//	[trust]
//	users = ["alice"]            # their code runs unasked, beside those with write access
//
//	[limits]
//	pull-requests-per-hour = 4   # that bots make
//	attempts = 3                 # of a job that peers lost or that broke
//	timeout = "2h"               # the longest that a task may take, whatever its header says
//	log = "100M"                 # kept of one job's output
//	artifacts = "1G"             # kept of one job's files
//
//	[retention]
//	logs = "90 days"
//	images = "14 days"           # that nothing refers to any more
//	known-issues = "60 days"     # that no test meets any more
//
//	[chores]                     # built-in tasks that are done every so often; a file says it in its header
//	known-prune = "7 days"
//
//	[dependencies]               # for the built-in task deps-refresh
//	limit = 10                   # updates in one pull request
//	age = "3 days"               # that a release must have
//	ignore = ["example.com/*"]   # what is left alone
//	proxy = "https://proxy.golang.org"
//	private = ["corp.example/*"] # Go modules that the public checksum database does not know
//	npm = "https://registry.npmjs.org"
//
//	[labels]                     # as this repository calls them
//	bot = "bot"
//	priority = "priority"
//	blocked = "blocked"
//	no-test = "no-test"
//	needswork = "needswork"
//	known-issue = "knownissue"
type Fleet struct {
	Trust     Trust     `toml:"trust"`
	Limits    Limits    `toml:"limits"`
	Retention Retention `toml:"retention"`
	Labels    Labels    `toml:"labels"`

	Chores map[string]Duration `toml:"chores"` // by name of the task

	Dependencies Dependencies `toml:"dependencies"`
}

// Trust says whose code runs without being asked about.
type Trust struct {
	Users []string `toml:"users"` // logins, beside people with write access
}

// Limits bound what the fleet does for one repository.
type Limits struct {
	PullsPerHour int      `toml:"pull-requests-per-hour"` // made by bots
	Attempts     int      `toml:"attempts"`               // of one job
	Timeout      Duration `toml:"timeout"`                // of any task
	Log          Size     `toml:"log"`                    // bytes of one job's log
	Artifacts    Size     `toml:"artifacts"`              // bytes of one job's artifacts
}

// Retention says how long what bots publish is kept.
type Retention struct {
	Logs   Duration `toml:"logs"`
	Images Duration `toml:"images"`

	KnownIssues Duration `toml:"known-issues"`
}

// Labels are the names of the labels that bots heed. Empty names stand for the usual ones.
type Labels struct {
	Bot       string `toml:"bot"`
	Priority  string `toml:"priority"`
	Blocked   string `toml:"blocked"`
	NoTest    string `toml:"no-test"`
	NeedsWork string `toml:"needswork"`

	KnownIssue string `toml:"known-issue"`
}

// usual fills in the usual names.
func (l Labels) usual() Labels {
	return Labels{
		Bot:       cmp.Or(l.Bot, "bot"),
		Priority:  cmp.Or(l.Priority, "priority"),
		Blocked:   cmp.Or(l.Blocked, "blocked"),
		NoTest:    cmp.Or(l.NoTest, "no-test"),
		NeedsWork: cmp.Or(l.NeedsWork, "needswork"),

		KnownIssue: cmp.Or(l.KnownIssue, "knownissue"),
	}
}

// A Duration is a time.Duration written as in a header.
type Duration time.Duration

// UnmarshalText reads "90 days".
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := ParseDuration(string(text))
	*d = Duration(v)
	return err
}

// A Size is a number of bytes written as in a header.
type Size int64

// UnmarshalText reads "100M".
func (s *Size) UnmarshalText(text []byte) error {
	v, err := ParseSize(string(text))
	*s = Size(v)
	return err
}

// DefaultFleet is a repository without bots/fleet.toml: nobody is trusted beside those with write access.
func DefaultFleet() Fleet {
	const day = 24 * time.Hour
	return Fleet{
		Limits:    Limits{PullsPerHour: 4, Attempts: 3, Timeout: Duration(MaxTimeout), Log: 100 << 20, Artifacts: 1 << 30},
		Retention: Retention{Logs: Duration(90 * day), Images: Duration(14 * day), KnownIssues: Duration(60 * day)},
		Labels:    Labels{}.usual(),

		Dependencies: defaultDependencies(),
	}
}

// ParseFleet reads bots/fleet.toml, strictly: an unknown key is an error, as is a value of the wrong kind or out of
// range. The error is a [*HeaderErrors]; with it comes DefaultFleet, never half a file.
func ParseFleet(file string, data []byte) (Fleet, error) {
	errs := &HeaderErrors{}
	if len(data) > MaxHeader {
		errs.add(&HeaderError{File: file, Problem: fmt.Sprintf("longer than %d bytes", MaxHeader)})
		return DefaultFleet(), errs
	}
	f := DefaultFleet()
	meta, err := toml.NewDecoder(bytes.NewReader(data)).Decode(&f)
	if err != nil {
		errs.add(fleetProblem(file, err))
		return DefaultFleet(), errs
	}
	for _, k := range meta.Undecoded() {
		errs.add(&HeaderError{File: file, Line: keyLine(data, k), Key: k.String(),
			Problem: fmt.Sprintf("unknown key %q", clip(k.String(), 60)), Hint: didYouMean(k.String(), fleetNames())})
	}
	checkFleet(file, data, &f, errs)
	if len(errs.Problems) > 0 {
		return DefaultFleet(), errs
	}
	f.Labels = f.Labels.usual()
	return f, nil
}

// wrongKind is how the library words a value of the wrong kind, which is no ParseError. Read only.
var wrongKind = regexp.MustCompile(`^line (\d+) \(last key "([^"]*)"\): `)

// fleetProblem says where a file is no TOML, or has a value of the wrong kind.
func fleetProblem(file string, err error) *HeaderError {
	text := strings.TrimPrefix(err.Error(), "toml: ")
	e := &HeaderError{File: file, Problem: text, Hint: hintOf(err)}
	if p, ok := errors.AsType[toml.ParseError](err); ok {
		e.Line, e.Column, e.Key = p.Position.Line, p.Position.Col, p.LastKey
		if p.Message != "" {
			e.Problem = p.Message
		}
	} else if m := wrongKind.FindStringSubmatch(text); m != nil {
		e.Line, _ = strconv.Atoi(m[1])
		e.Key, e.Problem = m[2], "value of the wrong kind"
	}
	e.Problem = clip(cleanText(e.Problem, false), 200)
	for _, k := range fleetKeys() {
		if k.name == e.Key && e.Hint == "" {
			e.Hint = "write for example: " + k.example
		}
	}
	if e.Key != "" {
		e.Problem = clip(cleanText(e.Key, false), 60) + ": " + e.Problem
	}
	return e
}

// A fleetKey is a key of the file, and how it is written.
type fleetKey struct{ name, example string }

// fleetKeys are all of them.
func fleetKeys() []fleetKey {
	return []fleetKey{
		{"trust", "[trust]"}, {"limits", "[limits]"}, {"retention", "[retention]"}, {"labels", "[labels]"}, {"chores", "[chores]"},
		{"dependencies", "[dependencies]"}, {"dependencies.limit", "limit = 10"}, {"dependencies.age", `age = "3 days"`},
		{"dependencies.ignore", `ignore = ["example.com/*"]`}, {"dependencies.proxy", `proxy = "https://proxy.golang.org"`},
		{"dependencies.private", `private = ["corp.example/*"]`}, {"dependencies.npm", `npm = "https://registry.npmjs.org"`},
		{"trust.users", `users = ["alice"]`},
		{"limits.pull-requests-per-hour", "pull-requests-per-hour = 4"}, {"limits.attempts", "attempts = 3"},
		{"limits.timeout", `timeout = "2h"`}, {"limits.log", `log = "100M"`}, {"limits.artifacts", `artifacts = "1G"`},
		{"retention.logs", `logs = "90 days"`}, {"retention.images", `images = "14 days"`},
		{"retention.known-issues", `known-issues = "60 days"`}, {"labels.known-issue", `known-issue = "knownissue"`},
		{"labels.bot", `bot = "bot"`}, {"labels.priority", `priority = "priority"`}, {"labels.blocked", `blocked = "blocked"`},
		{"labels.no-test", `no-test = "no-test"`}, {"labels.needswork", `needswork = "needswork"`},
	}
}

// fleetNames are their names.
func fleetNames() []string {
	var names []string
	for _, k := range fleetKeys() {
		names = append(names, k.name)
	}
	return names
}

// keyLine finds the line of a key, as well as that can be done after parsing: the first that begins with its last part.
func keyLine(data []byte, k toml.Key) int {
	for i, line := range strings.Split(string(data), "\n") {
		line = strings.TrimLeft(line, " \t[\"'")
		if rest, ok := strings.CutPrefix(line, k[len(k)-1]); ok && strings.IndexByte(" \t=.]\"'", (rest + " ")[0]) >= 0 {
			return i + 1
		}
		if strings.HasPrefix(line, k.String()) {
			return i + 1
		}
	}
	return 0
}

// checkFleet checks what types cannot.
func checkFleet(file string, data []byte, f *Fleet, errs *HeaderErrors) {
	say := func(problem, hint string, k ...string) {
		key := toml.Key(k)
		errs.add(&HeaderError{File: file, Line: keyLine(data, key), Key: key.String(), Problem: key.String() + ": " + problem, Hint: hint})
	}
	for _, u := range f.Trust.Users {
		if !loginPattern.MatchString(u) {
			say(fmt.Sprintf("%q is no login", clip(u, 60)), "write the name as GitHub shows it, without @", "trust", "users")
		}
	}
	if n := f.Limits.PullsPerHour; n < 0 || n > 100 {
		say(fmt.Sprintf("%d is out of range", n), "from 0 (none) to 100", "limits", "pull-requests-per-hour")
	}
	if n := f.Limits.Attempts; n < 1 || n > 10 {
		say(fmt.Sprintf("%d is out of range", n), "from 1 to 10", "limits", "attempts")
	}
	if d := time.Duration(f.Limits.Timeout); d < time.Second || d > MaxTimeout {
		say("out of range", fmt.Sprintf("from 1 second to %s", FormatDuration(MaxTimeout)), "limits", "timeout")
	}
	for _, r := range []struct {
		name string
		d    Duration
	}{{"logs", f.Retention.Logs}, {"images", f.Retention.Images}, {"known-issues", f.Retention.KnownIssues}} {
		if time.Duration(r.d) < 24*time.Hour {
			say("shorter than a day", "people must be able to look", "retention", r.name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(f.Chores)) {
		if d := time.Duration(f.Chores[name]); d < MinEvery || d > MaxEvery {
			say("out of range", fmt.Sprintf("from %s to %s", FormatDuration(MinEvery), FormatDuration(MaxEvery)), "chores", name)
		}
	}
	if key, problem := f.Dependencies.settings().Check(); problem != "" {
		say(problem, "", "dependencies", key)
	}
	checkLabels(f.Labels.usual(), say)
}

// checkLabels wants labels that GitHub can have, and that are told apart in any case.
func checkLabels(l Labels, say func(problem, hint string, key ...string)) {
	names := []string{"bot", "priority", "blocked", "no-test", "needswork", "known-issue"}
	values := []string{l.Bot, l.Priority, l.Blocked, l.NoTest, l.NeedsWork, l.KnownIssue}
	for i, v := range values {
		if len(v) > 50 || strings.TrimSpace(v) != v || strings.ContainsFunc(v, unprintable) {
			say(fmt.Sprintf("%q is no label", clip(v, 60)), "at most 50 characters in one line", "labels", names[i])
		}
		if slices.ContainsFunc(values[:i], func(o string) bool { return strings.EqualFold(o, v) }) {
			say(fmt.Sprintf("%q means something else already", v), "give each label its own name", "labels", names[i])
		}
	}
}
