package machine

import (
	"fmt"
	"strings"
)

// A BootError is a machine that did not come up: its image is to blame, or a limit that is too tight for this host.
type BootError struct {
	Image   string
	Cause   string // "no answer within 2m0s", "kernel panic: …", "switched itself off"
	Console string // its last lines
}

func (e *BootError) Error() string {
	return fmt.Sprintf("boot %s: %s%s", e.Image, e.Cause, quoteConsole(e.Console))
}

// A CrashError is a machine that died while something ran in it.
type CrashError struct {
	Image   string
	Cause   string // "kernel panic: …", "switched itself off", "no longer answers"
	Console string // its last lines
}

func (e *CrashError) Error() string {
	return fmt.Sprintf("machine %s: %s%s", e.Image, e.Cause, quoteConsole(e.Console))
}

// quoteConsole is the end of a console as the tail of an error.
func quoteConsole(text string) string {
	if text == "" {
		return "; nothing was on its console"
	}
	return "; the console's last lines:\n  " + strings.ReplaceAll(text, "\n", "\n  ")
}
