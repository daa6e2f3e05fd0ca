//go:build drill && !vm

package drill

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The repositories of the drill: this very tree, and a project that the bots serve beside it.
const (
	botsRepo   = "acme/cyborg"
	servedRepo = "acme/widget"
)

// A candidate is a pull request of the bots' own repository: one file in which a text becomes another.
type candidate struct {
	name          string
	file, old, is string
	want          string            // the status
	fails         map[string]string // clause to what the log must say of it
	also          string            // is in the log too
	script        string            // this is the candidate, in place of what would be built
}

func candidates() []candidate {
	return []candidate{
		{
			name: "good", file: "agent/cmd/cyborg/byhand.go", old: "; the page is ", is: "; you find the page at ", want: "success: Tests passed",
		},
		{
			name: "crash", file: "agent/cmd/cyborg/run.go", old: "	b.alive(0)\n", is: "	b.alive(0)\n	panic(\"no bot\")\n",
			want: "failure: 1 test failed", fails: map[string]string{"shadow/run": "panic: no bot"},
		},
		{
			name: "greedy", file: "agent/plan.go", old: "	if missing := lacking(t.Requires(), v.Has, v.Fleet); len(missing) > 0 {",
			is:   "	if missing := lacking(t.Requires(), v.Has, v.Fleet); len(missing) > 1 {",
			want: "failure: 1 test failed", fails: map[string]string{"shadow/choices": "huge of "},
		},
		{
			name: "rude", file: "claim/text.go", old: `Testing   = "Testing in progress" `, is: `Testing   = "Out of my way" `,
			want: "failure: 1 test failed", fails: map[string]string{"shadow/texts": `"Out of my way" by shadow`},
		},
		{
			name: "careless", file: "agent/plan.go", old: waiting, is: careless, want: "failure: 1 test failed", fails: map[string]string{
				"shadow/choices": `it would take "cyborg plain --repo acme/widget --pull 5`,
			}, also: `for a bot that can do all it would not take "cyborg inside --repo acme/widget --pull 1`,
		},
		{
			name: "spy", script: spy,
			want: "failure: 1 test failed", fails: map[string]string{"shadow/run": "spy: all that was to be had"},
		},
	}
}

// waiting is how a bot finds out why it does not take a job, and careless how it would take those of strangers that nobody has
// approved, and leave those that want a machine to others.
const (
	waiting = `	switch {
	case e.Outsider == "":
	case t.In.Kind == tasks.OnHost:
		return e.Outsider + " has no write access, and this task runs on the host"
	case v.Approved[p.Number] == "":
`
	careless = `	switch {
	case t.In.Kind == tasks.InVM && v.offers("vm"):
		return "no machines today"
	case e.Outsider == "":
	case t.In.Kind == tasks.OnHost:
		return e.Outsider + " has no write access, and this task runs on the host"
	case v.Approved[p.Number] == "" && p.Author == "":
`
)

// spy looks for what is the bot's: its token, its files, its processes, a network, the version that it is compared with. It
// prints all that it finds, and nothing else can be found in a sandbox.
const spy = `[ $1 = selftest ] && exec ./relay "$@"
[ $1 = scan ] || exit 0
for i in $(seq 40); do sleep 86399 & done
env | grep -i token | grep -v of-the-window
cat /proc/[0-9]*/environ 2>/dev/null | tr '\0' '\n' | grep -i 'token=' | grep -v of-the-window
grep -rls cyborg-toke[n] /tmp /home /root /var /run 2>/dev/null
ls STATE STATE/bot-a STATE/bot-a/jobs 2>/dev/null | grep -v -e '^STATE' -e '^bot-a$' -e '^jobs$' -e '^self-check-' -e '^$'
bash -c 'exec 3<>/dev/tcp/127.0.0.1/PORT && echo reached the GitHub of the bot' 2>/dev/null
bash -c 'exec 3<>/dev/tcp/1.1.1.1/443 && echo reached the world' 2>/dev/null
for way in ../now/cyborg ./relay; do (echo x >>$way) 2>/dev/null && [ $way != ./relay ] && echo wrote to $way; done
(echo x >/usr/spy) 2>/dev/null && echo wrote to /usr
pgrep -fl 'run --name bot-a'
echo spy: all that was to be had
exit 7`

