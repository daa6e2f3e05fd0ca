package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cyborg-bots/cyborg/agent"
	"github.com/cyborg-bots/cyborg/agent/checkout"
	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/claim/hub"
	"github.com/cyborg-bots/cyborg/container"
	"github.com/cyborg-bots/cyborg/publish"
	"github.com/cyborg-bots/cyborg/selftest"
	"github.com/cyborg-bots/cyborg/tasks"
)

// runFlags are the flags of `cyborg run`.
type runFlags struct {
	hubFlags
	logsFlags
	name     string
	jobs     int
	once     bool
	rehearse bool
	bots     string
	poll     time.Duration
	settle   time.Duration
	lease    time.Duration
	drain    time.Duration
	patience time.Duration
	locks    string
	pushTo   string
	machine  machineFlags
	image    imageFlags
	sandbox  sandboxFlags
	risk     riskFlags
}

func runCommand() command {
	return command{
		Name: "run", Short: "be a bot: take jobs of the repositories, do them, publish what came of them",
		Long: `
A bot needs a token that may read the repositories and write commit statuses; in $GITHUB_TOKEN, or in a file that
$GITHUB_TOKEN_FILE names. The folder $CYBORG_SECRETS, if it is set, has a file for each secret that tasks may name.
$CYBORG_NETWORKS names the networks that this machine is in, each with something that only answers in there:
"lab=wiki.lab.example:443"; the bot then has network=lab for as long as it does.

It keeps nothing that another bot needs: start as many as you like, stop any of them, at any time. The first SIGTERM or
SIGINT asks it to stop: it takes nothing new, gives running jobs --drain to end, and gives the rest back to the peers.
The second stops them at once.

Logs and results go to --logs. Without --public-url, or with a folder that nobody serves, statuses have no link and say
which machine has the log.`,
		Exits: []exitStatus{
			{exitDone, "it was asked to stop, or with --once its jobs ended"},
			{exitUsage, "the command line or the environment is wrong"},
			{exitInfra, "GitHub refuses the credentials, a repository is not there, or this machine cannot do the work"},
		},
		New: func(fs *flag.FlagSet, env *environment) func(context.Context, []string) error {
			f := new(runFlags)
			f.register(fs, env)
			return func(ctx context.Context, _ []string) error { return f.run(ctx) }
		},
	}
}

func (f *runFlags) register(fs *flag.FlagSet, env *environment) {
	f.hubFlags.register(fs, env)
	f.logsFlags.register(fs)
	f.machine.register(fs)
	f.image.register(fs)
	f.sandbox.register(fs)
	f.risk.register(fs)
	fs.StringVar(&f.name, "name", "", "`NAME` of the bot (default: the host's name and five random characters)")
	fs.IntVar(&f.jobs, "jobs", 1, "do `N` jobs at the same time")
	fs.BoolVar(&f.once, "once", false, "look once, do the jobs taken from that look, and end")
	fs.BoolVar(&f.rehearse, "rehearse", false, "with --once: claim and say at once all that a bot would in time, for a GitHub that refuses it")
	fs.DurationVar(&f.poll, "poll", agent.DefaultPoll, "look at GitHub every `TIME`, half of it more or less")
	policy := claim.DefaultPolicy()
	fs.DurationVar(&f.settle, "settle", policy.Settle, "after claiming wait `TIME` for the claims of others to show")
	fs.DurationVar(&f.lease, "lease", 0, "a claim holds for `TIME` after the last sign of life; heartbeat, self-stop and the allowed\n"+
		"difference of GitHub's times follow from it, and it is written into each claim\n"+
		"(default: 10m to 30m, as GitHub's budget allows)")
	fs.StringVar(&f.locks, "locks", "", "keep claims as git refs in the repository `OWNER/NAME` too (default $CYBORG_LOCKS): a result is then published\n"+
		"once at most, whatever clocks and replicas do; all bots of a fleet must agree, and may write to it. Claims of issues\n"+
		"stay in titles alone: an issue becomes a pull request only once, and each claim pushes a branch of its own")
	fs.StringVar(&f.bots, "bots-repo", "", "the repository `OWNER/NAME` of this program, which is served too: its pull requests are validated, as the\n"+
		"context self-check; and a status verify@bots#12, where somebody posts one, asks for verify with the program that\n"+
		"its pull request 12 proposes (default $CYBORG_BOTS)")
	f.registerErrands(fs)
	fs.DurationVar(&f.drain, "drain", agent.DefaultDrain, "when asked to stop, give running jobs `TIME` to end by themselves")
	fs.DurationVar(&f.patience, "log-patience", 2*time.Minute, "when a log cannot be stored, go on trying for `TIME`; then the result is posted without it")
}

