package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/cyborg-bots/cyborg/container"
	"github.com/cyborg-bots/cyborg/tasks"
	"github.com/cyborg-bots/cyborg/vmimage"
	"github.com/cyborg-bots/cyborg/vmimage/machine"
	"github.com/cyborg-bots/cyborg/vmimage/machine/place"
)

func vmCommand() command {
	return command{
		Name: "vm", Args: "run|ssh|stop|list [ARGS]", Short: "start a virtual machine, work in it, and stop it",
		Long: `
cyborg vm run IMAGE          start a machine of the image, wait until it answers, and print its name
cyborg vm ssh NAME [WORDS]   work in it, or run one command, or one line of the shell if it is quoted as one word; NAME may
                             be the image's, or the end of the machine's
cyborg vm stop NAME          take it away with all that was written in it; NAME may be "all"
cyborg vm list               the machines that run here

The image is one that ./bots/images names, or NAME.qcow2 in --images; it is never written to. A machine runs until it is
stopped, or until its --life is over and a bot or another cyborg vm looks after it. It reaches nothing but for --open,
which gives it what this host reaches.

The first machine of an image boots and is saved; others go on from that within seconds, each with its own key, randomness
and time. One that is --open, or told to be --cold, boots.

A test finds machines beside its own when its header says "in: vm" and "machines: NAME …". One that runs on the host may
start its own: with HOME set to a new folder with a short name, as sockets are in it. They go with the job.`,
		Exits: []exitStatus{{exitDone, "it is done; of vm ssh: the command's own"}, {exitNo, "there is no such machine or image, or it does not come up"},
			{exitUsage, "the command line is wrong"}, {exitInfra, "this host cannot start machines; it says what is missing"}},
		Verbatim: func(words []string) bool { return len(words) == 2 && words[0] == "ssh" },
		New: func(fs *flag.FlagSet, env *environment) func(context.Context, []string) error {
			f := &vmFlags{env: env}
			f.register(fs)
			return f.run
		},
	}
}

// vmFlags are the flags of `cyborg vm`.
type vmFlags struct {
	env    *environment
	runs   runFlags
	memory string
	cpus   int
	life   time.Duration
	boot   time.Duration
	open   bool
}

func (f *vmFlags) register(fs *flag.FlagSet) {
	f.runs.env = f.env
	fs.StringVar(&f.runs.state, "state", "", "keep machines in `DIR` (default $CYBORG_STATE, or cyborg in the user's cache folder)")
	f.runs.machine.register(fs)
	f.runs.image.register(fs)
	fs.StringVar(&f.memory, "memory", "1G", "of run: give it `SIZE` of memory")
	fs.IntVar(&f.cpus, "cpus", 2, "of run: give it `N` processors")
	fs.DurationVar(&f.life, "life", 12*time.Hour, "of run: it may be taken away after `TIME`")
	fs.DurationVar(&f.boot, "boot", machine.DefaultBoot, "wait `TIME` for it to answer")
	fs.BoolVar(&f.open, "open", false, "of run: it reaches what this host reaches, the Internet and the host itself included")
}

func (f *vmFlags) run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return usageError("vm: want run, ssh, stop or list")
	}
	verb, rest := args[0], args[1:]
	verbs := map[string]struct {
		do     func(context.Context, *machinery, []string) error
		least  int
		most   int
		wanted string
	}{
		"run": {f.start, 1, 1, "IMAGE"}, "ssh": {f.ssh, 1, 1000, "NAME [WORDS]"}, "stop": {f.stop, 1, 1, "NAME"}, "list": {f.list, 0, 0, ""},
	}
	v, ok := verbs[verb]
	if !ok {
		return usageError("vm: unknown %q: want run, ssh, stop or list", verb)
	}
	if len(rest) < v.least || len(rest) > v.most {
		return usageError("vm %s: want %s", verb, strings.TrimSpace("cyborg vm "+verb+" "+v.wanted))
	}
	state, err := f.runs.stateDir()
	if err != nil {
		return err
	}
	m, err := f.runs.machinery(ctx, state, f.runs.logger())
	if err != nil {
		return infra(err)
	}
	defer m.driver.Close()
	if _, err := m.pool.Sweep(ctx); err != nil {
		return infra(err)
	}
	return v.do(ctx, m, rest)
}

