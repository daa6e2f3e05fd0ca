package agent

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestParseCommands(t *testing.T) {
	long := strings.Repeat("x", maxCommandLine)
	for name, row := range map[string]struct {
		body string
		want []command
	}{
		"alone":               {"/retest", []command{{Name: "retest", Line: "/retest"}}},
		"in a text":           {"I think it is fine now.\r\n\r\n/retest failed\r\nThanks!", []command{{Name: "retest", Args: []string{"failed"}, Line: "/retest failed"}}},
		"several":             {"/cancel\n/retest verify/debian-13", []command{{Name: "cancel", Line: "/cancel"}, {Name: "retest", Args: []string{"verify/debian-13"}, Line: "/retest verify/debian-13"}}},
		"case and blanks":     {"  /ReTest \t failed  ", []command{{Name: "retest", Args: []string{"failed"}, Line: "/ReTest \t failed"}}},
		"words of a shell":    {`/run po-refresh 'two words' '$(rm -rf /)'`, []command{{Name: "run", Args: []string{"po-refresh", "two words", "$(rm -rf /)"}, Line: `/run po-refresh 'two words' '$(rm -rf /)'`}}},
		"in a sentence":       {"Do not /cancel this.", nil},
		"quoted":              {"> /cancel\nno", nil},
		"a path":              {"/usr/bin/env is missing\n/ \n//cancel\n/2nd", nil},
		"in a code block":     {"```\n/cancel\n```\n    /cancel\n\t/cancel\n", nil},
		"in an HTML comment":  {"<!--\n/cancel\n-->", nil},
		"behind a code block": {"~~~\n/cancel\n~~~\n/retest", []command{{Name: "retest", Line: "/retest"}}},
		"too long":            {"/run " + long, nil},
		"too many":            {strings.Repeat("/retest\n", 99), slicesOf(command{Name: "retest", Line: "/retest"}, maxCommands)},
	} {
		if diff := cmp.Diff(row.want, parseCommands(row.body)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if list := parseCommands("/run po-refresh 'open"); len(list) != 1 || list[0].Err == nil {
		t.Errorf("a quote without its end: %v", list)
	}
}

func slicesOf(c command, n int) []command {
	var list []command
	for range n {
		list = append(list, c)
	}
	return list
}

// FuzzParseCommands: whatever people write, what is found is short, on one line, and begins with a slash.
func FuzzParseCommands(f *testing.F) {
	for _, seed := range []string{"/retest", "/run x 'y z'\n> /cancel", "```\n/a\n```", "<!-- /a", "/a\x00b", "/\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		list := parseCommands(body)
		if len(list) > maxCommands {
			t.Fatalf("%d commands", len(list))
		}
		for _, c := range list {
			if !strings.HasPrefix(c.Line, "/") || len(c.Line) > maxCommandLine || strings.ContainsAny(c.Line, "\n") || c.Name == "" || c.Name != strings.ToLower(c.Name) {
				t.Errorf("%q", c)
			}
			for _, w := range c.Args {
				if strings.Contains(w, "\n") || utf8.ValidString(body) && !utf8.ValidString(w) {
					t.Errorf("%q", c)
				}
			}
			if c.Err != nil && c.Args != nil {
				t.Errorf("words in spite of %v: %q", c.Err, c.Args)
			}
		}
	})
}
