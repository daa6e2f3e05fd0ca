package selftest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// github answers as it is told to.
type github struct {
	who  Identity
	may  string
	skew time.Duration
	err  error
}

func (g *github) Identity(context.Context) (Identity, error)           { return g.who, g.err }
func (g *github) Permission(context.Context, string) (string, error)   { return g.may, g.err }
func (g *github) Skew(context.Context) (skew time.Duration, err error) { return g.skew, g.err }

func TestGitHub(t *testing.T) {
	bad := errors.New("GET /user: 401 Bad credentials")
	for _, test := range []struct {
		name  string
		g     github
		probe func(GitHub) Probe
		want  Result
	}{
		{"token", github{who: Identity{Login: "cyborg"}}, Token, Result{OK: true, Finding: "signed in as cyborg"}},
		{"app", github{who: Identity{Login: "cyborg[bot]", App: true}}, Token, Result{OK: true, Finding: "signed in as cyborg[bot], a GitHub App"}},
		{"classic token", github{who: Identity{Login: "cyborg", Scopes: []string{"repo:status", "public_repo"}}}, Token,
			Result{OK: true, Finding: "signed in as cyborg"}},
		{"too much", github{who: Identity{Login: "cyborg", Scopes: []string{"repo", "admin:org", "delete_repo"}}}, Token,
			Result{OK: true, Finding: "signed in as cyborg; the token may do more than a bot needs: admin:org, delete_repo",
				Hint: "use a fine-grained token or a GitHub App that is limited to the repositories served"}},
		{"wrong token", github{err: bad}, Token, Result{Finding: "sign in to GitHub: GET /user: 401 Bad credentials",
			Hint: "check GITHUB_TOKEN: it may be mistyped, expired or revoked"}},
		{"write", github{may: "write"}, forRepo, Result{OK: true, Finding: "write in acme/widget"}},
		{"read-only token", github{may: "read"}, forRepo, Result{Finding: "may only read acme/widget, so no status can be posted there",
			Hint: "give the bot's account, or its App, write access to the repository"}},
		{"unknown repository", github{may: "none"}, forRepo, Result{Finding: "has no access to acme/widget, or there is no such repository",
			Hint: "check the name, and give the bot's account write access to it"}},
		{"permission unknown", github{err: bad}, forRepo, Result{Finding: "ask for the permission in acme/widget: GET /user: 401 Bad credentials",
			Hint: "give the bot's account, or its App, write access to the repository"}},
		{"clock", github{skew: -29 * time.Second}, Clock, Result{OK: true, Finding: "agrees with GitHub's"}},
		{"clock ahead", github{skew: 2*time.Minute + 3100*time.Millisecond}, Clock, Result{Finding: "the clock is 2m3s ahead of GitHub's",
			Hint: "set the clock, for example by NTP"}},
		{"clock behind", github{skew: -time.Hour}, Clock, Result{Finding: "the clock is 1h0m0s behind GitHub's", Hint: "set the clock, for example by NTP"}},
		{"no network", github{err: errors.New("dial tcp: no route to host")}, Clock, Result{
			Finding: "ask GitHub for the time: dial tcp: no route to host", Hint: "set the clock, for example by NTP"}},
	} {
		p := test.probe(&test.g)
		got, _ := answer(t, p)
		test.want.Name, test.want.Needed = p.Name, p.Needed
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func forRepo(g GitHub) Probe { return Permission(g, "acme/widget") }

// memory is a store that works.
type memory map[string]string

func (m memory) Put(_ context.Context, name string, data []byte) error {
	m[name] = string(data)
	return nil
}
func (m memory) Get(_ context.Context, name string) ([]byte, error) { return []byte(m[name]), nil }
func (m memory) Delete(_ context.Context, name string) error        { delete(m, name); return nil }

// failing is a store that does not.
type failing struct {
	memory
	put, get, del error
	altered       bool
}

func (f failing) Put(ctx context.Context, name string, data []byte) error {
	return errors.Join(f.put, f.memory.Put(ctx, name, data))
}

func (f failing) Get(ctx context.Context, name string) ([]byte, error) {
	data, _ := f.memory.Get(ctx, name)
	if f.altered {
		data = append(data, '\n')
	}
	return data, f.get
}

func (f failing) Delete(ctx context.Context, name string) error {
	return errors.Join(f.del, f.memory.Delete(ctx, name))
}

func TestLogs(t *testing.T) {
	const general, rights = "check the address and the keys of the log store; cyborg publish init sets a bucket up", "the bot needs to write, read and delete there"
	for _, test := range []struct {
		name  string
		store failing
		want  Result
	}{
		{"works", failing{}, Result{OK: true, Finding: "written, read and deleted in s3://logs"}},
		{"full", failing{put: fmt.Errorf("put x: %w", syscall.ENOSPC)}, Result{
			Finding: "cannot write to s3://logs: put x: no space left on device", Hint: "it is full; delete old logs or give it more room"}},
		{"read-only", failing{put: syscall.EROFS}, Result{Finding: "cannot write to s3://logs: read-only file system", Hint: rights}},
		{"no keys", failing{put: errors.New("Access Denied.")}, Result{Finding: "cannot write to s3://logs: Access Denied.", Hint: general}},
		{"cannot read", failing{get: fs.ErrPermission}, Result{Finding: "cannot read from s3://logs: permission denied", Hint: rights}},
		{"cannot delete", failing{del: fs.ErrPermission}, Result{Finding: "cannot delete from s3://logs: permission denied", Hint: rights}},
		{"alters", failing{altered: true}, Result{Finding: "s3://logs gives back something else than was written",
			Hint: "it does not keep what it is given; use another store"}},
	} {
		test.store.memory = memory{}
		got, _ := answer(t, Logs(test.store, "s3://logs"))
		test.want.Name, test.want.Needed = "logs", true
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
		if test.want.OK && len(test.store.memory) > 0 {
			t.Errorf("%s: left behind: %v", test.name, test.store.memory)
		}
	}
}
