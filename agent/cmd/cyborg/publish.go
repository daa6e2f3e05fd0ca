package main

import (
	"context"
	"errors"
	"flag"
	"fmt"

	"github.com/cyborg-bots/cyborg/publish/s3"
	"github.com/cyborg-bots/cyborg/selftest"
)

func publishCommand() command {
	return command{
		Name: "publish", Args: "init|check|prune", Short: "set up the place where logs go, check it, or delete old logs",
		Long: `
"init" makes the bucket of --logs if it is not there, and lets everybody read what is below its folder, but not list it.
It needs a key that may change the bucket's policy; bots need one that may read, write, list and delete objects. It may
be repeated. With a folder for --logs there is nothing to set up. Then it does what "check" does.

"check" writes an object, reads it back with the key and without, and deletes it: what each bot does when it starts.

"prune" deletes the logs and results of --repo that are older than --keep days, but for those of open pull requests, and
renews the indexes. The history stays for --keep-history days. It may be repeated, and several may do it at the same
time. Bots do it too when bots/fleet.toml says so: [chores] logs-prune = "1 day".`,
		Exits: []exitStatus{
			{exitDone, "logs can be written, and read by everybody where they have an address"},
			{exitUsage, "the command line or the environment is wrong"},
			{exitInfra, "the place cannot be reached, refuses the keys, or is not as it must be"},
		},
		New: func(fs *flag.FlagSet, env *environment) func(context.Context, []string) error {
			f := new(publishFlags)
			f.hubFlags.register(fs, env)
			f.logsFlags.register(fs)
			fs.IntVar(&f.days, "keep", 90, "prune: keep logs for `DAYS`")
			fs.IntVar(&f.historyDays, "keep-history", 400, "prune: keep the history for `DAYS`; 0 is for ever")
			fs.BoolVar(&f.dryRun, "dry-run", false, "prune: only tell what would be deleted")
			return func(ctx context.Context, args []string) error { return f.run(ctx, args) }
		},
	}
}

// publishFlags are the flags of `cyborg publish`.
type publishFlags struct {
	runFlags
	days, historyDays int
	dryRun            bool
}

// run does what the first word says.
func (f *publishFlags) run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return usageError("publish: say what: init, check or prune")
	}
	if len(args) > 1 {
		return usageError("publish %s: takes no arguments, got %q", args[0], args[1])
	}
	switch args[0] {
	case "init":
		return f.init(ctx)
	case "check":
		return f.checkStore(ctx)
	case "prune":
		return f.prune(ctx)
	}
	return usageError("publish: unknown word %q: say init, check or prune", args[0])
}

// init sets a bucket up, and sees whether that was enough.
func (f *publishFlags) init(ctx context.Context) error {
	_, store, err := f.openStore()
	if err != nil {
		return err
	}
	if bucket, ok := store.(*s3.Store); ok {
		if err := bucket.Init(ctx); errors.Is(err, s3.ErrNoPolicy) {
			fmt.Fprintf(f.env.Stderr, "cyborg: %v: let everybody read with the server's own means\n", err)
		} else if err != nil {
			return &exitError{Code: exitInfra, Err: err, Hint: "init needs a key that may make buckets and change their policies; at Amazon, " +
				"a bucket's \"Block public access\" has to be off too"}
		}
	}
	return f.checkStore(ctx)
}

// checkStore does the part of the self-exam that is about logs.
func (f *publishFlags) checkStore(ctx context.Context) error {
	_, store, err := f.openStore()
	if err != nil {
		return err
	}
	report := selftest.Examine(ctx, []selftest.Probe{selftest.Logs(examinedStore{store}, storeName(store))})
	for _, p := range report.Probes {
		if !p.OK {
			return &exitError{Code: exitInfra, Err: errors.New(p.Finding), Hint: p.Hint}
		}
		fmt.Fprintln(f.env.Stdout, p.Finding)
	}
	return nil
}

// storeName is what people call a store.
func storeName(store any) string {
	if s, ok := store.(fmt.Stringer); ok {
		return s.String()
	}
	return "the log store"
}
