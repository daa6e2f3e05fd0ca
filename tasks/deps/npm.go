package deps

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// npmManifest is what of a package.json is of interest.
type npmManifest struct {
	Dependencies         map[string]string `json:"dependencies"`
	DevDependencies      map[string]string `json:"devDependencies"`
	OptionalDependencies map[string]string `json:"optionalDependencies"`
}

// ranges are all that the project itself requires, by name.
func (m npmManifest) ranges() map[string]string {
	all := map[string]string{}
	for _, list := range []map[string]string{m.DevDependencies, m.OptionalDependencies, m.Dependencies} {
		maps.Copy(all, list)
	}
	return all
}

// npmLock is what of a package-lock.json is of interest: which version lies in which folder.
type npmLock struct {
	Packages map[string]struct{ Version string } `json:"packages"`
}

// npmRange is a range that can be written anew: one version, and what may follow it ("^", "~", or nothing).
type npmRange struct {
	prefix string
	base   string
}

// parseRange reads "^1.2.3", "~1.2.3" and "1.2.3". Anything else, be it a list, a tag, a folder or an address, is people's.
func parseRange(text string) (r npmRange, ok bool) {
	r.base = text
	for _, prefix := range []string{"^", "~"} {
		if rest, found := strings.CutPrefix(text, prefix); found {
			r = npmRange{prefix, rest}
		}
	}
	_, ok = parseVersion(r.base)
	return r, ok && !strings.HasPrefix(r.base, "v")
}

// npmPackage is a package, as "npm view --json" prints it.
type npmPackage struct {
	Versions   oneOrMore         `json:"versions"`
	Time       map[string]string `json:"time"`
	Tags       map[string]string `json:"dist-tags"`
	Repository struct{ URL string }
}

// oneOrMore is a list which npm prints without brackets if it has one element.
type oneOrMore []string

// UnmarshalJSON reads both forms.
func (l *oneOrMore) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '"' {
		*l = make([]string, 1)
		return json.Unmarshal(data, &(*l)[0])
	}
	return json.Unmarshal(data, (*[]string)(l))
}

// An npmProject is one package.json with its package-lock.json.
type npmProject struct {
	*Work
	folder string
	known  map[string]npmPackage
	ranges map[string]string
}

// Names of files.
const (
	manifest = "package.json"
	lockFile = "package-lock.json"
)

// npmModule brings one project of npm up to date.
func (w *Work) npmModule(ctx context.Context, folder string, asked wish, all *harvest) error {
	p := &npmProject{Work: w, folder: folder, known: map[string]npmPackage{}}
	before, err := w.snap(folder, manifest, lockFile)
	if err != nil {
		return err
	}
	if before.files[lockFile] == nil {
		fmt.Fprintf(w.Log, "cyborg: %s: no %s, which is all that is dealt with\n", folder, lockFile)
		return nil
	}
	was, err := p.read(before)
	if err != nil {
		return err
	}
	due, err := p.due(ctx, was, asked)
	if err != nil {
		return err
	}
	done, err := w.take(ctx, due, all, p.install)
	if err != nil {
		return err
	}
	if done == 0 {
		return before.restore()
	}
	after, err := w.snap(folder, manifest, lockFile)
	if err != nil {
		return err
	}
	now, err := p.read(after)
	if err != nil {
		return err
	}
	p.compare(was, now, due, all)
	return nil
}

// read reads both files. The ranges of the project are kept.
func (p *npmProject) read(s *snapshot) (lock npmLock, err error) {
	var m npmManifest
	if err := json.Unmarshal(s.files[manifest], &m); err != nil {
		return lock, no("%s cannot be read: %s", filepath.ToSlash(filepath.Join(p.folder, manifest)), Plain(err.Error(), maxReason))
	}
	if err := json.Unmarshal(s.files[lockFile], &lock); err != nil || lock.Packages == nil {
		return lock, no("%s is none of npm 7 or later", filepath.ToSlash(filepath.Join(p.folder, lockFile)))
	}
	p.ranges = m.ranges()
	return lock, nil
}

// run runs npm: without scripts of packages, without programs that a project's settings could name, with no settings of
// whoever runs the bot.
func (p *npmProject) run(ctx context.Context, args ...string) (Answer, error) {
	in := func(name string) string { return filepath.Join(p.Scratch, "npm-"+name) }
	return p.call(ctx, Call{
		Argv: append([]string{npmTool}, args...), Dir: filepath.Join(p.Dir, filepath.FromSlash(p.folder)), Network: []string{host(p.Settings.NPM)},
		Env: []string{
			"npm_config_registry=" + p.Settings.NPM, "npm_config_cache=" + in("cache"), "npm_config_userconfig=" + in("user"), "npm_config_globalconfig=" + in("global"),
			"npm_config_ignore_scripts=true", "npm_config_git=false", "npm_config_audit=false", "npm_config_fund=false", "npm_config_update_notifier=false",
			"npm_config_progress=false", "npm_config_fetch_retries=1",
		},
	})
}

