package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cyborg-bots/cyborg/container"
	"github.com/cyborg-bots/cyborg/publish"
	"github.com/cyborg-bots/cyborg/selftest"
	"github.com/cyborg-bots/cyborg/tasks"
)

func selftestCommand() command {
	return command{
		Name: "selftest", Short: "examine this machine and what it was given: what a bot could do here, and why not more",
		Long: `
Each line is one question, its answer, and what to do about it. What a bot can do decides which jobs it takes. Without
credentials the questions about GitHub are left out. It writes one small object to the log store, and to that of disks, and
removes it.`,
		Exits: []exitStatus{{exitDone, "a bot could run here"}, {exitUsage, "the command line is wrong"}, {exitInfra, "a bot could not run here; the table says why"}},
		New: func(fs *flag.FlagSet, env *environment) func(context.Context, []string) error {
			f := new(runFlags)
			f.register(fs, env)
			asJSON := fs.Bool("json", false, "print JSON")
			return func(ctx context.Context, args []string) error {
				if len(args) > 0 {
					return usageError("selftest: takes no arguments, got %q", args[0])
				}
				report, err := f.examine(ctx)
				if err != nil {
					return err
				}
				if *asJSON {
					encoder := json.NewEncoder(env.Stdout)
					encoder.SetIndent("", "  ")
					err = encoder.Encode(report)
				} else {
					err = report.WriteTable(env.Stdout)
				}
				if err != nil {
					return infra(fmt.Errorf("print the report: %w", err))
				}
				if !report.CanRun() {
					return &exitError{Code: exitInfra, Err: errors.New("a bot could not run here")}
				}
				return nil
			}
		},
	}
}

// examine asks all questions that can be asked with what was given.
func (f *runFlags) examine(ctx context.Context) (selftest.Report, error) {
	state, err := f.stateDir()
	if err != nil {
		return selftest.Report{}, err
	}
	given := selftest.Given{State: state}
	store, err := f.store(state)
	switch exit, _ := errors.AsType[*exitError](err); {
	case err == nil:
		given.Logs, given.Where = examinedStore{store}, storeName(store)
	case exit == nil || exit.Code != exitInfra:
		return selftest.Report{}, err // nobody has said what to ask about
	default:
		given.Logs, given.Where = noStore{err}, "the log store"
	}
	if given.Networks, err = f.networks(); err != nil {
		return selftest.Report{}, err
	}
	if f.env.Getenv("CYBORG_SECRETS") != "" {
		given.Secrets = f.handed
	}
	client, err := f.client(state, nil)
	if err == nil {
		given.GitHub = examinedHub{client}
		repos, err := f.repositories()
		if err != nil && (len(f.repos) > 0 || f.env.Getenv("CYBORG_REPO") != "") {
			return selftest.Report{}, err
		}
		for _, r := range repos {
			given.Repos = append(given.Repos, r.String())
		}
	} else if f.env.Getenv("GITHUB_TOKEN") != "" || f.env.Getenv("GITHUB_TOKEN_FILE") != "" {
		return selftest.Report{}, err
	}
	probes := append(selftest.Standard(given), selftest.Place(string(tasks.OnHost), f.tryHost(state)))
	driver, machines := f.hypervisor()
	if driver != nil {
		defer driver.Close()
	}
	boxes, err := f.sandboxesOf(state, f.logger())
	if err != nil {
		return selftest.Report{}, err
	}
	house, err := f.warehouse(state)
	if err != nil {
		return selftest.Report{}, err
	}
	report := selftest.Examine(ctx, slices.Concat(probes, house.probes(), []selftest.Probe{machines}, boxes.probes()))
	report.Capabilities = strings.Fields(capabilities(report.Capabilities).String()) // what a bot says that it can do
	return report, nil
}

// tryHost runs a command in the place that every bot has.
func (f *runFlags) tryHost(state string) func(context.Context) error {
	host := container.NewHost(container.HostOptions{Dir: filepath.Join(state, jobsDir), Log: f.logger()})
	return func(ctx context.Context) error {
		result, err := host.Run(ctx, container.Spec{Name: "selftest", Argv: []string{"true"}, Dir: state, Timeout: 10 * time.Second})
		if err == nil && result.Code != 0 {
			err = fmt.Errorf("run true: exit status %d %s", result.Code, result.Refused)
		}
		return err
	}
}

