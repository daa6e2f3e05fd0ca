package selftest

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// fixed is a probe with a ready answer.
func fixed(name string, f Finding) Probe {
	return Probe{Name: name, Hint: "hint of " + name, Check: func(context.Context) (Finding, error) { return f, nil }}
}

func TestExamine(t *testing.T) {
	needed := fixed("logs", Finding{Text: "full", Capabilities: []string{"never"}})
	needed.Needed = true
	probes := []Probe{
		fixed("memory", Finding{OK: true, Text: "24 GB", Capabilities: []string{"memory=24G"}}),
		fixed("kvm", Finding{OK: true, Text: "runs", Capabilities: []string{"vm", "kvm"}}),
		fixed("twice", Finding{OK: true, Text: "also", Hint: "all the same", Capabilities: []string{"vm"}}),
		needed,
		{Name: "token", Hint: "check it", Check: func(context.Context) (Finding, error) { return Finding{}, errors.New("401\x1b[2J\nBad credentials") }},
		{Name: "crash", Check: func(context.Context) (Finding, error) { panic("nil map") }},
	}
	got := Examine(t.Context(), probes)
	for i := range got.Probes {
		got.Probes[i].MS = 0
	}
	want := Report{
		Probes: []Result{
			{Name: "memory", OK: true, Finding: "24 GB", Capabilities: []string{"memory=24G"}},
			{Name: "kvm", OK: true, Finding: "runs", Capabilities: []string{"vm", "kvm"}},
			{Name: "twice", OK: true, Finding: "also", Hint: "all the same", Capabilities: []string{"vm"}},
			{Name: "logs", Finding: "full", Hint: "hint of logs", Needed: true},
			{Name: "token", Finding: "401 [2J Bad credentials", Hint: "check it"},
			{Name: "crash", Finding: "the probe crashed: nil map", Hint: "this is a mistake in cyborg; please report it"},
		},
		Capabilities: []string{"kvm", "memory=24G", "vm"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	if got.CanRun() {
		t.Error("a bot without logs can run")
	}
	if !(Report{Probes: got.Probes[:3]}).CanRun() {
		t.Error("a bot that lacks nothing cannot run")
	}
	var table strings.Builder
	if err := (Report{Probes: got.Probes[:4], Capabilities: got.Capabilities}).WriteTable(&table); err != nil {
		t.Fatal(err)
	}
	const wantTable = `memory  yes  24 GB
kvm     yes  runs
twice   yes  also
             hint: all the same
logs    no   full
             hint: hint of logs

This bot has: kvm memory=24G vm
It cannot run without: logs
`
	if diff := cmp.Diff(wantTable, table.String()); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}

func TestJSON(t *testing.T) {
	needed := fixed("git", Finding{OK: true, Text: "2.39", Capabilities: []string{"host"}})
	needed.Needed = true
	r := Examine(t.Context(), []Probe{fixed("kvm", Finding{Text: "no"}), needed})
	r.Probes[0].MS, r.Probes[1].MS = 12, 0
	got, err := json.Marshal(r)
	const want = `{"probes":[{"name":"kvm","ok":false,"finding":"no","hint":"hint of kvm","ms":12},` +
		`{"name":"git","ok":true,"finding":"2.39","hint":"","ms":0}],"capabilities":["host"]}`
	if err != nil || string(got) != want {
		t.Errorf("got  %s, %v\nwant %s", got, err, want)
	}
}

// All probes together take no longer than the longest, and none holds up the
// report.
func TestTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		slow := func(d time.Duration) func(context.Context) (Finding, error) {
			return func(ctx context.Context) (Finding, error) {
				select {
				case <-time.After(d):
					return Finding{OK: true, Text: "slow"}, nil
				case <-ctx.Done():
					return Finding{}, ctx.Err()
				}
			}
		}
		begin := time.Now()
		r := Examine(t.Context(), []Probe{
			{Name: "slow", Check: slow(9 * time.Second)},
			{Name: "also", Check: slow(8 * time.Second)},
			{Name: "late", Check: slow(time.Hour), Timeout: 5 * time.Second},
			{Name: "deaf", Timeout: 10 * time.Second, Check: func(context.Context) (Finding, error) {
				<-release
				return Finding{OK: true, Capabilities: []string{"too late"}}, nil
			}},
		})
		if took := time.Since(begin); took != 11*time.Second {
			t.Errorf("took %v, want 11s", took)
		}
		close(release)
		want := []Result{
			{Name: "slow", OK: true, Finding: "slow", MS: 9000},
			{Name: "also", OK: true, Finding: "slow", MS: 8000},
			{Name: "late", Finding: "no answer after 5s", MS: 5000},
			{Name: "deaf", Finding: "no answer after 10s", MS: 11000},
		}
		if diff := cmp.Diff(want, r.Probes); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if len(r.Capabilities) != 0 {
			t.Errorf("capabilities %q", r.Capabilities)
		}
	})
}

func TestCanceled(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("the bot is stopping"))
	r := Examine(ctx, []Probe{{Name: "x", Check: func(ctx context.Context) (Finding, error) {
		<-ctx.Done()
		return Finding{}, ctx.Err()
	}}})
	if got := r.Probes[0].Finding; got != "the bot is stopping" {
		t.Errorf("finding %q", got)
	}
}

// What is asked again before a claim is quickly asked; what the others found stays.
func TestAgain(t *testing.T) {
	asked := map[string]int{}
	fills := func(name string, cheap bool) Probe {
		return Probe{Name: name, Cheap: cheap, Check: func(context.Context) (Finding, error) {
			asked[name]++
			return Finding{OK: asked[name] == 1, Text: "as asked", Capabilities: []string{name}}, nil
		}}
	}
	probes := []Probe{fills("disk", true), fills("kvm", false)}
	first := Examine(t.Context(), probes[:1])
	first.Probes = append(first.Probes, Examine(t.Context(), probes[1:]).Probes...) // one after the other, for the counts
	second := first.Again(t.Context(), probes)
	if diff := cmp.Diff([]string{"kvm"}, second.Capabilities); diff != "" || asked["disk"] != 2 || asked["kvm"] != 1 {
		t.Errorf("asked %v, capabilities (-want +got):\n%s", asked, diff)
	}
	if !first.Probes[0].OK || second.Probes[0].OK || !second.Probes[1].OK {
		t.Errorf("before %+v, after %+v", first.Probes, second.Probes)
	}
	all := Standard(Given{State: t.TempDir(), GitHub: &github{}, Repos: []string{"acme/widget"}, Logs: memory{}, Where: "logs",
		Networks: map[string]string{"lab": "localhost:1"}, Secrets: func() (map[string]string, error) { return nil, nil }})
	var cheap []string
	for _, p := range append(all, Machines(nil)) {
		if p.Doc == "" || p.Check == nil {
			t.Errorf("probe %s lacks something", p.Name)
		}
		if p.Cheap {
			cheap = append(cheap, p.Name)
		}
	}
	if diff := cmp.Diff([]string{"disk", "network", "vm"}, cheap); diff != "" {
		t.Errorf("cheap probes (-want +got):\n%s", diff)
	}
}

func FuzzLine(f *testing.F) {
	f.Add("plain")
	f.Add("\x1b]0;evil\x07\r\n\u009b31m")
	f.Add("\xff\xfe")
	f.Fuzz(func(t *testing.T, text string) {
		got := line(text)
		if strings.ContainsFunc(got, func(r rune) bool { return r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 }) || len([]rune(got)) > 501 {
			t.Errorf("%q gives %q", text, got)
		}
	})
}
