package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/claim/hub"
	"github.com/cyborg-bots/cyborg/container"
	"github.com/cyborg-bots/cyborg/publish"
	"github.com/cyborg-bots/cyborg/tasks"
)

// A Teacher gives what a repository's people have taught: the tasks in its bots/ folder at a commit of the protected
// default branch. An error means that it could not be read; a task that is written wrongly is in Catalogue.Problems.
type Teacher interface {
	Catalogue(ctx context.Context, repo hub.Repo, commit string) (*tasks.Catalogue, error)
}

// A Performer does a job in a place, writes what happens to env, and tells how it ended. It returns soon after ctx
// ended, with nothing of the job left on the machine.
type Performer interface {
	Perform(ctx context.Context, env *Env, job tasks.Job) Outcome
}

// The defaults of a Config.
const (
	DefaultPoll  = 30 * time.Second
	DefaultDrain = 4 * time.Second // with what it takes to end them and to say so, a peer may have the jobs in five
)

// A Config is what makes a bot. Name, Hub, Repos, Teacher, Performer, Store, Board and Scratch are needed.
type Config struct {
	Name    string // unique for each start: hostname-xxxxx
	Host    string // the machine, for people who look for it
	Version string
	Web     string // address of the forge for people, for links on pages

	Hub       *hub.Client
	Repos     []hub.Repo
	Teacher   Teacher
	Performer Performer
	Store     publish.Store
	Redact    *publish.Redactor
	Limits    publish.Limits  // of what a job publishes; zero values are publish's defaults
	Private   map[string]bool // repositories that are not public: their attempts are in no index
	Board     claim.Board     // of commit statuses
	Errands   *Errands        // what is needed for issues; nil: the bot leaves them alone

	Candidates *Candidates // what is needed to do jobs with proposed versions of this program; nil: the bot leaves them alone

	Has       tasks.Capabilities                                    // what this bot can do
	Fit       func(ctx context.Context) (tasks.Capabilities, error) // the same, asked again before a claim; an error says why it is nothing; nil: it stays as it is
	Roll      *Roll                                                 // where bots write down what they can do; nil: nowhere
	Policy    claim.Policy
	AutoLease bool                                        // choose the lease of each claim by what is left of GitHub's budgets, see PaceOf
	Jobs      int                                         // at the same time; 0 is 1
	Room      func(Entry) bool                            // whether there is room for a job beside those that run; nil: always
	Had       func(ctx context.Context, name string) bool // whether what a container.LackError named can be had now; nil: nobody knows
	Poll      time.Duration                               // between two looks, ±50 %; 0 is DefaultPoll
	Drain     time.Duration                               // for running jobs to end by themselves when the bot is asked to stop; 0 is DefaultDrain
	Once      bool                                        // one look, the jobs taken from it, and the end
	Rehearse  bool                                        // say at once what would be said in time, whoever else may: for a GitHub that refuses all writes

	Alive    func(next time.Duration) // told after each look when the next is due; nil is nobody
	Kill     <-chan struct{}          // closed: stop at once
	Terminal io.Writer                // what jobs print goes there too; nil: it does not
	Progress func(publish.Step)       // is told how far what a job publishes at its end is; nil: nobody waits
	Scratch  string                   // folder in which each job gets a directory; all bots of a machine may share it
	Seed     uint64                   // of the jitter; 0 draws one
	Log      *slog.Logger
}