// start is `cyborg vm run`.
func (f *vmFlags) start(ctx context.Context, m *machinery, args []string) error {
	memory, err := tasks.ParseSize(f.memory)
	if err != nil {
		return usageError("vm run: read --memory: %v", err)
	}
	disk := args[0]
	if _, image, err := recipeIn(".", disk); err == nil && image.Disk != (vmimage.Disk{}) {
		disk = image.Disk.File() // as a bot takes it
	}
	image, err := m.shelf.find(ctx, disk)
	if lack, ok := errors.AsType[*container.LackError](err); ok {
		return &exitError{Code: exitNo, Err: lack, Hint: "cyborg image build NAME makes a disk, --image-store PLACE says where disks are, --images DIR has NAME.qcow2"}
	}
	if unknown, ok := errors.AsType[*place.UnknownImageError](err); ok {
		return &exitError{Code: exitNo, Err: unknown, Hint: "cyborg image list shows what there is"}
	}
	if err != nil {
		return err
	}
	begin := time.Now()
	started, err := m.pool.Start(ctx, machine.Spec{Image: image, CPUs: f.cpus, Memory: memory, Open: f.open, Boot: f.boot, Life: f.life, Keep: true})
	if boot, ok := errors.AsType[*machine.BootError](err); ok {
		return &exitError{Code: exitNo, Err: boot}
	}
	if err != nil {
		return infra(err)
	}
	fmt.Fprintln(f.env.Stdout, started.Name())
	from := ""
	if started.Warm() {
		from = " from a saved state"
	}
	fmt.Fprintf(f.env.Stderr, "cyborg: it came up in %.1f s%s; cyborg vm ssh %s works in it, cyborg vm stop %[3]s takes it away\n", time.Since(begin).Seconds(), from, args[0])
	return infra(started.Leave())
}

// found is the machine that a person means.
func (f *vmFlags) found(m *machinery, name string) (machine.Info, error) {
	info, err := m.pool.Find(name)
	if errors.Is(err, machine.ErrNotFound) {
		return info, &exitError{Code: exitNo, Err: err, Hint: "cyborg vm list shows them"}
	}
	if err != nil {
		return info, &exitError{Code: exitNo, Err: err}
	}
	return info, nil
}

// ssh is `cyborg vm ssh`: with words a command, else the ssh program with a terminal.
func (f *vmFlags) ssh(ctx context.Context, m *machinery, args []string) error {
	info, err := f.found(m, args[0])
	if err != nil {
		return err
	}
	words := args[1:]
	if len(words) > 0 && words[0] == "--" { // as people write where flags may follow
		words = words[1:]
	}
	switch len(words) {
	case 0:
		return f.terminal(ctx, m, info)
	case 1: // a line for the shell, as ssh takes it
		words = []string{"sh", "-c", words[0]}
	}
	in, err := m.pool.Attach(ctx, info, f.boot)
	if err != nil {
		return &exitError{Code: exitNo, Err: err}
	}
	defer func() { _ = in.Leave() }() // the command has said all
	exit, err := in.Run(ctx, machine.Cmd{Argv: words, Stdin: f.env.Stdin, Output: f.env.Stdout, Errors: f.env.Stderr})
	if err != nil {
		return &exitError{Code: exitNo, Err: err}
	}
	if exit.Code != 0 || exit.Signal != "" {
		return &exitError{Code: exit.Code, Err: errors.New("")}
	}
	return nil
}

// terminal gives a person the ssh program. The key lies in the machine's own folder as long as the machine does.
func (f *vmFlags) terminal(ctx context.Context, m *machinery, info machine.Info) error {
	key := filepath.Join(m.pool.DirOf(info), "key")
	if err := os.WriteFile(key, info.Key, 0o600); err != nil {
		return infra(fmt.Errorf("work in machine %s: %w", info.Name, err))
	}
	cmd := exec.CommandContext(ctx, "ssh", "-i", key, "-p", strconv.Itoa(info.Port), "-o", "IdentitiesOnly=yes", "-o", "StrictHostKeyChecking=no",
		"-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", info.User+"@127.0.0.1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = f.env.Stdin, f.env.Stdout, f.env.Stderr
	err := cmd.Run()
	if ended, ok := errors.AsType[*exec.ExitError](err); ok {
		return &exitError{Code: ended.ExitCode(), Err: errors.New("")}
	}
	return infra(err)
}

// stop is `cyborg vm stop`.
func (f *vmFlags) stop(ctx context.Context, m *machinery, args []string) error {
	var list []machine.Info
	if args[0] == "all" {
		all, err := m.pool.List()
		if err != nil {
			return infra(err)
		}
		list = all
	} else {
		info, err := f.found(m, args[0])
		if err != nil {
			return err
		}
		list = append(list, info)
	}
	for _, info := range list {
		if err := m.pool.Remove(ctx, info); err != nil {
			return infra(err)
		}
	}
	return nil
}

// list is `cyborg vm list`.
func (f *vmFlags) list(_ context.Context, m *machinery, _ []string) error {
	all, err := m.pool.List()
	if err != nil {
		return infra(err)
	}
	if len(all) == 0 {
		fmt.Fprintln(f.env.Stderr, "cyborg: no machines are kept here")
		return nil
	}
	table := tabwriter.NewWriter(f.env.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NAME\tIMAGE\tMEMORY\tSSH\tUNTIL")
	for _, i := range all {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s@127.0.0.1:%d\t%s\n", i.Name, i.Image, tasks.FormatSize(i.Memory), i.User, i.Port, i.Expires.Format("Jan 2 15:04"))
	}
	return table.Flush()
}