// exam is the part of the self-exam that a bot passes when it starts: what decides which jobs it takes, and nothing slow.
func (b *bot) exam(ctx context.Context) (selftest.Report, error) {
	var err error
	if b.boxes, err = b.flags.sandboxesOf(b.state, b.log); err != nil {
		return selftest.Report{}, err
	}
	if b.pretends() != "" {
		return selftest.Report{}, nil
	}
	root := os.DirFS("/")
	b.probes = []selftest.Probe{
		selftest.System(), selftest.CPUs(root), selftest.Memory(root), selftest.Disk(b.state), selftest.Git(),
		selftest.Clock(examinedHub{b.hub}), selftest.Logs(examinedStore{b.store}, storeName(b.store)),
		selftest.Place(string(tasks.OnHost), b.flags.tryHost(b.state)),
		selftest.Secrets(func() (map[string]string, error) { return b.secrets, nil }),
	}
	if len(b.secrets) == 0 {
		b.probes = b.probes[:len(b.probes)-1]
	}
	for _, name := range slices.Sorted(maps.Keys(b.networks)) {
		b.probes = append(b.probes, selftest.Network(name, b.networks[name]))
	}
	if b.warehouse, err = b.flags.warehouse(b.state); err != nil {
		return selftest.Report{}, err
	}
	b.probes = append(b.probes, b.warehouse.probes()...)
	driver, machines := b.flags.hypervisor()
	if driver != nil { // without, people who build this program know
		b.probes = append(b.probes, selftest.KVM(), machines)
	}
	b.probes = append(b.probes, b.boxes.probes()...)
	b.found = selftest.Examine(ctx, b.probes)
	if driver != nil {
		if b.machines, err = b.flags.equip(driver, b.found.Capabilities, b.warehouse, b.state, b.log); err != nil {
			return selftest.Report{}, err
		}
	}
	return b.found, nil
}

// fit is what a bot finds when it looks again before it claims a job.
func (b *bot) fit(ctx context.Context) (tasks.Capabilities, error) {
	now := b.found.Again(ctx, b.probes)
	for i, p := range now.Probes {
		if p.Needed && !p.OK && b.probes[i].Cheap {
			return nil, fmt.Errorf("%s: %s", p.Name, p.Finding)
		}
	}
	return capabilities(now.Capabilities), nil
}

// capabilities is what a bot here can do: what was found, but of places only those in which this program runs jobs.
func capabilities(found []string) tasks.Capabilities {
	var list tasks.Capabilities
	for _, word := range found {
		c, err := tasks.ParseCapability(word)
		if err != nil || c.Name == "kvm" && !slices.Contains(found, "vm") {
			continue
		}
		list = append(list, c)
	}
	return list
}

// noStore is a log store that cannot be opened, for the self-exam to say so.
type noStore struct{ err error }

var _ selftest.Store = noStore{}

// Put implements selftest.Store.
func (n noStore) Put(context.Context, string, []byte) error { return n.err }

// Get implements selftest.Store.
func (n noStore) Get(context.Context, string) ([]byte, error) { return nil, n.err }

// Delete implements selftest.Store.
func (n noStore) Delete(context.Context, string) error { return n.err }

// examinedStore is the log store for the self-exam.
type examinedStore struct{ store publish.Store }

var _ selftest.PublicStore = examinedStore{}

// Put implements selftest.Store.
func (e examinedStore) Put(ctx context.Context, name string, data []byte) error {
	return e.store.Put(ctx, name, bytes.NewReader(data), publish.Meta{})
}

// Get implements selftest.Store.
func (e examinedStore) Get(ctx context.Context, name string) ([]byte, error) {
	r, err := e.store.Get(ctx, name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(io.LimitReader(r, 1<<20))
}

// Delete implements selftest.Store.
func (e examinedStore) Delete(ctx context.Context, name string) error {
	return e.store.Delete(ctx, name)
}

// Fetch implements selftest.PublicStore: with nothing but the address.
func (e examinedStore) Fetch(ctx context.Context, name string) (data []byte, address string, err error) {
	if address = e.store.URL(name); address == "" {
		return nil, "", nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, address, err
	}
	client := http.Client{Timeout: 20 * time.Second}
	if own, ok := e.store.(interface{ Transport() http.RoundTripper }); ok {
		client.Transport = own.Transport()
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, address, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, address, errors.New(resp.Status)
	}
	data, err = io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return data, address, err
}

// learn takes up what the self-exam found, and logs each thing that is not as it should be.
func (b *bot) learn(report selftest.Report) (err error) {
	if b.has, err = b.able(report); err != nil {
		return err
	}
	for _, p := range report.Probes {
		if !p.OK {
			b.log.Warn("the self-exam found", "probe", p.Name, "finding", p.Finding, "hint", p.Hint)
		}
	}
	b.log.Info("can do", "capabilities", b.has.String())
	return nil
}

// pretended is the variable with what a bot is to take for what it can do when it does nothing: the places of the bot whose
// choices it tells are not in the place where it tells them.
const pretended = "CYBORG_PRETENDED"

// pretends gives what a bot is to take for what it can do, if nothing will be done; empty if that is nothing. It does not
// examine itself then.
func (b *bot) pretends() string {
	if !b.idle {
		return ""
	}
	return b.flags.env.Getenv(pretended)
}

// able is what follows from the self-exam.
func (b *bot) able(report selftest.Report) (tasks.Capabilities, error) {
	words := b.pretends()
	if words == "" {
		return capabilities(report.Capabilities), nil
	}
	has, err := tasks.ParseCapabilities(strings.Fields(words))
	if err != nil {
		return nil, usageError("read %s: %v", pretended, err)
	}
	return has, nil
}