// run wires a bot and lives its life.
func (f *runFlags) run(ctx context.Context) error {
	if err := f.check(); err != nil {
		return err
	}
	b, err := f.wire()
	if err != nil {
		return err
	}
	if b.bots != (hub.Repo{}) {
		at := slices.IndexFunc(b.repos, func(r hub.Repo) bool { return strings.EqualFold(r.String(), b.bots.String()) })
		if at < 0 {
			return usageError("run: the bots' own repository %s is not served: give --repo %[1]s too", b.bots)
		}
		b.bots = b.repos[at]
	}
	if err := b.prepare(ctx); ctx.Err() != nil {
		return nil // it was asked to stop before it had begun; what its self-exam found then says nothing
	} else if err != nil {
		return err
	}
	defer b.claims.Close()
	b.alive(0)
	a, err := agent.New(b.config())
	if err != nil {
		return &exitError{Code: exitUsage, Err: err}
	}
	return infra(a.Run(ctx))
}

// wire builds what a bot is made of; nothing is asked of GitHub yet.
func (f *runFlags) wire() (*bot, error) {
	repos, err := f.repositories()
	if err != nil {
		return nil, err
	}
	state, err := f.stateDir()
	if err != nil {
		return nil, err
	}
	f.unpaced = f.rehearse
	client, err := f.client(state, nil)
	if err != nil {
		return nil, err
	}
	secrets, err := f.handed()
	if err != nil {
		return nil, err
	}
	networks, err := f.networks()
	if err != nil {
		return nil, err
	}
	redact, err := f.redactor()
	if err != nil {
		return nil, err
	}
	store, err := f.store(state)
	if err != nil {
		return nil, err
	}
	locks, err := f.named("locks", f.locks, "CYBORG_LOCKS")
	if err != nil {
		return nil, err
	}
	bots, err := f.named("bots-repo", f.bots, "CYBORG_BOTS")
	if err != nil {
		return nil, err
	}
	log := f.logger()
	if f.name != "" {
		log = log.With("bot", f.name)
	}
	return &bot{flags: f, state: state, hub: client, repos: repos, log: log, store: store, redact: redact, secrets: secrets, networks: networks, policy: f.policy(), idle: f.rehearse, locks: locks, bots: bots,
		host: container.NewHost(container.HostOptions{Dir: filepath.Join(state, jobsDir), Log: log})}, nil
}

// check refuses settings that cannot work, and gives the bot its name.
func (f *runFlags) check() error {
	if f.name == "" {
		f.name = hostName() + "-" + strings.ToLower(rand.Text()[:5])
	}
	if f.jobs < 1 || f.poll <= 0 || f.drain < 0 || f.patience < 0 {
		return usageError("run: --jobs and --poll are above zero, --drain and --log-patience are not negative")
	}
	if f.rehearse && !f.once {
		return usageError("run: --rehearse wants --once")
	}
	if err := f.checkErrands(); err != nil {
		return err
	}
	if err := errors.Join(claim.Owner{Name: f.name}.Check(), f.policy().Check()); err != nil {
		return &exitError{Code: exitUsage, Err: err, Hint: "see cyborg help run"}
	}
	return nil
}

func (f *runFlags) policy() claim.Policy {
	p := claim.DefaultPolicy()
	p.Settle = f.settle
	if f.lease != 0 {
		p.Lease = f.lease
	}
	p.Patience = new(claim.Patience)
	return p
}

// named is a repository that a flag or the environment names beside those that are served; none gives the zero value.
func (f *runFlags) named(flag, name, variable string) (hub.Repo, error) {
	if name == "" {
		name = f.env.Getenv(variable)
	}
	if name == "" {
		return hub.Repo{}, nil
	}
	repo, err := hub.ParseRepo(name)
	if err != nil {
		return hub.Repo{}, &exitError{Code: exitUsage, Err: fmt.Errorf("read --%s: %w", flag, err), Hint: "write a repository as OWNER/NAME"}
	}
	return repo, nil
}

// hostName is the machine's name, cut to what a bot's name can hold beside its random part.
func hostName() string {
	name, err := os.Hostname()
	if err != nil || name == "" {
		name = "bot"
	}
	name, _, _ = strings.Cut(name, ".")
	name = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return '-'
	}, name)
	return name[:min(len(name), claim.MaxName-6)]
}

// infra marks an error as trouble of machines and networks, with what a person can do where that is known.
func infra(err error) error {
	if err == nil {
		return nil
	}
	return &exitError{Code: exitInfra, Err: err}
}

// board is where claims of commits are kept: as statuses, and with --locks as refs in front of them.
func (b *bot) board() claim.Board {
	statuses := claim.NewStatusBoard(b.hub, b.policy)
	if b.locks == (hub.Repo{}) {
		return statuses
	}
	return claim.NewRefBoard(statuses, b.hub, b.locks, b.policy)
}

// jobsDir is where jobs have their directories while they run, below the state folder.
const jobsDir = "jobs"

