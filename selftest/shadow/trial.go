package shadow

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/cyborg-bots/cyborg/container"
)

// A Trial judges one candidate.
type Trial struct {
	Place
	Source string // the checkout of the candidate
	GitHub Source // what it may look at
	Repos  []string
	Bots   string // the bots' own repository, if that is served too
	Has    string // what this bot can do, as words of task headers: both versions take it for what they can do
	Words  string // of the pull request: what its differences are meant to be
}

// Run judges the candidate, and writes each clause to Output. bad is empty if it may be taken; an error is our own trouble, which says
// nothing about it.
func (t *Trial) Run(ctx context.Context) (bad []string, err error) {
	if err := t.prepare(); err != nil {
		return nil, err
	}
	s := newSheet(t.Output)
	why, err := t.build(ctx, t.Source)
	if err != nil {
		return nil, err
	}
	if why != "" {
		s.say("builds", false, "", why)
		s.close("it does not build")
		return s.bad, nil
	}
	s.say("builds", true, "")
	return t.judge(ctx, s)
}

// judge tries a candidate that is in the place.
func (t *Trial) judge(ctx context.Context, s *sheet) ([]string, error) {
	for _, step := range []func(context.Context, *sheet) error{t.selftest, t.shadow, t.demo} {
		if err := step(ctx, s); err != nil {
			return nil, err
		}
	}
	return s.bad, nil
}

// A report is what cyborg selftest --json prints.
type report struct {
	Probes []struct {
		Name    string
		OK      bool
		Finding string
	}
	Capabilities []string
}

// examine lets a program examine the place.
func (t *Trial) examine(ctx context.Context, program string) (r report, code int, text []byte, err error) {
	result, text, err := t.run(ctx, program, command{argv: []string{"selftest", "--json"}, limit: 5 * time.Minute})
	if err != nil {
		return r, 0, nil, err
	}
	if !result.OK() && result.Code != 3 {
		return r, result.Code, text, fmt.Errorf("%s: %s", strings.Join([]string{program, "selftest"}, " "), result)
	}
	err = json.NewDecoder(bytes.NewReader(from(text, "{"))).Decode(&r)
	if err == nil && len(r.Probes) == 0 {
		err = fmt.Errorf("it asked nothing")
	}
	return r, result.Code, text, err
}

// selftest holds what the candidate finds here against what this version finds.
func (t *Trial) selftest(ctx context.Context, s *sheet) error {
	now, code, text, err := t.examine(ctx, nowName)
	if err != nil {
		return fmt.Errorf("examine the place with this version: %w: %s", err, lastOf(text))
	}
	then, got, text, err := t.examine(ctx, thenName)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		s.say("selftest", false, "", err.Error(), lastOf(text))
		return nil
	}
	var why []string
	if got != code {
		why = append(why, fmt.Sprintf("it ends with %d, and this version with %d", got, code))
	}
	for _, p := range now.Probes {
		at := slices.IndexFunc(then.Probes, func(q struct {
			Name    string
			OK      bool
			Finding string
		}) bool {
			return q.Name == p.Name
		})
		switch {
		case at < 0:
			why = append(why, "it does not ask about "+p.Name)
		case p.OK && !then.Probes[at].OK:
			why = append(why, fmt.Sprintf("%s: it finds %q, and this version %q", p.Name, then.Probes[at].Finding, p.Finding))
		}
	}
	for _, c := range then.Capabilities {
		if word, _, sized := strings.Cut(c, "="); !slices.ContainsFunc(now.Capabilities, func(have string) bool {
			return have == c || sized && strings.HasPrefix(have, word+"=")
		}) {
			why = append(why, "it says that it can do "+c+", which this version does not find here")
		}
	}
	s.say("selftest", len(why) == 0, "", why...)
	return nil
}

// demo lets the candidate play its story, which takes longest; who has failed already is spared it.
func (t *Trial) demo(ctx context.Context, s *sheet) error {
	if len(s.bad) > 0 {
		s.close("it has failed already")
		return nil
	}
	result, text, err := t.run(ctx, thenName, command{argv: []string{"demo"}, limit: 10 * time.Minute})
	if err != nil {
		return err
	}
	if !result.OK() {
		s.say("demo", false, "", result.String(), lastOf(text))
		return nil
	}
	s.say("demo", true, "")
	return nil
}

// shadow lets both versions look at the real repositories, and compares what they would do. What differs must differ twice.
func (t *Trial) shadow(ctx context.Context, s *sheet) error {
	differences, crash, err := t.both(ctx)
	if err == nil && (len(differences) > 0 || crash != "") {
		differences, crash, err = t.both(ctx)
	}
	if err != nil {
		return err
	}
	if crash != "" {
		s.say("shadow/run", false, "", crash)
		s.close("it does not come to its end")
		return nil
	}
	s.say("shadow/run", true, "")
	allowed := meant(t.Words)
	for _, clause := range []string{"choices", "texts", "budget"} {
		var why []string
		for _, d := range differences {
			if d.clause == clause && len(why) < 50 {
				why = append(why, d.text)
			}
		}
		directive := ""
		if len(why) > 0 && allowed[clause] {
			directive = "TODO the pull request says that they differ"
		}
		s.say("shadow/"+clause, len(why) == 0, directive, why...)
	}
	return nil
}

