package agent

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyborg-bots/cyborg/claim/hub"
	"github.com/cyborg-bots/cyborg/tasks"
)

// TestPlanTips: what pushes to branches ask for, behind the pull requests.
func TestPlanTips(t *testing.T) {
	const sha = "000000000000000000000000000000000000000a"
	at1 := func(name string, statuses ...hub.Status) tip { return tip{hub.Branch{Name: name, SHA: sha}, statuses} }
	head := open(1)
	head.HeadSHA = sha
	for _, row := range []struct {
		name   string
		header string
		tips   []tip
		pulls  []hub.Pull
		want   []string
	}{
		{"a push", "on: push main\nin: host\n", []tip{at1("main")}, nil, []string{"acme/widget@main verify ready 7 push to main"}},
		{"another branch", "on: push stable-*\nin: host\n", []tip{at1("main")}, nil, nil},
		{"somebody asked for it", "on: push main\nin: host\n", []tip{at1("main", said("pending", "Not yet tested", 0))}, nil,
			[]string{"acme/widget@main verify ready 7 push to main"}},
		{"done", "on: push main\nin: host\n", []tip{at1("main", said("failure", "1 test failed [a] k7m2q9xa", time.Minute))}, nil,
			[]string{"acme/widget@main verify done 0 done: failure"}},
		{"held", "on: push main\nin: host\n", []tip{at1("main", said("pending", "Testing in progress [a] k7m2q9xa 30m", time.Minute))}, nil,
			[]string{"acme/widget@main verify held 7 push to main"}},
		{"pull requests go first", "on: pull request, push main\nin: host\n", []tip{at1("main")}, []hub.Pull{open(1)},
			[]string{"acme/widget#1 verify ready 10.99999 pull request, older first", "acme/widget@main verify ready 7 push to main"}},
		{"a head that is a tip too", "on: pull request, push main\nin: host\n", []tip{at1("main")}, []hub.Pull{head},
			[]string{"acme/widget#1 verify ready 10.99999 pull request, older first"}},
		{"two branches at one commit", "on: push *\nin: host\n", []tip{at1("a"), at1("b")}, nil, []string{"acme/widget@a verify ready 7 push to a"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			v := view{
				Repo: hub.Repo{Owner: "acme", Name: "widget"}, Snapshot: hub.Snapshot{Pulls: row.pulls, Now: at}, Tips: row.tips,
				Catalogue: catalogue(t, map[string]string{"verify": row.header}), Has: tasks.Capabilities{{Name: "host"}},
			}
			var got []string
			for _, e := range plan(v) {
				got = append(got, strings.TrimSpace(fmt.Sprintf("%s %s %s %v %s %s", e.Where(), e.Context, e.Standing, e.Priority, e.Why, e.Waits)))
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