// TestValidate: pull requests of the bots' own repository are validated by a bot of the version before. One that is well
// passes, and does a job of another repository when people ask for it before it is merged. One whose bots crash, one that takes what it cannot do, and one that says what nobody understands
// do not; each is caught by the clause that is there for it, and no candidate has written a word.
func TestValidate(t *testing.T) {
	f := enter(t, 14*time.Minute, botsRepo, "--repo", servedRepo)
	hold(f)
	busy := serve(f)
	tree := ownTree(f)
	heads := map[string]string{}
	for _, c := range candidates() {
		heads[c.name] = propose(f, tree, c)
	}
	began := time.Now()
	bot := f.bot("bot-a", botsRepo, "--repo", servedRepo, "--bots-repo", botsRepo, "--jobs", "2", "--poll", "2s", "--settle", "500ms", "--lease", "10m")
	for _, c := range candidates() {
		f.until(c.name+" is judged", func() bool {
			s := f.statuses(botsRepo, heads[c.name])["self-check"]
			return s.State != "" && s.State != "pending"
		})
		judged(f, c, f.statuses(botsRepo, heads[c.name])["self-check"])
		checkHistory(f, botsRepo, heads[c.name], "self-check")
	}
	tried(f, busy[1])
	if out, _ := exec.CommandContext(f.ctx, "pgrep", "-f", "sleep 86399").Output(); len(out) > 0 {
		t.Errorf("a candidate has left processes:\n%s", out)
	}
	t.Logf("%d candidates in %v", len(heads), time.Since(began).Round(time.Second))
	for _, sha := range busy {
		for _, s := range f.history(servedRepo, sha) {
			if strings.Contains(s.Description, "shadow") || s.Context == "huge" && strings.Contains(s.Description, "[") {
				t.Errorf("a candidate has written %q", s.Description)
			}
		}
	}
	if t.Failed() {
		t.Logf("%s:\n%s", bot.name, f.tail(bot.name))
	}
}

// tried asks for a context of the project with two of the candidates: the good one does it, another is not let in.
func tried(f *field, sha string) {
	f.t.Helper()
	if err := os.Remove(f.path("wait")); err != nil { // the tests that wait let a place go
		f.t.Fatal(err)
	}
	for _, context := range []string{"lint@bots#1", "lint@bots#3"} {
		wish := map[string]string{"state": "pending", "context": context, "description": "Not yet tested"}
		if err := f.api("ada", "POST", "repos/"+servedRepo+"/statuses/"+sha, wish, nil); err != nil {
			f.t.Fatal(err)
		}
	}
	var list map[string]status
	f.until("the good candidate has done its job, and people read why the other does not", func() bool {
		list = f.statuses(servedRepo, sha)
		return list["lint@bots#1"].State != "pending" && list["lint@bots#3"].Description != "Not yet tested"
	})
	if s := list["lint@bots#1"]; s.State != "success" || !strings.HasPrefix(s.Description, "Tests passed [bot-a]") {
		f.t.Errorf("with the good candidate: %+v", s)
	} else if log := f.page(strings.TrimSuffix(s.TargetURL, "log.html") + "log.txt"); !strings.Contains(log, "lint says yes") || !strings.Contains(log, "; you find the page at ") {
		f.t.Errorf("this was not done by the candidate:\n%s", log)
	}
	if s := list["lint@bots#3"]; s.State != "pending" || s.Description != "Not yet tested: "+botsRepo+"#3 has failed self-check" {
		f.t.Errorf("with the greedy candidate: %+v", s)
	}
}

