package agent

import (
	"regexp"
	"strings"

	"github.com/cyborg-bots/cyborg/tasks"
)

// A command is a line of a comment with which somebody asks the bots for something: "/retest failed".
type command struct {
	Name string   // without the slash, in lower case: "retest"
	Args []string // words as in a shell, see tasks.SplitWords
	Line string   // as it was written, without blanks around it
	Err  error    // why its words cannot be read; then Args is nil
}

// What is read of one comment. A longer line is nobody's command, and who writes more of them than that plays.
const (
	maxCommandLine = 1000
	maxCommands    = 10
)

// commandWord is what makes a line a command. "/usr/bin/env" is a path, and "/" a slash.
var commandWord = regexp.MustCompile(`^/([A-Za-z][A-Za-z0-9-]{0,39})(?:[ \t]+(.*))?$`)

// parseCommands finds the commands of a comment: lines that begin with a slash and a word. Quotations, code blocks and
// HTML comments have none. Whether there is such a command, and whether its author may give it, is not asked here.
func parseCommands(body string) []command {
	var list []command
	for line := range tasks.Shown(body) {
		if indented(line) {
			continue // a code block too
		}
		line = strings.TrimSpace(line)
		if len(line) > maxCommandLine || len(list) == maxCommands {
			continue
		}
		found := commandWord.FindStringSubmatch(line)
		if found == nil {
			continue
		}
		c := command{Name: strings.ToLower(found[1]), Line: line}
		if c.Args, c.Err = tasks.SplitWords(found[2]); c.Err != nil {
			c.Args = nil
		}
		list = append(list, c)
	}
	return list
}

// indented tells whether Markdown takes a line for code by its indentation.
func indented(line string) bool {
	return strings.HasPrefix(line, "    ") || strings.HasPrefix(strings.TrimLeft(line, " "), "\t")
}
