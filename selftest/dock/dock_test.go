//go:build docker

package dock

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cyborg-bots/cyborg/selftest/people"
)

// image is what is exercised.
const image = "cyborg:slim"

// The people: login to permission. The token is the login and "-token".
var accounts = map[string]string{"ada": "admin", "cyborg": "write", "mallory": "none"}

// A dock is where containers lie: a private network with an emulator.
type dock struct {
	t    *testing.T
	ctx  context.Context
	name string // of the network, label and prefix of all that is made
	url  string // of the emulator, from here
	dir  string
	bots []string
}

// enter makes the network and starts the emulator with a repository.
func enter(t *testing.T, limit time.Duration, repo string, flags ...string) *dock {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(t.Context(), limit, fmt.Errorf("it took longer than %s", limit))
	t.Cleanup(cancel)
	d := &dock{t: t, ctx: ctx, name: fmt.Sprintf("cyborg-dock-%d", os.Getpid()), dir: t.TempDir()}
	t.Cleanup(d.clear)
	d.docker("network", "create", "--internal", "--label", d.name, d.name)
	args := []string{"run", "--detach", "--name", d.hub(), "--label", d.name, "--network", d.name, "--network-alias", "hub", image,
		"fakehub", "--listen", "0.0.0.0:8080", "--repo", repo}
	for login, permission := range accounts {
		args = append(args, "--user", login+"="+login+"-token:"+permission)
	}
	d.docker(append(args, flags...)...)
	address := d.docker("inspect", "--format", "{{(index .NetworkSettings.Networks \""+d.name+"\").IPAddress}}", d.hub())
	d.url = "http://" + address + ":8080"
	d.until("the emulator answers", func() bool { return d.api("ada", http.MethodGet, "repos/"+repo, nil, nil) == nil })
	return d
}

func (d *dock) hub() string { return d.name + "-hub" }

// clear removes what there is, and says what it was: a test that has done so itself leaves nothing.
func (d *dock) clear() {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(d.ctx), time.Minute)
	defer cancel()
	for _, kind := range []string{"container", "volume", "network"} {
		list := []string{kind, "ls", "--quiet", "--filter", "label=" + d.name}
		remove := []string{kind, "rm"}
		if kind == "container" {
			list, remove = append(list, "--all"), append(remove, "--force", "--volumes")
		}
		out, err := exec.CommandContext(ctx, "docker", list...).Output()
		if err != nil {
			d.t.Errorf("docker %v: %v", list, err)
		}
		if names := strings.Fields(string(out)); len(names) > 0 {
			if out, err := exec.CommandContext(ctx, "docker", append(remove, names...)...).CombinedOutput(); err != nil {
				d.t.Errorf("docker %v: %v: %s", remove, err, out)
			}
		}
	}
}

// docker runs a command of docker and gives what it prints.
func (d *dock) docker(args ...string) string {
	d.t.Helper()
	out, err := d.try(args...)
	if err != nil {
		d.t.Fatalf("docker %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(out)
}

func (d *dock) try(args ...string) (string, error) {
	cmd := exec.CommandContext(d.ctx, "docker", args...)
	var out, bad bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &bad
	err := cmd.Run()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, bad.String())
	}
	return out.String(), err
}

// bot starts a bot in a container as people do: a token, the name of a repository, and where GitHub is.
func (d *dock) bot(name, repo string, flags ...string) string {
	d.t.Helper()
	name = d.name + "-" + name
	args := []string{"run", "--detach", "--name", name, "--label", d.name, "--network", d.name,
		"--env", "GITHUB_TOKEN=cyborg-token", "--env", "CYBORG_REPO=" + repo, "--env", "GITHUB_API_URL=http://hub:8080", image}
	if len(flags) > 0 {
		args = append(append(args, "run"), flags...)
	}
	d.docker(args...)
	d.bots = append(d.bots, name)
	return name
}

// logs is the end of what a container says of itself.
func (d *dock) logs(name string) string {
	cmd := exec.CommandContext(context.WithoutCancel(d.ctx), "docker", "logs", "--tail", "60", name)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return err.Error()
	}
	return string(out)
}

// until looks a few times a second until it is told that it is done.
func (d *dock) until(what string, look func() bool) {
	d.t.Helper()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for !look() {
		select {
		case <-d.ctx.Done():
			for _, name := range append(d.bots, d.hub()) {
				d.t.Logf("%s:\n%s", name, d.logs(name))
			}
			d.t.Fatalf("wait until %s: %v", what, context.Cause(d.ctx))
		case <-tick.C:
		}
	}
}

// as is one of the people.
func (d *dock) as(login string) people.Person {
	return people.Person{Login: login, Token: login + "-token", URL: d.url}
}

// api sends a request as one of the people and decodes the answer into out unless it is nil.
func (d *dock) api(login, method, path string, body, out any) error {
	return d.as(login).Do(d.ctx, method, path, body, out)
}

// git runs git in the folder of the dock's work tree, as ada.
func (d *dock) git(args ...string) {
	d.t.Helper()
	if err := (&people.Clone{Dir: d.dir, Login: "ada"}).Git(d.ctx, args...); err != nil {
		d.t.Fatal(err)
	}
}

// remote is a repository's address for pushing as ada.
func (d *dock) remote(repo string) string { return d.as("ada").Remote(repo) }

// open pushes a repository with one task and n branches, opens a pull request of each, and gives their heads.
func (d *dock) open(repo, task, text string, n int) []string {
	d.t.Helper()
	if err := os.MkdirAll(filepath.Join(d.dir, "bots"), 0o755); err != nil {
		d.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(d.dir, "bots", task), []byte(text), 0o755); err != nil {
		d.t.Fatal(err)
	}
	for _, args := range [][]string{{"init", "-q", "-b", "main"}, {"add", "-A"}, {"commit", "-q", "-m", "Teach the bots"}, {"push", "-q", d.remote(repo), "main"}} {
		d.git(args...)
	}
	push := []string{"push", "-q", d.remote(repo)}
	for i := range n {
		branch := fmt.Sprintf("topic-%d", i)
		d.git("checkout", "-q", "-b", branch, "main")
		d.git("commit", "-q", "--allow-empty", "-m", "Change "+branch)
		push = append(push, branch)
	}
	if n > 0 {
		d.git(push...)
	}
	heads := make([]string, n)
	for i := range n {
		var p struct{ Head struct{ SHA string } }
		branch := fmt.Sprintf("topic-%d", i)
		if err := d.api("ada", http.MethodPost, "repos/"+repo+"/pulls", map[string]string{"title": "Change " + branch, "head": branch, "base": "main"}, &p); err != nil {
			d.t.Fatal(err)
		}
		heads[i] = p.Head.SHA
	}
	return heads
}