// due lists the updates that are due.
func (p *npmProject) due(ctx context.Context, lock npmLock, asked wish) ([]update, error) {
	var list []candidate
	wanted, broken := 0, 0
	for _, name := range slices.Sorted(maps.Keys(p.ranges)) {
		if _, ok := parseRange(p.ranges[name]); !ok || CheckWord(name) != nil || !asked.name(name) || matches(p.Settings.Ignore, name) {
			continue
		}
		wanted++
		a, err := p.run(ctx, "view", "--json", name, "versions", "time", "dist-tags", "repository")
		if err != nil {
			return nil, err
		}
		var found npmPackage
		if a.Code != 0 || json.Unmarshal(a.Output, &found) != nil {
			fmt.Fprintf(p.Log, "cyborg: %s: nothing is known of it\n", name)
			broken++
			continue
		}
		p.known[name] = found
		if c, ok := p.candidate(name, lock, found, asked.major); ok {
			list = append(list, c)
		}
	}
	if broken > 0 && broken == wanted {
		return nil, fmt.Errorf("ask for packages: nothing is known of any of %d", broken)
	}
	due, err := ripe(ctx, p.Work, list, p.release)
	slices.SortFunc(due, func(a, b update) int { return cmp.Compare(a.name, b.name) })
	return due, err
}

// candidate finds the versions that may follow the one in the lock file, the newest first. What is beyond the tag latest is for
// people who know why.
func (p *npmProject) candidate(name string, lock npmLock, found npmPackage, major bool) (candidate, bool) {
	r, _ := parseRange(p.ranges[name])
	c := candidate{update: update{folder: p.folder, name: name, from: cmp.Or(lock.Packages["node_modules/"+name].Version, r.base)}}
	now, ok := parseVersion(c.from)
	latest, tagged := parseVersion(found.Tags["latest"])
	if !ok {
		return c, false
	}
	var newer []version
	text := map[version]string{}
	for _, t := range found.Versions {
		v, ok := parseVersion(t)
		if ok && now.newer(v, major, true) && (!tagged || v.compare(latest) <= 0) {
			newer, text[v] = append(newer, v), t
		}
	}
	slices.SortFunc(newer, func(a, b version) int { return b.compare(a) })
	for _, v := range newer {
		c.versions = append(c.versions, text[v])
	}
	return c, len(c.versions) > 0
}

// release tells when versions were published, and asks whether they are deprecated: that is how npm's authors take them back.
func (p *npmProject) release(ctx context.Context, wanted []string) (map[string]release, error) {
	list := map[string]release{}
	for _, w := range wanted {
		at := strings.LastIndexByte(w, '@')
		name, text := w[:at], w[at+1:]
		r := release{published: p.known[name].Time[text], source: strings.TrimPrefix(p.known[name].Repository.URL, "git+")}
		a, err := p.run(ctx, "view", "--json", w, "deprecated")
		if err != nil {
			return nil, err
		}
		var why any
		if said := strings.TrimSpace(string(a.Output)); a.Code != 0 {
			r.broken = "nothing is known of this version"
		} else if said != "" && json.Unmarshal([]byte(said), &why) == nil && why != nil && why != false && why != "" {
			r.broken = "it is deprecated: " + Plain(fmt.Sprint(why), maxReason)
		}
		list[w] = r
	}
	return list, nil
}

// install makes one update, in the files only. It is taken back, and the reason given, if it cannot be made.
func (p *npmProject) install(ctx context.Context, u update) (why string, err error) {
	before, err := p.snap(p.folder, manifest, lockFile)
	if err != nil {
		return "", err
	}
	r, _ := parseRange(p.ranges[u.name])
	prefix := "--save-prefix=" + r.prefix
	if r.prefix == "" {
		prefix = "--save-exact"
	}
	a, err := p.run(ctx, "install", "--package-lock-only", prefix, "--", u.name+"@"+u.to)
	if err != nil || a.Code == 0 {
		return "", err
	}
	return "it cannot be had beside the rest, the log says why", before.restore()
}

// compare finds out what has become of the lock file.
func (p *npmProject) compare(was, now npmLock, due []update, all *harvest) {
	for _, where := range slices.Sorted(maps.Keys(now.Packages)) {
		old, is := was.Packages[where].Version, now.Packages[where].Version
		_, name, ok := strings.Cut("/"+where, "/node_modules/")
		if !ok || is == old {
			continue // the project itself, or a folder of it
		}
		i := slices.IndexFunc(due, func(d update) bool { return "node_modules/"+d.name == where && d.to == is })
		if i >= 0 {
			all.done = append(all.done, due[i])
			continue
		}
		all.moved = append(all.moved, update{folder: p.folder, name: name, from: old, to: is})
	}
}
