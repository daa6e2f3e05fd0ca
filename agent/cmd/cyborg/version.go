package main

import (
	"context"
	"flag"
	"fmt"
	"runtime"
)

func versionCommand() command {
	return command{
		Name: "version", Short: "say which version this is",
		Exits: []exitStatus{{exitDone, "it was said"}, {exitUsage, "the command line is wrong"}},
		New: func(_ *flag.FlagSet, env *environment) func(context.Context, []string) error {
			return func(context.Context, []string) error {
				fmt.Fprintf(env.Stdout, "cyborg %s (%s %s/%s)\n", buildVersion(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
				return nil
			}
		},
	}
}
