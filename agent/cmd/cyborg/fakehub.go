package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/cyborg-bots/cyborg/publish/dir"
	"github.com/cyborg-bots/cyborg/selftest/fakehub"
	"github.com/cyborg-bots/cyborg/selftest/world"
)

// fakehubFlags are the flags of `cyborg fakehub`.
type fakehubFlags struct {
	listen   string
	dir      string
	repos    listFlag
	users    listFlag
	seed     uint64
	noLimits bool
	faults   fakehub.Faults
	json     string
	logs     string
}

func fakehubCommand() command {
	return command{
		Name: "fakehub", Short: "be a GitHub: an emulator for tests, demonstrations and drills",
		Long: `
Prints its base address as the first line and serves until it is stopped. The API answers at / and at /api/v3/, git at
/OWNER/NAME.git, and people find pages at /OWNER/NAME. Repositories start empty; fill one with
	git push http://LOGIN:TOKEN@ADDRESS/OWNER/NAME.git main
and start bots with GITHUB_API_URL=http://ADDRESS, GITHUB_TOKEN=TOKEN and CYBORG_REPO=OWNER/NAME in their environment.

	cyborg fakehub --repo acme/widget --user ada=ada-token:admin --user bot=bot-token:write

GET /_journal gives every request as JSON lines; POST /_faults changes the faults while it runs. All faults are drawn
from one seed, which is printed.`,
		Exits: []exitStatus{{exitDone, "it was asked to stop"}, {exitUsage, "the command line is wrong"}, {exitInfra, "it cannot listen or keep its repositories"}},
		New: func(fs *flag.FlagSet, env *environment) func(context.Context, []string) error {
			f := new(fakehubFlags)
			f.register(fs)
			return func(ctx context.Context, _ []string) error { return f.run(ctx, env) }
		},
	}
}

func (f *fakehubFlags) register(fs *flag.FlagSet) {
	fs.StringVar(&f.listen, "listen", "127.0.0.1:0", "listen on `ADDRESS`; port 0 takes a free one")
	fs.StringVar(&f.dir, "dir", "", "keep the git repositories in `DIR` (default: a temporary folder, removed at the end)")
	fs.StringVar(&f.logs, "logs", "", "also serve the log folder `DIR` of bots, at /_logs")
	fs.Var(&f.repos, "repo", "make the repository `OWNER/NAME`; may be given again")
	fs.Var(&f.users, "user", "make a user, as `LOGIN=TOKEN:PERMISSION` (admin, write, read, none: on every --repo); may be given again")
	fs.Uint64Var(&f.seed, "seed", 0, "draw the faults from `N` (default: a random one)")
	fs.BoolVar(&f.noLimits, "no-limits", false, "keep no rate limits, as an Enterprise server does")
	fs.Func("lag", "let reads be `TIME` behind", func(s string) error {
		d, err := time.ParseDuration(s)
		f.faults.Lag = fakehub.EvenLag(fakehub.Duration(d))
		return err
	})
	duration := func(to *fakehub.Duration, name, usage string) {
		fs.Func(name, usage, func(s string) error { return to.UnmarshalText([]byte(s)) })
	}
	duration(&f.faults.Lag.Jitter, "lag-jitter", "let reads be up to `TIME` more behind than --lag")
	fs.Float64Var(&f.faults.LostAcks, "lost-acks", 0, "break the connection after applying a write, with probability `P`")
	fs.Float64Var(&f.faults.FailBefore, "fail-before", 0, "answer 5xx without applying, with probability `P`")
	fs.Float64Var(&f.faults.FailAfter, "fail-after", 0, "answer 5xx after applying, with probability `P`")
	fs.Float64Var(&f.faults.Limited, "limited", 0, "refuse for a secondary limit, with probability `P`")
	fs.Float64Var(&f.faults.LateIDs, "late-ids", 0, "show records later than newer ones, with probability `P`")
	duration(&f.faults.LateBy, "late-by", "show the records of --late-ids up to `TIME` later")
	fs.Float64Var(&f.faults.BackwardReads, "backward-reads", 0, "serve a read from an older replica, with probability `P`")
	duration(&f.faults.BackwardBy, "backward-by", "let the replica of --backward-reads be up to `TIME` older")
	duration(&f.faults.SkewCreated, "skew-created", "let created_at be wrong by up to `TIME`")
	duration(&f.faults.Latency, "latency", "take `TIME` for each request")
	fs.StringVar(&f.json, "faults", "", "all faults as `JSON`, as POST /_faults takes them; goes before the single flags")
}