// judged compares what the log says of a candidate with what must be found.
func judged(f *field, c candidate, s status) {
	f.t.Helper()
	log := f.page(strings.TrimSuffix(s.TargetURL, "log.html") + "log.txt")
	if got := s.State + ": " + s.Description; !strings.HasPrefix(got, c.want+" [bot-a]") {
		f.t.Errorf("%s: got %q, want %q\n%s", c.name, got, c.want, log)
		return
	}
	failed := map[string]string{}
	clause := ""
	for line := range strings.Lines(log) {
		if rest, ok := strings.CutPrefix(line, "not ok "); ok {
			_, clause, _ = strings.Cut(strings.TrimSpace(rest), " - ")
			failed[clause] = ""
		} else if remark, ok := strings.CutPrefix(line, "#   "); ok && clause != "" {
			failed[clause] += remark
		} else {
			clause = ""
		}
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(c.fails)), slices.Sorted(maps.Keys(failed))); diff != "" {
		f.t.Errorf("%s: failed clauses (-want +got):\n%s\n%s", c.name, diff, log)
	}
	if _, found, ok := strings.Cut(failed["shadow/run"], "exit code 7\n"); ok && f.before != nil && found != "spy: all that was to be had\n" {
		f.t.Errorf("%s has found something in its sandbox:\n%s", c.name, found)
	}
	if !strings.Contains(log, c.also) {
		f.t.Errorf("%s: %q is not in the log:\n%s", c.name, c.also, log)
	}
	for clause, words := range c.fails {
		if !strings.Contains(failed[clause], words) {
			f.t.Errorf("%s: %s says %q, want %q in it", c.name, clause, failed[clause], words)
		}
	}
}

// serve makes the project that is served: tests that wait for a person, one that nobody can run, and three pull requests,
// one of which a bot has that is no longer there. It gives their heads.
func serve(f *field) []string {
	f.t.Helper()
	dir := f.path("widget")
	write := func(name, text string) {
		f.t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			f.t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			f.t.Fatal(err)
		}
	}
	wait := f.path("wait")
	if err := os.WriteFile(wait, nil, 0o600); err != nil {
		f.t.Fatal(err)
	}
	write("bots/verify", fmt.Sprintf("#!/bin/sh\n# verify: wait for a person\n# on: pull request\n# in: host\nwhile [ -e %s ]; do sleep 0.2; done\n", wait))
	write("bots/lint", "#!/bin/sh\n# lint: look at the text\n# on: pull request\n# in: host\necho lint says yes\n")
	write("bots/plain", "#!/bin/sh\n# plain: do anywhere\n# on: pull request\nexit 0\n")
	write("bots/inside", "#!/bin/sh\n# inside: want a machine\n# on: pull request\n# in: vm\n# image: tiny\nexit 0\n")
	write("bots/huge", "#!/bin/sh\n# huge: want more than there is\n# on: pull request\n# in: host\n# needs: memory=900G\nexit 0\n")
	f.git(dir, "init", "-q", "-b", "main")
	f.git(dir, "add", "-A")
	f.git(dir, "commit", "-q", "-m", "Begin")
	f.git(dir, "push", "-q", f.remote(servedRepo), "main")
	var heads []string
	for i := range 4 {
		branch := fmt.Sprintf("topic-%d", i)
		f.git(dir, "checkout", "-q", "-b", branch, "main")
		write("README", branch+"\n")
		f.git(dir, "add", "-A")
		f.git(dir, "commit", "-q", "-m", branch)
		f.git(dir, "push", "-q", f.remote(servedRepo), branch)
		_, sha := f.pull(servedRepo, branch, "Work on "+branch)
		heads = append(heads, sha)
	}
	stranger(f, dir)
	held := map[string]string{"state": "pending", "context": "verify", "description": "Testing in progress [gone-abcde] k7m2q9xa 6h"}
	if err := f.api("cyborg", "POST", "repos/"+servedRepo+"/statuses/"+heads[0], held, nil); err != nil {
		f.t.Fatal(err)
	}
	return heads
}

// stranger opens the pull request of somebody without write access.
func stranger(f *field, dir string) {
	f.t.Helper()
	if err := f.api("mallory", "POST", "repos/"+servedRepo+"/forks", map[string]string{}, nil); err != nil {
		f.t.Fatal(err)
	}
	f.git(dir, "checkout", "-q", "-b", "gift", "main")
	f.git(dir, "commit", "-q", "--allow-empty", "-m", "Give")
	f.git(dir, "push", "-q", f.as("mallory").Remote("mallory/widget"), "gift")
	body := map[string]string{"title": "A gift", "head": "mallory:gift", "base": "main"}
	if err := f.api("mallory", "POST", "repos/"+servedRepo+"/pulls", body, nil); err != nil {
		f.t.Fatal(err)
	}
}

