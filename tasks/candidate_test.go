package tasks

import (
	"fmt"
	"testing"
)

func TestCutCandidate(t *testing.T) {
	for _, test := range []struct {
		context, what string
		pull          int
	}{
		{"verify@bots#1", "verify", 1}, {"verify/debian-13/firefox@bots#4321", "verify/debian-13/firefox", 4321},
		{"verify", "", 0}, {"@bots#1", "", 0}, {"verify@bots#", "", 0}, {"verify@bots#0", "", 0}, {"verify@bots#01", "", 0},
		{"verify@bots#+1", "", 0}, {"verify@bots#1x", "", 0}, {"verify@bots#99999999999", "", 0}, {"verify@bots#1@bots#2", "", 0},
		{"verify@cats#1", "", 0},
	} {
		if what, pull, ok := CutCandidate(test.context); what != test.what || pull != test.pull || ok != (test.pull > 0) {
			t.Errorf("%s: %q, %d, %v; want %q, %d", test.context, what, pull, ok, test.what, test.pull)
		}
	}
}

func FuzzCutCandidate(f *testing.F) {
	f.Add("verify/debian-13@bots#12")
	f.Fuzz(func(t *testing.T, context string) {
		if what, pull, ok := CutCandidate(context); ok && fmt.Sprintf("%s@bots#%d", what, pull) != context {
			t.Errorf("%q: %q, %d", context, what, pull)
		}
	})
}