// A bot is all that run wires together.
type bot struct {
	flags    *runFlags
	state    string
	hub      *hub.Client
	repos    []hub.Repo
	log      *slog.Logger
	store    publish.Store
	redact   *publish.Redactor
	greets   bool              // it has said who it is
	secrets  map[string]string // that it may hand to tasks
	networks map[string]string // that it may be in, with an address in each
	policy   claim.Policy
	idle     bool     // it does no jobs
	locks    hub.Repo // of claims as refs; the zero value is none
	bots     hub.Repo // of this program; the zero value is none
	host     *container.Host
	claims   *claim.DirJournal
	has      tasks.Capabilities // what the self-exam found
	probes   []selftest.Probe   // of the self-exam
	found    selftest.Report    // by them
	names    map[string]hub.Repository
	user     hub.User // whose credentials these are

	boxes     *sandboxes
	machines  *machinery // nil: this program was built without a hypervisor
	warehouse *warehouse // of disks, whether or not machines can be started
}

// find asks GitHub for the served repositories.
func (b *bot) find(ctx context.Context) error {
	b.names = map[string]hub.Repository{}
	for _, repo := range b.repos {
		r, err := b.hub.Repository(ctx, repo)
		if err != nil {
			return infra(fmt.Errorf("find repository %s: %w", repo, err))
		}
		b.names[repo.String()] = r
	}
	return nil
}

// prepare asks GitHub who we are and what we may do, and cleans up what a bot left that was killed on this machine.
func (b *bot) prepare(ctx context.Context) error {
	user, err := b.hub.User(ctx)
	if err != nil {
		return infra(fmt.Errorf("sign in to GitHub: %w", err))
	}
	b.user = user
	if err := b.find(ctx); err != nil {
		return err
	}
	for name, r := range b.names {
		if !user.App && !writes(r.Permission) {
			return &exitError{Code: exitInfra, Err: fmt.Errorf("use repository %s: @%s has only %q permission", name, user.Login, r.Permission),
				Hint: "a bot posts commit statuses: give @" + user.Login + " write access, or use a token of an account that has it"}
		}
	}
	if b.claims, err = claim.OpenJournal(filepath.Join(b.state, "claims")); err != nil {
		return infra(err)
	}
	b.policy.Journal, b.policy.Log = b.claims, b.log
	if err := b.host.Sweep(ctx); err != nil {
		b.log.Warn("cannot clean up what a killed bot left", "error", err)
	}
	err = b.claims.Orphans(func(left []claim.Entry) ([]claim.Entry, error) {
		b.log.Info("giving back the claims of a bot that was killed", "claims", len(left))
		return b.giveBack(ctx, left)
	})
	if err != nil {
		b.log.Warn("cannot give back all claims of a bot that was killed", "error", err)
	}
	report, err := b.exam(ctx)
	if err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return err
	}
	if err := b.learn(report); err != nil {
		return err
	}
	if err := b.refuse(os.Geteuid(), mounted); err != nil {
		return err
	}
	b.sweepMachines(ctx)
	b.sweepSandboxes(ctx)
	b.greet(user.Login, report)
	b.log.Info("ready", "version", buildVersion(), "login", user.Login, "repos", fmt.Sprint(b.repos), "jobs", b.flags.jobs)
	return nil
}

// web is where people find the repositories: a repository's page without its name.
func (b *bot) web() string {
	for name, r := range b.names {
		if root, ok := strings.CutSuffix(r.URL, "/"+name); ok {
			return root
		}
	}
	return ""
}

func writes(permission string) bool {
	return permission == "admin" || permission == "maintain" || permission == "write"
}

// mirror opens the local copy of a served repository.
func (b *bot) mirror(name string) (*checkout.Mirror, error) {
	r, ok := b.names[name]
	if !ok {
		return nil, fmt.Errorf("open the mirror of %s: it is not served", name)
	}
	return checkout.Open(checkout.Options{
		Dir: filepath.Join(b.state, "git"), URL: r.CloneURL, Token: b.hub.Token, Log: b.log,
	})
}

// config is the agent's configuration.
func (b *bot) config() agent.Config {
	f, policy := b.flags, b.policy
	fit := b.fit
	if f.rehearse || b.probes == nil { // nothing is claimed, or it is a person's job, who knows the machine
		fit = nil
	}
	workshop := &agent.Workshop{
		Mirror: b.mirror, Log: b.log, Secrets: b.secrets,
		Places: b.places(), Prune: b.pruner(), Also: b.imageTasks(), Own: b.ownTasks(), Named: checkName,
		Issues: b.hub, Store: b.store, Login: b.user.Login,
	}
	return agent.Config{
		Name: f.name, Host: hostName(), Version: buildVersion(), Web: b.web(),
		Hub: b.hub, Repos: b.repos, Teacher: &welcome{Teacher: workshop, bot: b}, Performer: workshop, Store: b.store, Redact: b.redact, Limits: publish.Limits{Patience: max(f.patience, 1)},
		Private: b.private(),
		Board:   b.board(), Candidates: b.candidates(), Errands: b.errands(b.user), Has: b.has, Fit: fit, Roll: &agent.Roll{Store: b.store},
		Policy: policy, AutoLease: f.lease == 0, Jobs: f.jobs, Room: b.room, Had: b.had, Poll: f.poll, Drain: max(f.drain, 1), Once: f.once, Rehearse: f.rehearse,
		Alive: b.alive, Kill: f.env.Kill, Scratch: filepath.Join(b.state, jobsDir), Log: b.log,
	}
}