// An Agent is one bot. Its methods are for one goroutine, but where they say otherwise.
type Agent struct {
	c Config

	ended chan struct{} // gets a value when a job ended
	group sync.WaitGroup

	mu      sync.Mutex
	rand    *rand.Rand
	running map[string]*run                 // by Subject.Key
	shunned map[string]time.Time            // subjects that are not looked at before
	lacked  map[string]*container.LackError // by Subject.Key: what a job could not have

	able tasks.Capabilities // what the bot can do now

	ailing      int       // how many jobs in a row failed for a reason of our own
	ailingUntil time.Time // nothing is taken before

	known  map[string]Entry // by Subject.Key: the queue of the last round; for boards that keep more than marks
	slowly bool             // it was said that GitHub's budget is short
	meter  meter            // how quickly it is used
	slow   float64          // by how much polls are stretched now
	inside bool             // it has found the account not too crowded, or waited for its turn

	seen     map[string]time.Time // by Subject.Key: when the bot first saw the job wait
	approved map[string]approval  // by repository and number, of pull requests of outsiders
	trust    map[string]verdict   // by repository and login
	shy      float64              // this bot's part of the time over which strangers spread, see shyness
	peers    peers                // names of bots that were seen lately
	census   census               // what is known of the fleet
	words    map[string]word      // by Subject.Key: what people saw at the last look
	hands    map[string]hand      // by repository and number: who wrote an issue's text
	election election             // of who speaks for strangers
	told     map[string]string    // by Subject.Key: what the bot knows to be said on an issue

	lessons  map[string]lesson    // by repository: what it teaches, as of the last look
	ears     ears                 // what people said in comments
	dueSince map[string]time.Time // by chore.key: since when this bot knows that it is due
	beside   map[string]bool      // what is done beside the rounds; guarded by mu
	tellings map[string]*telling  // by pull request: what is known of its summary; guarded by mu
}

// A lesson is what a repository teaches at a commit of its default branch. The zero value teaches nothing.
type lesson struct {
	Taught *tasks.Catalogue
	Base   string // the commit
}

func (l lesson) tasks() []*tasks.Task {
	if l.Taught == nil {
		return nil
	}
	return l.Taught.Tasks
}

// New checks c and makes a bot of it. It does not touch GitHub.
func New(c Config) (*Agent, error) {
	switch {
	case c.Name == "" || c.Hub == nil || len(c.Repos) == 0 || c.Teacher == nil || c.Performer == nil || c.Store == nil || c.Board == nil || c.Scratch == "":
		return nil, errors.New("make bot: name, hub, repositories, teacher, performer, store, board and a scratch folder are needed")
	case len(c.Name) > claim.MaxName:
		return nil, fmt.Errorf("make bot: the name %q has more than %d characters", c.Name, claim.MaxName)
	case c.Jobs < 0 || c.Poll < 0 || c.Drain < 0:
		return nil, errors.New("make bot: jobs, poll and drain are not negative")
	}
	if c.Jobs == 0 {
		c.Jobs = 1
	}
	if c.Poll == 0 {
		c.Poll = DefaultPoll
	}
	if c.Drain == 0 {
		c.Drain = DefaultDrain
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Policy.Log == nil {
		c.Policy.Log = c.Log
	}
	c.Repos = distinct(c.Repos)
	if c.Seed == 0 {
		c.Seed = rand.Uint64()
	}
	return &Agent{
		c: c, able: c.Has, census: census{said: kinds(c.Has)}, rand: rand.New(rand.NewPCG(c.Seed, 1)), shy: shyness(rand.New(rand.NewPCG(c.Seed, 2)).Float64()),
		ended:   make(chan struct{}, 1),
		running: map[string]*run{}, shunned: map[string]time.Time{}, lacked: map[string]*container.LackError{},
		seen: map[string]time.Time{}, trust: map[string]verdict{}, approved: map[string]approval{}, lessons: map[string]lesson{},
		dueSince: map[string]time.Time{}, beside: map[string]bool{}, tellings: map[string]*telling{},
	}, nil
}

// distinct drops what is named again. GitHub compares names without regard to case.
func distinct(repos []hub.Repo) []hub.Repo {
	var list []hub.Repo
	for _, r := range repos {
		if !slices.ContainsFunc(list, func(o hub.Repo) bool { return strings.EqualFold(o.String(), r.String()) }) {
			list = append(list, r)
		}
	}
	return list
}