// both runs this version and the candidate at one window.
func (t *Trial) both(ctx context.Context) (list []difference, crash string, err error) {
	w, err := NewWindow(t.GitHub)
	if err != nil {
		return nil, "", err
	}
	now, err := t.account(ctx, w, nowName)
	if err != nil {
		return nil, "", err
	}
	if now.Ended != "" {
		return nil, "", fmt.Errorf("look with this version: %s", now.Ended)
	}
	then, err := t.account(ctx, w, thenName)
	if err != nil {
		return nil, "", err
	}
	remark(t.Output, fmt.Sprintf("%s: %d jobs chosen, %d things to change, %d requests, %d writes", nowName, len(now.Chosen[asItIs]), len(now.Deeds), now.Requests, now.Writes))
	remark(t.Output, fmt.Sprintf("%s: %d jobs chosen, %d things to change, %d requests, %d writes", thenName, len(then.Chosen[asItIs]), len(then.Deeds), then.Requests, then.Writes))
	if then.Ended != "" {
		return nil, then.Ended, nil
	}
	return compare(now, then), "", nil
}

// account lets a program look once, and tells what it would do.
func (t *Trial) account(ctx context.Context, w *Window, program string) (a Account, err error) {
	v := w.View()
	env := []string{"CYBORG_REPO=" + strings.Join(t.Repos, " ")}
	if t.Bots != "" {
		env = append(env, "CYBORG_BOTS="+t.Bots)
	}
	const limit = 5 * time.Minute
	a.Chosen = map[string][]string{}
	for name, has := range map[string]string{asItIs: t.Has, ableToAll: everything()} {
		result, text, err := t.through(ctx, v, program, command{argv: []string{"scan", "--json"}, limit: limit, env: append(env, pretended+"="+has)})
		if err != nil || !result.OK() {
			a.Ended = fmt.Sprintf("scan: %s\n%s", result, lastOf(text))
			return a, err
		}
		if a.Chosen[name], err = scanned(from(text, "[")); err != nil {
			a.Ended = "scan --json: " + err.Error()
			return a, nil
		}
	}
	argv := []string{"run", "--once", "--rehearse", "--name", "shadow", "--jobs", "200", "--lease", "10m", "--allow-broad-token"}
	result, text, err := t.through(ctx, v, program, command{argv: argv, limit: limit, env: append(env, pretended+"="+t.Has)})
	if err != nil || !result.OK() {
		a.Ended = fmt.Sprintf("run: %s\n%s", result, lastOf(text))
		return a, err
	}
	a.Deeds, a.Requests, a.Writes = tally(v)
	return a, nil
}

// pretended is the variable by which a program that does nothing is told what to take for what it can do.
const pretended = "CYBORG_PRETENDED"

// For whom programs choose: for the bot that does this job, and for one that lacks nothing, so that also the choice of jobs
// is compared which this bot leaves to others.
const (
	asItIs    = "this bot"
	ableToAll = "a bot that can do all"
)

// everything is what a bot has that lacks nothing, but for networks and secrets, which have names.
func everything() string {
	return "kvm vm container sandbox host memory=1000000G disk=1000000G arch=" + runtime.GOARCH
}

// from is what a program printed from the first line on that begins so: what it said to people before is left out.
func from(text []byte, begin string) []byte {
	if at := bytes.Index(text, []byte("\n"+begin)); at >= 0 && !bytes.HasPrefix(text, []byte(begin)) {
		return text[at+1:]
	}
	return text
}

// lastOf is the end of what a program printed.
func lastOf(text []byte) string {
	const most = 3000
	return strings.TrimSpace(string(text[max(0, len(text)-most):]))
}

// Perform runs a task of a served repository with the candidate of a pull request, by hand as it were, for one context of
// another: the candidate reads GitHub through a window and prints what the task prints. The exit status is the task's.
func (p *Place) Perform(ctx context.Context, s Source, source, repo string, line []string, output io.Writer) (result container.Result, bad string, err error) {
	if err := p.prepare(); err != nil {
		return result, "", err
	}
	if bad, err = p.build(ctx, source); bad != "" || err != nil {
		return result, bad, err
	}
	w, err := NewWindow(s)
	if err != nil {
		return result, "", err
	}
	result, _, err = p.through(ctx, w.View(), thenName, command{argv: line, env: []string{"CYBORG_REPO=" + repo}, output: output})
	return result, "", err
}
