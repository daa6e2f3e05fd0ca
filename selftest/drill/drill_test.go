//go:build drill

package drill

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cyborg-bots/cyborg/selftest/people"
)

// A field is where a drill takes place: an emulator process, a folder, people.
type field struct {
	t   *testing.T
	ctx context.Context
	bin string
	dir string
	url string // of the emulator

	before []string // what starts the program of a bot, and env is what that gets beside the usual
	env    []string

	bots []*process
}

// The people: login to permission. The token is the login and "-token".
var accounts = map[string]string{"ada": "admin", "grace": "write", "cyborg": "write", "reader": "read", "mallory": "none"}

// enter starts an emulator with the given flags and a repository.
func enter(t *testing.T, limit time.Duration, repo string, flags ...string) *field {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(t.Context(), limit, fmt.Errorf("the drill took longer than %s", limit))
	t.Cleanup(cancel)
	bin, err := filepath.Abs(os.Getenv("CYBORG_BIN"))
	if err != nil || os.Getenv("CYBORG_BIN") == "" {
		t.Fatal("CYBORG_BIN does not name the program: use the Makefile's targets")
	}
	f := &field{t: t, ctx: ctx, bin: bin, dir: t.TempDir()}
	args := append([]string{"fakehub", "--listen", "127.0.0.1:0", "--repo", repo, "--logs", f.path("logs")}, flags...)
	for login, permission := range accounts {
		args = append(args, "--user", login+"="+login+"-token:"+permission)
	}
	cmd := exec.CommandContext(ctx, bin, args...)
	cmd.Stderr = f.log("fakehub")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the emulator did not start: %v\n%s", err, f.tail("fakehub"))
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	f.url = strings.TrimSpace(line)
	return f
}

func (f *field) path(parts ...string) string {
	return filepath.Join(append([]string{f.dir}, parts...)...)
}

// log is a file for what a process says of itself.
func (f *field) log(name string) *os.File {
	f.t.Helper()
	file, err := os.OpenFile(f.path(name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = file.Close() })
	return file
}

// tail is the end of a process's log.
func (f *field) tail(name string) string {
	data, err := os.ReadFile(f.path(name + ".log"))
	if err != nil {
		return err.Error()
	}
	return string(data[max(0, len(data)-6000):])
}

// A process is a bot.
type process struct {
	*exec.Cmd
	name string
	done chan error
}

// bot starts `cyborg run` with its own state folder, with the token of the bots' account. A flag given here goes before.
func (f *field) bot(name, repo string, flags ...string) *process {
	f.t.Helper()
	return f.botAs("cyborg", name, repo, flags...)
}

// botAs is bot with the token of one of the people.
func (f *field) botAs(login, name, repo string, flags ...string) *process {
	f.t.Helper()
	args := append([]string{"run", "--name", name, "--repo", repo, "--api", f.url, "--state", f.path("state", name),
		"--logs", f.path("logs"), "--public-url", f.url + "/_logs"}, flags...)
	line := append(append(slices.Clone(f.before), f.bin), args...)
	p := &process{Cmd: exec.CommandContext(f.ctx, line[0], line[1:]...), name: name, done: make(chan error, 1)}
	p.Env = append(append(os.Environ(), "CYBORG_SANDBOX=none", "GITHUB_TOKEN="+login+"-token"), f.env...)
	p.Stderr = f.log(name)
	if err := p.Start(); err != nil {
		f.t.Fatal(err)
	}
	go func() { p.done <- p.Wait() }()
	f.bots = append(f.bots, p)
	f.t.Cleanup(func() { f.stop(p) })
	return p
}

// stop asks a bot to stop and waits until it has.
func (f *field) stop(p *process) {
	_ = p.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-p.done:
		p.done <- err
	case <-time.After(30 * time.Second):
		_ = p.Process.Kill()
		f.t.Errorf("%s did not stop within 30 s of SIGTERM:\n%s", p.name, f.tail(p.name))
	}
}

// as is one of the people.
func (f *field) as(login string) people.Person {
	return people.Person{Login: login, Token: login + "-token", URL: f.url}
}

// api sends a request as one of the people and decodes the answer into out unless it is nil. Reads are tried again: the
// emulator may be told to fail.
func (f *field) api(login, method, path string, body, out any) error {
	for try := 0; ; try++ {
		err := f.as(login).Do(f.ctx, method, path, body, out)
		if err == nil || method != http.MethodGet || try == 5 {
			return err
		}
	}
}

// page reads what is published at an address.
func (f *field) page(address string) string {
	f.t.Helper()
	req, err := http.NewRequestWithContext(f.ctx, http.MethodGet, address, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		f.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		f.t.Fatalf("get %s: %s, %v", address, resp.Status, err)
	}
	return string(data)
}

// until looks a few times a second until it is told that it is done.
func (f *field) until(what string, look func() bool) {
	f.t.Helper()
	tick := time.NewTicker(300 * time.Millisecond)
	defer tick.Stop()
	for !look() {
		select {
		case <-f.ctx.Done():
			for _, p := range f.bots {
				f.t.Logf("%s:\n%s", p.name, f.tail(p.name))
			}
			f.t.Fatalf("wait until %s: %v", what, context.Cause(f.ctx))
		case <-tick.C:
		}
	}
}

// git runs git in a folder, as ada.
func (f *field) git(dir string, args ...string) {
	f.t.Helper()
	if err := (&people.Clone{Dir: dir, Login: "ada"}).Git(f.ctx, args...); err != nil {
		f.t.Fatal(err)
	}
}

// remote is a repository's address for pushing as ada.
func (f *field) remote(repo string) string { return f.as("ada").Remote(repo) }

// A status is one commit status, as the API gives it.
type status struct {
	ID                          int64
	State, Description, Context string
	TargetURL                   string    `json:"target_url"`
	CreatedAt                   time.Time `json:"created_at"`
}

// statuses lists the newest status of each context of a commit.
func (f *field) statuses(repo, sha string) map[string]status {
	f.t.Helper()
	list := map[string]status{}
	for page := 1; ; page++ {
		var combined struct{ Statuses []status }
		path := fmt.Sprintf("repos/%s/commits/%s/status?per_page=100&page=%d", repo, sha, page)
		if err := f.api("ada", http.MethodGet, path, nil, &combined); err != nil {
			f.t.Fatal(err)
		}
		for _, s := range combined.Statuses {
			list[s.Context] = s
		}
		if len(combined.Statuses) < 100 {
			return list
		}
	}
}

// history lists all statuses of a commit, newest first.
func (f *field) history(repo, sha string) []status {
	f.t.Helper()
	var all []status
	for page := 1; ; page++ {
		var list []status
		path := fmt.Sprintf("repos/%s/commits/%s/statuses?per_page=100&page=%d", repo, sha, page)
		if err := f.api("ada", http.MethodGet, path, nil, &list); err != nil {
			f.t.Fatal(err)
		}
		all = append(all, list...)
		if len(list) < 100 {
			return all
		}
	}
}

// pull opens a pull request as ada and gives its number.
func (f *field) pull(repo, branch, title string) (number int, sha string) {
	f.t.Helper()
	var p struct {
		Number int
		Head   struct{ SHA string }
	}
	body := map[string]string{"title": title, "head": branch, "base": "main"}
	if err := f.api("ada", http.MethodPost, "repos/"+repo+"/pulls", body, &p); err != nil {
		f.t.Fatal(err)
	}
	return p.Number, p.Head.SHA
}
