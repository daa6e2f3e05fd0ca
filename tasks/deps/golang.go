package deps

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// goMod is a go.mod, as "go mod edit -json" prints it.
type goMod struct {
	Go      string
	Require []struct {
		Path, Version string
		Indirect      bool
	}
	Replace []struct{ Old struct{ Path string } }
}

// has tells whether a module is required in that version or a newer one.
func (m goMod) has(name, text string) bool {
	wanted, _ := parseVersion(text)
	for _, r := range m.Require {
		if v, ok := parseVersion(r.Version); ok && r.Path == name && v.compare(wanted) >= 0 {
			return true
		}
	}
	return false
}

// goRelease is a module, as "go list -m -json" prints it.
type goRelease struct {
	Path, Version string
	Versions      []string // without retracted and excluded ones
	Time          string
	Deprecated    string
	Retracted     []string
	Origin        struct{ URL string }
	Error         *struct{ Err string }
}

// A goProject is one go.mod.
type goProject struct {
	*Work
	folder string
	mod    goMod // as it was
	now    goMod // as it is
}

// goModule brings one module up to date.
func (w *Work) goModule(ctx context.Context, folder string, asked wish, all *harvest) error {
	p := &goProject{Work: w, folder: folder}
	before, err := w.snap(folder, "go.mod", "go.sum")
	if err != nil {
		return err
	}
	if p.mod, err = p.read(ctx); err != nil {
		return err
	}
	p.now = p.mod
	due, err := p.due(ctx, asked)
	if err != nil {
		return err
	}
	done, err := w.take(ctx, due, all, p.get)
	if err != nil {
		return err
	}
	if done == 0 {
		return before.restore()
	}
	if err := p.tidy(ctx); err != nil {
		return err
	}
	return p.compare(ctx, due, all)
}

// environment is what the go command is to do without: other toolchains, other work trees, version control, and the settings
// of whoever runs the bot.
func (p *goProject) environment() []string {
	in := func(name string) string { return filepath.Join(p.Scratch, "go", name) }
	env := []string{
		"GOPROXY=" + p.Settings.Proxy, "GOENV=off", "GOWORK=off", "GOTOOLCHAIN=local", "GOVCS=*:off", "GOFLAGS=-mod=mod -modcacherw",
		"GOPATH=" + in("path"), "GOMODCACHE=" + in("modules"), "GOCACHE=" + in("build"), "CGO_ENABLED=0", "GOTELEMETRY=off",
	}
	if len(p.Settings.Private) > 0 {
		env = append(env, "GONOSUMDB="+strings.Join(p.Settings.Private, ","))
	}
	return env
}

func (p *goProject) run(ctx context.Context, args ...string) (Answer, error) {
	return p.call(ctx, Call{
		Argv: append([]string{goTool}, args...), Dir: filepath.Join(p.Dir, filepath.FromSlash(p.folder)),
		Env: p.environment(), Network: []string{host(p.Settings.Proxy), sumHost},
	})
}

// read reads go.mod.
func (p *goProject) read(ctx context.Context) (mod goMod, err error) {
	a, err := p.run(ctx, "mod", "edit", "-json")
	if err == nil && a.Code != 0 {
		err = no("%s cannot be read, the log says why", filepath.ToSlash(filepath.Join(p.folder, "go.mod")))
	}
	if err == nil {
		err = json.Unmarshal(a.Output, &mod)
	}
	return mod, err
}

// list asks for modules. What is wrong with one of them stands in its Error.
func (p *goProject) list(ctx context.Context, flags, modules []string) (map[string]goRelease, error) {
	a, err := p.run(ctx, slices.Concat([]string{"list", "-m", "-e", "-json"}, flags, modules)...)
	if err != nil {
		return nil, err
	}
	found := map[string]goRelease{}
	for d := json.NewDecoder(bytes.NewReader(a.Output)); d.More(); {
		var m goRelease
		if err := d.Decode(&m); err != nil {
			return nil, fmt.Errorf("read what go knows of modules: %w", err)
		}
		found[m.Path] = m
	}
	if a.Code != 0 && len(found) == 0 {
		return nil, fmt.Errorf("ask for modules: exit code %d", a.Code)
	}
	return found, nil
}

