package agent

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cyborg-bots/cyborg/claim/hub"
	"github.com/cyborg-bots/cyborg/tasks"
)

// TestTried: what a context with a candidate waits for, and when it is ready.
func TestTried(t *testing.T) {
	v := view{
		Repo: hub.Repo{Owner: "acme", Name: "widget"}, Trusted: map[string]bool{"grace": true},
		Snapshot: hub.Snapshot{Now: at},
		Has:      tasks.Capabilities{{Name: "host"}},
		Catalogue: catalogue(t, map[string]string{
			"verify":  "on: pull request\nin: host\nwith: browser=firefox chrome\n",
			"machine": "on: pull request\nimage: debian\n",
			"boxed":   "on: pull request\nin: container debian:13\n",
			"huge":    "on: pull request\nin: host\nneeds: memory=900G\n",
			"wish":    "on: request\nin: host\n",
		}),
		Candidates: map[int]candidacy{
			1: {pull: hub.Pull{Number: 1, HeadSHA: strings.Repeat("1", 40)}},
			2: {bad: "acme/cyborg#2 has failed self-check"},
		},
	}
	try := func(candidate hub.Pull, c tasks.Context) tasks.Task {
		task := *c.Task
		task.In, task.Doc = tasks.Place{}, candidate.HeadSHA
		return task
	}
	for _, row := range []struct {
		context string
		blind   bool
		want    string // "ready", what it waits for, or nothing
	}{
		{context: "verify/firefox@bots#1", want: "ready"},
		{context: "verify/firefox@bots#2", want: "acme/cyborg#2 has failed self-check"},
		{context: "verify/firefox@bots#3", want: "nobody knows yet whether #3 is validated"},
		{context: "verify/firefox@bots#1", blind: true, want: "needs a bot that knows the bots' own repository (--bots-repo)"},
		{context: "machine/debian@bots#1", want: "a candidate has no machines and no images, and machine wants one"},
		{context: "boxed@bots#1", want: "a candidate has no machines and no images, and boxed wants one"},
		{context: "huge@bots#1", want: "needs memory=900G"},
		{context: "wish@bots#1"}, {context: "verify@bots#1"}, {context: "verify/opera@bots#1"}, {context: "verify/firefox@bots#"},
		{context: "verify/firefox"},
	} {
		v.Try = try
		if row.blind {
			v.Try = nil
		}
		p := open(1, hub.Status{State: "pending", Context: row.context, Description: "Not yet tested", CreatedAt: at})
		got := ""
		for _, e := range v.tried(p) {
			got += e.Waits
			if e.Silent != (e.Standing == Waiting) {
				t.Errorf("%s: silent %v, though it is %s", row.context, e.Silent, e.Standing)
			}
			if e.Standing == Ready {
				got += string(Ready)
				if e.Taught.Doc != strings.Repeat("1", 40) || e.Place != tasks.OnHost || e.Context != row.context || e.Axes[0].Value != "firefox" {
					t.Errorf("%s: %+v", row.context, e)
				}
			}
		}
		if diff := cmp.Diff(row.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.context, diff)
		}
	}
}
