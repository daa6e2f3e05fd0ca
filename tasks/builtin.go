package tasks

import (
	"context"
	"fmt"
)

// Builtins is the table of the tasks that this program itself can do, by name. A file of the same name in a served
// repository goes before it.
func Builtins() []Task {
	return []Task{
		{
			Name:   "example-task",
			Header: Header{Doc: "print what a task finds, to see that the bots listen", On: []Event{{Kind: Request}}, Timeout: DefaultTimeout},
			Params: []Param{{Name: "WORD", Doc: "words to print", Example: "hello", Many: true}},
			Run:    exampleTask,
		},
		knownPrune(),
		depsRefresh(),
		{
			Name:   "logs-prune",
			Header: Header{Doc: "delete logs that are older than fleet.toml says", On: []Event{{Kind: Request}}, Timeout: DefaultTimeout},
			Run:    logsPrune,
		},
	}
}

// exampleTask prints its arguments and its environment.
func exampleTask(ctx context.Context, env *Env, args []string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	line := env.Job.Line()
	if _, err := fmt.Fprintf(env.Output, "%s\n%s\n", line.String(), QuoteWords(args)); err != nil {
		return fmt.Errorf("print words: %w", err)
	}
	for _, v := range env.Vars {
		if _, err := fmt.Fprintln(env.Output, v); err != nil {
			return fmt.Errorf("print environment: %w", err)
		}
	}
	return nil
}

// logsPrune deletes old logs: the chore that keeps a store from growing without end.
func logsPrune(ctx context.Context, env *Env, _ []string) error {
	if env.Prune == nil {
		return Fail("logs-prune is done by bots; by hand it is: cyborg publish prune")
	}
	text, err := env.Prune(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(env.Output, text)
	return err
}
