package world

import (
	"context"
	"embed"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cyborg-bots/cyborg/selftest/people"
)

// example is the repository of the demonstration. Modes are lost on embedding: scripts are told by their first line.
//
//go:embed all:example
var example embed.FS

// Widget is the repository of the demonstration.
const Widget = "acme/widget"

// A change is a pull request of the demonstration, with what must come of it.
type change struct {
	branch, title, body string
	edits               [][3]string       // file, before, after
	expect              map[string]string // context to the state of the status at the end
}

// The tests of this change wait until the branch is pushed anew, as long tests do; but not for ever.
const slowly = `i=0; while [ $i -lt 600 ]; do sleep 0.1; i=$((i + 1)); done # tests that take a minute`

func changes() []change {
	return []change{
		{
			branch: "french", title: "Greet in French", body: "Bonjour is polite.\n\n * [x] tested by hand",
			edits: [][3]string{
				{"widget", `hello) echo`, "bonjour) echo \"Bonjour, ${2:-le monde} !\" ;;\nhello) echo"},
				{"tests/run", "echo 1..3", "echo 1..4\ncheck \"bonjour greets the world\" \"Bonjour, le monde !\" ./widget bonjour"},
			},
			expect: map[string]string{"verify": "success", "lint": "success"},
		},
		{
			branch: "zero", title: "Count from zero", body: "Programmers count from zero.",
			edits:  [][3]string{{"widget", "seq 1", "seq 0"}},
			expect: map[string]string{"verify": "failure", "lint": "success"},
		},
		{
			branch: "slow", title: "Greet louder", body: "First try; the tests take a while.",
			edits: [][3]string{
				{"widget", `"Hello, ${2:-world}!"`, `"Hello, ${2:-world}!" | cat`},
				{"tests/run", "echo 1..3", slowly + "\necho 1..3"},
			},
			expect: map[string]string{"verify": "success", "lint": "success"},
		},
		{
			branch: "welcome", title: "Welcome the world", body: "Made from an old main.",
			edits:  [][3]string{{"README.md", "Says hello, and counts.", "Welcomes everybody, and counts."}},
			expect: map[string]string{"verify": "failure", "lint": "failure"},
		},
	}
}

// A Demo is the story that `cyborg demo` tells.
type Demo struct {
	World *World
	Out   io.Writer // where the story is told, line by line
	Bots  int       // how many there are
	began time.Time
	grace *people.Clone // the writer's work tree
}

// Play tells the story and gives an error if it did not end as it must: every context of every pull request with the
// result that the change deserves, and each job run once.
func (d *Demo) Play(ctx context.Context) error {
	d.began = time.Now()
	w := d.World
	if err := w.AddRepo(ctx, Widget); err != nil {
		return err
	}
	d.say("a GitHub of our own is at %s/%s", w.URL, Widget)
	owner, err := d.firstCommit(ctx)
	if err != nil {
		return err
	}
	if err := d.openPulls(ctx, owner); err != nil {
		return err
	}
	bots, stop := context.WithCancel(ctx)
	defer w.bots.Wait()
	defer stop()
	for i := range d.Bots {
		if err := w.StartBot(bots, fmt.Sprintf("bot-%c", 'a'+i), Widget, Quick()); err != nil {
			return err
		}
	}
	d.say("%d bots start; they know the repository's name and a token, and nothing of each other", d.Bots)
	f := &follower{demo: d, shown: map[string]string{}}
	if err := f.untilRunning(ctx, 3, "verify"); err != nil {
		return err
	}
	if err := d.pushAnew(ctx); err != nil {
		return err
	}
	d.say("grace pushes #3 anew while it is tested: the run is useless now, its bot stops it")
	if err := f.untilDone(ctx); err != nil {
		return err
	}
	return f.check(ctx)
}

// say tells one line, with the seconds since the story began.
func (d *Demo) say(format string, args ...any) {
	fmt.Fprintf(d.Out, "%5.1f s  %s\n", time.Since(d.began).Seconds(), fmt.Sprintf(format, args...))
}

// firstCommit pushes the example as the owner.
func (d *Demo) firstCommit(ctx context.Context) (*people.Clone, error) {
	c, err := d.World.Clone(ctx, Owner, Widget)
	if err != nil {
		return nil, err
	}
	if err := unpack(c.Dir); err != nil {
		return nil, err
	}
	if err := c.Commit(ctx, "Say hello, and count"); err != nil {
		return nil, err
	}
	if err := c.Git(ctx, "push", "-q", "origin", "main"); err != nil {
		return nil, err
	}
	d.say("ada pushes the project, and two files in bots/: all that the bots are taught")
	return c, nil
}

// unpack writes the example into a folder.
func unpack(dir string) error {
	return fs.WalkDir(example, "example", func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := filepath.Join(dir, filepath.FromSlash(strings.TrimPrefix(name, "example")))
		if e.IsDir() {
			return os.MkdirAll(to, 0o755)
		}
		data, err := example.ReadFile(name)
		if err != nil {
			return err
		}
		mode := os.FileMode(0o644)
		if strings.HasPrefix(string(data), "#!") {
			mode = 0o755
		}
		return os.WriteFile(to, data, mode)
	})
}

// openPulls pushes a branch for each change and opens its pull request, as the writer.
func (d *Demo) openPulls(ctx context.Context, owner *people.Clone) error {
	grace := d.World.Person(Writer)
	c, err := d.World.Clone(ctx, Writer, Widget)
	if err != nil {
		return err
	}
	d.grace = c
	for n, ch := range changes() {
		if err := c.Git(ctx, "checkout", "-q", "-b", ch.branch, "origin/main"); err != nil {
			return err
		}
		for _, e := range ch.edits {
			if err := c.Edit(e[0], e[1], e[2]); err != nil {
				return err
			}
		}
		if err := c.Commit(ctx, ch.title); err != nil {
			return err
		}
		if err := c.Git(ctx, "push", "-q", "origin", ch.branch); err != nil {
			return err
		}
		pull := map[string]any{"title": ch.title, "body": ch.body, "head": ch.branch, "base": "main"}
		if err := grace.Do(ctx, "POST", "repos/"+Widget+"/pulls", pull, nil); err != nil {
			return err
		}
		d.say("grace opens #%d: %s", n+1, ch.title)
	}
	// The last one was made from an old main.
	if err := owner.Edit("README.md", "Says hello, and counts.", "Says hello to the world, and counts."); err != nil {
		return err
	}
	if err := owner.Commit(ctx, "Say whom we greet"); err != nil {
		return err
	}
	return owner.Git(ctx, "push", "-q", "origin", "main")
}

// pushAnew replaces the slow change's head with one whose tests are quick.
func (d *Demo) pushAnew(ctx context.Context) error {
	c := d.grace
	if err := c.Git(ctx, "checkout", "-q", "slow"); err != nil {
		return err
	}
	if err := c.Edit("tests/run", slowly+"\n", ""); err != nil {
		return err
	}
	for _, args := range [][]string{{"commit", "-q", "-a", "--amend", "--no-edit"}, {"push", "-q", "--force", "origin", "slow"}} {
		if err := c.Git(ctx, args...); err != nil {
			return err
		}
	}
	return nil
}
