package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"
)

// aliveVar names the file in which a bot says until when it will have looked again.
const aliveVar = "CYBORG_ALIVE"

// aliveFor is what a look may take beyond the time at which it is due: the first clone of a large repository, a GitHub
// that answers slowly. Who restarts a bot sooner only makes it begin anew.
const aliveFor = 10 * time.Minute

// promise writes into the file of $CYBORG_ALIVE that the bot will have looked again by then. A file that cannot be written
// is no reason to stop: the health check will say so.
func (e *environment) promise(next time.Duration) error {
	file := e.Getenv(aliveVar)
	if file == "" {
		return nil
	}
	until := time.Now().Add(next + aliveFor).UTC().Format(time.RFC3339)
	if err := os.WriteFile(file+".new", []byte(until+"\n"), 0o600); err != nil {
		return fmt.Errorf("say that the bot is alive: %w", err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		return fmt.Errorf("say that the bot is alive: %w", err)
	}
	return nil
}

func healthCommand() command {
	return command{
		Name: "health", Short: "say whether the bot in this container is alive",
		Long: `
For health checks of containers. A bot writes into the file that $CYBORG_ALIVE names until when it will have looked at
GitHub again, at the latest; this command reads it. A bot that waits because GitHub is down or slow is well.`,
		Exits: []exitStatus{{exitDone, "it is"}, {exitUsage, "the command line is wrong, or CYBORG_ALIVE is not set"}, {exitInfra, "it is not, or has not begun"}},
		New: func(_ *flag.FlagSet, env *environment) func(context.Context, []string) error {
			return func(context.Context, []string) error { return health(env, time.Now()) }
		},
	}
}

func health(env *environment, now time.Time) error {
	file := env.Getenv(aliveVar)
	if file == "" {
		return &exitError{Code: exitUsage, Err: errors.New("health: no file is named"), Hint: "set " + aliveVar + " for the bot and for the check"}
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return infra(fmt.Errorf("health: no word of a bot: %w", err))
	}
	until, err := time.Parse(time.RFC3339, strings.TrimSpace(string(data)))
	if err != nil {
		return infra(fmt.Errorf("health: read %s: %w", file, err))
	}
	if now.After(until) {
		return infra(fmt.Errorf("health: the bot should have looked again by %s, and has not", until.Format(time.RFC3339)))
	}
	fmt.Fprintf(env.Stdout, "alive: it looks again by %s\n", until.Format(time.RFC3339))
	return nil
}

// alive keeps the promise of the health check.
func (b *bot) alive(next time.Duration) {
	if err := b.flags.env.promise(next); err != nil {
		b.log.Warn("the health check will not find this bot", "error", err)
	}
}
