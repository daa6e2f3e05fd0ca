package agent

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyborg-bots/cyborg/claim/hub"
	"github.com/cyborg-bots/cyborg/publish"
	"github.com/cyborg-bots/cyborg/publish/dir"
	"github.com/cyborg-bots/cyborg/tasks"
)

func TestRoll(t *testing.T) {
	store, err := dir.Open(t.TempDir(), dir.Options{})
	must(t, err)
	t.Cleanup(func() { store.Close() })
	roll := Roll{Store: store}
	for _, p := range []Peer{
		{Name: "a", Capabilities: []string{"host"}, At: at},
		{Name: "b", Capabilities: []string{"host", "vm", "kvm"}, At: at.Add(-2 * time.Hour)},
		{Name: "gone", Capabilities: []string{"host", "kvm"}, At: at.Add(-4 * time.Hour)},
		{Name: "newer", Capabilities: []string{"host", "telepathy"}, At: at},
		{Name: "left", Capabilities: []string{"host", "kvm"}, At: at},
	} {
		must(t, roll.Enter(t.Context(), p))
	}
	must(t, roll.Leave(t.Context(), Peer{Name: "left"}))
	must(t, store.Put(t.Context(), "bots/broken.json", strings.NewReader("{"), publish.Meta{}))
	must(t, store.Put(t.Context(), "bots/liar.json", strings.NewReader(`{"name":"a"}`), publish.Meta{}))
	fleet, err := roll.Read(t.Context(), at)
	must(t, err)
	var got []string
	for _, has := range fleet {
		got = append(got, has.String())
	}
	if diff := cmp.Diff([]string{"host", "host vm kvm", "host"}, got); diff != "" {
		t.Error(diff)
	}
}

// TestNobodyCan: a job that waits says how many bots could take it.
func TestNobodyCan(t *testing.T) {
	bots := func(words ...string) []tasks.Capabilities {
		var fleet []tasks.Capabilities
		for _, w := range words {
			has, err := tasks.ParseCapabilities(strings.Fields(w))
			must(t, err)
			fleet = append(fleet, has)
		}
		return fleet
	}
	for _, row := range []struct {
		name, header, want string
		fleet              []tasks.Capabilities
	}{
		{"nobody", "needs: kvm\n", "needs kvm: 0 of 4 bots", bots("host", "host", "host vm", "host memory=64G")},
		{"one does", "needs: memory=32G\n", "needs memory=32G: 1 of 4 bots", bots("host", "host memory=8G", "host vm", "host memory=64G")},
		{"alone", "needs: kvm\n", "needs kvm", bots("host")},
		{"nothing is known", "needs: memory=32G\n", "needs memory=32G, has 8G", nil},
		{"two things", "needs: kvm memory=32G\n", "needs kvm: 1 of 2 bots, needs memory=32G: 0 of 2 bots", bots("kvm", "memory=8G")},
	} {
		t.Run(row.name, func(t *testing.T) {
			v := view{
				Repo: hub.Repo{Owner: "acme", Name: "widget"}, Snapshot: hub.Snapshot{Pulls: []hub.Pull{open(1)}, Now: at},
				Catalogue: catalogue(t, map[string]string{"verify": "on: pull request\nin: host\n" + row.header}), Trusted: map[string]bool{"ada": true},
				Has: tasks.Capabilities{{Name: "host"}, {Name: "memory", Bytes: 8 << 30}}, Fleet: row.fleet,
			}
			queue := plan(v)
			if len(queue) != 1 || queue[0].Waits != row.want {
				t.Errorf("got %+v, want %q", queue, row.want)
			}
		})
	}
}

// TestFlock: bots of the same repositories find each other's names, in whatever order and case the repositories were named.
func TestFlock(t *testing.T) {
	store, err := dir.Open(t.TempDir(), dir.Options{})
	must(t, err)
	t.Cleanup(func() { store.Close() })
	roll := Roll{Store: store}
	widget, gadget := hub.Repo{Owner: "acme", Name: "widget"}, hub.Repo{Owner: "acme", Name: "gadget"}
	both := flockOf([]hub.Repo{widget, gadget})
	for _, p := range []Peer{
		{Name: "b", Flock: flockOf([]hub.Repo{gadget, {Owner: "ACME", Name: "Widget"}})}, {Name: "a", Flock: both},
		{Name: "other", Flock: flockOf([]hub.Repo{widget})}, {Name: "left", Flock: both}, {Name: "alone"},
	} {
		must(t, roll.Enter(t.Context(), p))
	}
	must(t, roll.Leave(t.Context(), Peer{Name: "left", Flock: both}))
	must(t, store.Put(t.Context(), rollFlocks+both+"/no/name", strings.NewReader(""), publish.Meta{}))
	for _, row := range []struct {
		late time.Duration
		want []string
	}{{0, []string{"a", "b"}}, {flockFor + time.Minute, nil}, {0, []string{"a", "b"}}, {rollForget + time.Hour, nil}, {0, nil}} {
		names, err := roll.Flock(t.Context(), both, time.Now().Add(row.late)) // the last but one look forgets them
		must(t, err)
		if diff := cmp.Diff(row.want, names); diff != "" {
			t.Errorf("%s later: %s", row.late, diff)
		}
	}
	fleet, err := roll.Read(t.Context(), time.Now())
	must(t, err)
	if len(fleet) != 0 {
		t.Errorf("a name was taken for a line: %v", fleet)
	}
}