// due lists the updates that are due, those of retracted versions first.
func (p *goProject) due(ctx context.Context, asked wish) ([]update, error) {
	var names []string
	for _, r := range p.mod.Require {
		replaced := slices.ContainsFunc(p.mod.Replace, func(o struct{ Old struct{ Path string } }) bool { return o.Old.Path == r.Path })
		if !r.Indirect && !replaced && asked.name(r.Path) && !matches(p.Settings.Ignore, r.Path) {
			names = append(names, r.Path)
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	known, err := p.list(ctx, []string{"-u", "-versions"}, names)
	if err != nil {
		return nil, err
	}
	var list []candidate
	broken := 0
	for _, name := range names {
		m, ok := known[name]
		if !ok || m.Error != nil {
			broken++
			why := "nothing is known of it"
			if m.Error != nil {
				why = Plain(m.Error.Err, maxProblem)
			}
			fmt.Fprintf(p.Log, "cyborg: %s: %s\n", name, why)
			continue
		}
		if c, ok := p.candidate(m, asked); ok {
			list = append(list, c)
		}
	}
	if broken == len(names) {
		return nil, fmt.Errorf("ask for modules: nothing is known of any of %d", broken)
	}
	due, err := ripe(ctx, p.Work, list, p.release)
	slices.SortStableFunc(due, func(a, b update) int {
		return cmp.Or(strings.Compare(yes(a.retracted == ""), yes(b.retracted == "")), strings.Compare(a.name, b.name))
	})
	return due, err
}

// yes orders false before true.
func yes(b bool) string {
	if b {
		return "1"
	}
	return "0"
}

// candidate finds the versions that may follow the one that is required, the newest first.
func (p *goProject) candidate(m goRelease, asked wish) (candidate, bool) {
	c := candidate{update: update{folder: p.folder, name: m.Path, from: m.Version, deprecated: m.Deprecated, retracted: strings.Join(m.Retracted, "; ")}}
	now, ok := parseVersion(m.Version)
	if !ok {
		return c, false
	}
	for _, text := range slices.Backward(m.Versions) {
		if v, ok := parseVersion(text); ok && now.newer(v, asked.major, false) {
			c.versions = append(c.versions, text)
		}
	}
	return c, len(c.versions) > 0
}

// release asks when versions were published, and where their source is.
func (p *goProject) release(ctx context.Context, wanted []string) (map[string]release, error) {
	found, err := p.list(ctx, nil, wanted)
	if err != nil {
		return nil, err
	}
	list := map[string]release{}
	for name, m := range found {
		r := release{published: m.Time, source: m.Origin.URL}
		if m.Error != nil {
			r.broken = "nothing is known of this version"
		}
		list[name+"@"+m.Version] = r
	}
	return list, nil
}

// get makes one update. It is taken back, and the reason given, if it cannot be made or changes what Go the project is for.
func (p *goProject) get(ctx context.Context, u update) (why string, err error) {
	if p.now.has(u.name, u.to) {
		return "", nil // another update brought it along, and asking for less would take that back
	}
	before, err := p.snap(p.folder, "go.mod", "go.sum")
	if err != nil {
		return "", err
	}
	a, err := p.run(ctx, "get", u.name+"@"+u.to)
	if err != nil {
		return "", err
	}
	why = "it cannot be had, the log says why"
	if a.Code == 0 {
		now, err := p.read(ctx)
		if err != nil {
			return "", err
		}
		if now.Go == p.mod.Go {
			p.now = now
			return "", nil
		}
		why = fmt.Sprintf("it wants go %s, and this module says %s", now.Go, cmp.Or(p.mod.Go, "nothing"))
	}
	return why, before.restore()
}

// tidy makes go.sum, and the vendor folder if there is one, fit to what is required now.
func (p *goProject) tidy(ctx context.Context) error {
	steps := [][]string{{"mod", "tidy"}}
	if _, err := os.Lstat(filepath.Join(p.Dir, filepath.FromSlash(p.folder), "vendor", "modules.txt")); err == nil {
		steps = append(steps, []string{"mod", "vendor"})
	}
	for _, args := range steps {
		a, err := p.run(ctx, args...)
		if err != nil {
			return err
		}
		if a.Code != 0 {
			return no("go %s fails in %s with the new versions, the log says why", strings.Join(args, " "), p.folder)
		}
	}
	return nil
}

// compare finds out what has become of go.mod, which is more than what was asked for, or less.
func (p *goProject) compare(ctx context.Context, due []update, all *harvest) error {
	now, err := p.read(ctx)
	if err != nil {
		return err
	}
	if now.Go != p.mod.Go {
		fmt.Fprintf(p.Log, "cyborg: %s is for go %s now, before for %s\n", p.folder, now.Go, p.mod.Go)
	}
	was := map[string]string{}
	for _, r := range p.mod.Require {
		was[r.Path] = r.Version
	}
	for _, r := range now.Require {
		if was[r.Path] == r.Version {
			continue
		}
		u := update{folder: p.folder, name: r.Path, from: was[r.Path], to: r.Version}
		i := slices.IndexFunc(due, func(d update) bool { return d.name == r.Path })
		switch {
		case i >= 0 && due[i].to == r.Version:
			all.done = append(all.done, due[i])
		case r.Indirect:
			all.moved = append(all.moved, u)
		default:
			all.done = append(all.done, u)
		}
	}
	return nil
}