// ownTree makes a repository of the files of this one as they are, whose Makefile uses what was built and downloaded already.
func ownTree(f *field) string {
	f.t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		f.t.Fatal(err)
	}
	dir := f.path("tree")
	list := exec.CommandContext(f.ctx, "git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	list.Dir = root
	names, err := list.Output()
	if err != nil {
		f.t.Fatalf("list the files of this repository: %v", err)
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(names), "\x00"), "\x00") {
		info, err := os.Lstat(filepath.Join(root, name))
		if err != nil || !info.Mode().IsRegular() {
			continue // removed, or a link
		}
		data, err := os.ReadFile(filepath.Join(root, name))
		if err == nil {
			err = os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755)
		}
		if err == nil && name == "Makefile" {
			data = append(settingsOfGo(f), data...)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), data, info.Mode().Perm())
		}
		if err != nil {
			f.t.Fatal(err)
		}
	}
	f.git(dir, "init", "-q", "-b", "main")
	f.git(dir, "add", "-A")
	f.git(dir, "commit", "-q", "-m", "Begin")
	f.git(dir, "push", "-q", f.remote(botsRepo), "main")
	return dir
}

// settingsOfGo are the lines of a Makefile with which go finds here what it has.
func settingsOfGo(f *field) []byte {
	f.t.Helper()
	var text strings.Builder
	set := func(name, value string) { fmt.Fprintf(&text, "export %s := %s\n", name, value) }
	for _, name := range []string{"GOFLAGS", "GOROOT"} {
		set(name, goEnv(f, name))
	}
	if f.before == nil {
		set("GOCACHE", goEnv(f, "GOCACHE"))
		set("GOMODCACHE", goEnv(f, "GOMODCACHE"))
	} else {
		set("GOCACHEPROG", shownDir+"/program "+cacheWord+" "+shownDir+"/cache $(HOME)/go-cache")
		set("GOMODCACHE", shownDir+"/modules")
		set("GOROOT", shownDir+"/root")
	}
	text.WriteString("export GOPROXY := off\nexport GOTOOLCHAIN := local\nexport PATH := $(GOROOT)/bin:$(PATH)\n")
	return []byte(text.String())
}

// propose opens the pull request of a candidate, and gives its head.
func propose(f *field, tree string, c candidate) string {
	f.t.Helper()
	f.git(tree, "checkout", "-q", "-b", c.name, "main")
	if c.script != "" {
		text := strings.NewReplacer("STATE", f.path("state"), "PORT", f.url[strings.LastIndex(f.url, ":")+1:]).Replace(c.script)
		if err := os.WriteFile(filepath.Join(tree, "candidate.sh"), []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
			f.t.Fatal(err)
		}
		f.git(tree, "add", "candidate.sh")
		c.file, c.old, c.is = "Makefile", "\t$(GO) build -tags $(TAGS) -ldflags '$(LDFLAGS)' -o $(OUT)/cyborg ./agent/cmd/cyborg\n",
			"\tmkdir -p $(OUT) && cp candidate.sh $(OUT)/cyborg\n"
	}
	name := filepath.Join(tree, filepath.FromSlash(c.file))
	data, err := os.ReadFile(name)
	if err != nil {
		f.t.Fatal(err)
	}
	if n := strings.Count(string(data), c.old); n != 1 {
		f.t.Fatalf("%s: %q is %d times in %s, want it once", c.name, c.old, n, c.file)
	}
	if err := os.WriteFile(name, []byte(strings.Replace(string(data), c.old, c.is, 1)), 0o644); err != nil {
		f.t.Fatal(err)
	}
	f.git(tree, "commit", "-q", "-a", "-m", "Be "+c.name)
	f.git(tree, "push", "-q", f.remote(botsRepo), c.name)
	number, sha := f.pull(botsRepo, c.name, "Be "+c.name)
	label := map[string][]string{"labels": {"priority"}} // else the tests that wait for a person could have all places
	if err := f.api("ada", "POST", fmt.Sprintf("repos/%s/issues/%d/labels", botsRepo, number), label, nil); err != nil {
		f.t.Fatal(err)
	}
	return sha
}