func (f *fakehubFlags) run(ctx context.Context, env *environment) error {
	if f.json != "" {
		d := json.NewDecoder(bytes.NewReader([]byte(f.json)))
		d.DisallowUnknownFields()
		if err := d.Decode(&f.faults); err != nil {
			return &exitError{Code: exitUsage, Err: fmt.Errorf("read --faults: %w", err)}
		}
	}
	if _, err := exec.LookPath("git"); err != nil {
		return &exitError{Code: exitInfra, Err: err, Hint: "install git"}
	}
	if f.dir == "" {
		dir, err := os.MkdirTemp("", "fakehub-")
		if err != nil {
			return infra(fmt.Errorf("make a folder for the repositories: %w", err))
		}
		defer os.RemoveAll(dir)
		f.dir = dir
	} else if err := os.MkdirAll(f.dir, 0o700); err != nil {
		return infra(fmt.Errorf("make a folder for the repositories: %w", err))
	}
	for f.seed == 0 {
		f.seed = uint64(time.Now().UnixNano())
	}
	o := fakehub.Options{Dir: f.dir, Seed: f.seed, Faults: f.faults}
	if f.noLimits {
		o.Limits = fakehub.Limits{}
	} else {
		o.Limits = fakehub.GitHubLimits()
	}
	server, err := fakehub.New(o)
	if err != nil {
		return &exitError{Code: exitUsage, Err: err}
	}
	defer server.Close()
	if err := f.fill(ctx, server); err != nil {
		return &exitError{Code: exitUsage, Err: err}
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", f.listen)
	if err != nil {
		return infra(fmt.Errorf("listen on %s: %w", f.listen, err))
	}
	fmt.Fprintf(env.Stdout, "http://%s\n", listener.Addr())
	fmt.Fprintf(env.Stderr, "cyborg: fakehub: seed %d\n", f.seed)
	return infra(f.serve(ctx, server, listener))
}

// serve answers until ctx ends, the logs of bots too if they are asked for.
func (f *fakehubFlags) serve(ctx context.Context, server *fakehub.Server, listener net.Listener) error {
	if f.logs == "" {
		return server.Serve(ctx, listener)
	}
	store, err := dir.Open(f.logs, dir.Options{})
	if err != nil {
		return err
	}
	defer store.Close()
	return world.Serve(ctx, listener, world.Beside(server, store))
}

// permissions are the words of --user.
func permissions() map[string]fakehub.Permission {
	return map[string]fakehub.Permission{"admin": fakehub.Admin, "write": fakehub.Write, "read": fakehub.Read, "none": fakehub.None}
}

// fill makes the users and repositories that the flags name.
func (f *fakehubFlags) fill(ctx context.Context, server *fakehub.Server) error {
	for _, r := range f.repos {
		if err := server.AddRepo(ctx, fakehub.Repo{Name: r}); err != nil {
			return err
		}
	}
	for _, u := range f.users {
		login, rest, ok := strings.Cut(u, "=")
		at := strings.LastIndexByte(rest, ':')
		if !ok || at < 0 {
			return fmt.Errorf("read --user %q: write LOGIN=TOKEN:PERMISSION", u)
		}
		permission, ok := permissions()[rest[at+1:]]
		if !ok {
			return fmt.Errorf("read --user %s: permission %q: admin, write, read or none", login, rest[at+1:])
		}
		if err := server.AddUser(fakehub.User{Login: login, Token: rest[:at]}); err != nil {
			return err
		}
		for _, r := range f.repos {
			if err := server.Grant(r, login, permission); err != nil {
				return err
			}
		}
	}
	return nil
}
