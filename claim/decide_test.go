package claim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var epoch = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

// logOf reads a log for tests: on each line the time after epoch, the state (p, s, f, e), the text, and the creator after a "/", "cyborg" if
// there is none. Ids count from 1.
func logOf(t testing.TB, text string) []Mark {
	t.Helper()
	var marks []Mark
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		at, err := time.ParseDuration(f[0])
		state := map[string]string{"p": "pending", "s": "success", "f": "failure", "e": "error"}[f[1]]
		if err != nil || state == "" {
			t.Fatalf("bad line in test: %q", line)
		}
		said, creator, ok := strings.Cut(strings.Join(f[2:], " "), " /")
		m := ParseStatusText(state, said)
		m.ID, m.At, m.Creator = int64(len(marks)+1), epoch.Add(at), "cyborg"
		if ok {
			m.Creator = creator
		}
		marks = append(marks, m)
	}
	return marks
}

type decideRow struct {
	name, log string
	now       time.Duration
	want      string // state, owner's or result's nonce or words, attempt.try, and "repair" if it needs that
	policy    func(*Policy)
}

var decideRows = []decideRow{
	{name: "nothing", want: "free - 1.0"},
	{name: "announced", log: "0s p Not yet tested: waiting for a bot", want: "free - 1.0"},
	{name: "asked for", log: "0s p Not yet tested", want: "free - 1.0"},
	{name: "#L3 asked for by all bots at once", log: `
		0s p Not yet tested
		0s p Not yet tested
		1s p Not yet tested`, want: "free - 1.0"},
	{name: "claimed", log: "0s p Testing in progress [a] aaaaaaaa 30m", now: time.Minute, want: "held aaaaaaaa 1.1"},
	{name: "expired, but within the difference of clocks", log: "0s p Testing in progress [a] aaaaaaaa 30m", now: 31 * time.Minute, want: "held aaaaaaaa 1.1"},
	{name: "#L8 expired", log: "0s p Testing in progress [a] aaaaaaaa 30m", now: 31*time.Minute + time.Second, want: "free - 1.1"},
	{name: "the record's lease counts, not ours", log: "0s p Testing in progress [a] aaaaaaaa 10m", now: 11*time.Minute + time.Second, want: "free - 1.1"},
	{name: "#L5 racers: the lowest id has it", log: `
		0s p Testing in progress [a] aaaaaaaa 30m
		0s p Testing in progress [b] bbbbbbbb 30m
		1s p Testing in progress [c] cccccccc 30m`, want: "held aaaaaaaa 1.1 +b +c"},
	{name: "a claim posted twice is one", log: `
		0s p Testing in progress [a] aaaaaaaa 30m
		9m p Testing in progress [a] aaaaaaaa 30m`, now: 31*time.Minute + time.Second, want: "free - 1.1"},
	{name: "beat", log: `
		0s p Testing in progress [a] aaaaaaaa 30m
		10m p Testing in progress [a] aaaaaaaa 30m +10m`, now: 40 * time.Minute, want: "held aaaaaaaa 1.1"},
	{name: "beat that came too late", log: `
		0s p Testing in progress [a] aaaaaaaa 30m
		30m1s p Testing in progress [a] aaaaaaaa 30m +30m`, now: 32 * time.Minute, want: "free - 1.1"},
	{name: "beat of a racer", log: `
		0s p Testing in progress [a] aaaaaaaa 30m
		1s p Testing in progress [b] bbbbbbbb 30m
		10m p Testing in progress [b] bbbbbbbb 30m +10m`, now: 32 * time.Minute, want: "free - 1.1 +b"},
	{name: "taken over", log: `
		0s p Testing in progress [a] aaaaaaaa 30m
		31m1s p Testing in progress [b] bbbbbbbb 30m`, now: 32 * time.Minute, want: "held bbbbbbbb 1.2"},
	{name: "taken over a second too early", log: `
		0s p Testing in progress [a] aaaaaaaa 30m
		31m p Testing in progress [b] bbbbbbbb 30m`, now: 31 * time.Minute, want: "held aaaaaaaa 1.1 +b"},
	{name: "beat after the takeover", log: `
		0s p Testing in progress [a] aaaaaaaa 30m
		31m1s p Testing in progress [b] bbbbbbbb 30m
		31m2s p Testing in progress [a] aaaaaaaa 30m +31m`, now: 32 * time.Minute, want: "held bbbbbbbb 1.2"},
	{name: "done", log: `
		0s p Testing in progress [a] aaaaaaaa 30m
		5m s Tests passed [a] aaaaaaaa`, want: "done aaaaaaaa 1.1"},
	{name: "result of an owner that has expired, but nobody took over", log: `
		0s p Testing in progress [a] aaaaaaaa 30m
		50m s Tests passed [a] aaaaaaaa`, want: "done aaaaaaaa 1.1"},
	{name: "the fence: a result of an older generation", log: `
		0s p Testing in progress [a] aaaaaaaa 30m
		31m1s p Testing in progress [b] bbbbbbbb 30m
		32m s Tests passed [a] aaaaaaaa`, now: 33 * time.Minute, want: "held bbbbbbbb 1.2 repair"},
	{name: "late result after the effective one", log: `
		0s p Testing in progress [a] aaaaaaaa 30m
		31m1s p Testing in progress [b] bbbbbbbb 30m
		40m f 1 test failed [b] bbbbbbbb
		41m s Tests passed [a] aaaaaaaa`, want: "done bbbbbbbb 1.2 repair"},
	{name: "repaired", log: `
		0s p Testing in progress [a] aaaaaaaa 30m
		31m1s p Testing in progress [b] bbbbbbbb 30m
		40m f 1 test failed [b] bbbbbbbb
		41m s Tests passed [a] aaaaaaaa
		42m f 1 test failed [b] bbbbbbbb`, want: "done bbbbbbbb 1.2"},
	{name: "beat after the result", log: `
		0s p Testing in progress [a] aaaaaaaa 30m
		5m s Tests passed [a] aaaaaaaa
		6m p Testing in progress [a] aaaaaaaa 30m +5m`, want: "done aaaaaaaa 1.1 repair"},
	{name: "claim after the result", log: `
		0s p Testing in progress [a] aaaaaaaa 30m
		5m s Tests passed [a] aaaaaaaa
		2h p Testing in progress [b] bbbbbbbb 30m`, now: 3 * time.Hour, want: "done aaaaaaaa 1.1 repair"},
	{name: "a racer's result comes first", log: `
		0s p Testing in progress [a] aaaaaaaa 30m
		0s p Testing in progress [b] bbbbbbbb 30m
		5m s Tests passed [b] bbbbbbbb
		6m f 1 test failed [a] aaaaaaaa`, want: "done bbbbbbbb 1.1 +b repair"},
	{name: "a racer's result of a job with side effects", log: `
		0s p Testing in progress [a] aaaaaaaa 30m
		0s p Testing in progress [b] bbbbbbbb 30m
		5m s Tests passed [b] bbbbbbbb
		6m f 1 test failed [a] aaaaaaaa`, want: "done aaaaaaaa 1.1 +b", policy: func(p *Policy) { p.Racers = false }},
	{name: "phantom: a result without a claim", log: "0s s Tests passed [a] aaaaaaaa", want: "free - 1.0 repair"},
	{name: "released", log: `
		0s p Testing in progress [a] aaaaaaaa 30m
		1s p Not yet tested (released) aaaaaaaa`, want: "free - 1.1"},
	{name: "released, and taken by another", log: `
		0s p Testing in progress [a] aaaaaaaa 30m
		1s p Not yet tested (released) aaaaaaaa
		2s p Testing in progress [b] bbbbbbbb 30m`, want: "held bbbbbbbb 1.2"},
	{name: "released with another nonce", log: `
		0s p Testing in progress [a] aaaaaaaa 30m
		1s p Not yet tested (released) bbbbbbbb`, want: "held aaaaaaaa 1.1"},
	{name: "released before it was there", log: `
		1s p Not yet tested (released) aaaaaaaa
		2s p Testing in progress [a] aaaaaaaa 30m`, want: "free - 1.0"},
	{name: "result after the release", log: `
		0s p Testing in progress [a] aaaaaaaa 30m
		1s p Not yet tested (released) aaaaaaaa
		2s s Tests passed [a] aaaaaaaa`, want: "free - 1.1 repair"},
	{name: "a racer that released has no result", log: `
		0s p Testing in progress [a] aaaaaaaa 30m
		0s p Testing in progress [b] bbbbbbbb 30m
		1s p Not yet tested (released) bbbbbbbb
		2s s Tests passed [b] bbbbbbbb`, want: "held aaaaaaaa 1.1 repair"},
	{name: "a person asks again while it runs", log: `
		0s p Testing in progress [a] aaaaaaaa 30m
		1m p Not yet tested (direct trigger) /stef
		2m s Tests passed [a] aaaaaaaa`, now: 2 * time.Minute, want: "free - 2.0 repair"},
	{name: "a person asks again after the result", log: `
		0s p Testing in progress [a] aaaaaaaa 30m
		1m f 1 test failed [a] aaaaaaaa
		2m p Not yet tested /stef
		3m p Testing in progress [b] bbbbbbbb 30m`, now: 3 * time.Minute, want: "held bbbbbbbb 2.1"},
	{name: "a note does not stop a run", log: `
		0s p Testing in progress [a] aaaaaaaa 30m
		1m p Not yet tested: needs kvm, 0 of 3 bots have it`, now: 2 * time.Minute, want: "held aaaaaaaa 1.1"},
	{name: "a note that came late does not ask again", log: `
		0s p Testing in progress [a] aaaaaaaa 30m
		1m s Tests passed [a] aaaaaaaa
		2m p Not yet tested: waiting for a bot`, want: "done aaaaaaaa 1.1 repair"},
	{name: "#2017 bot runs", log: "0s p Testing in progress [host]", now: 110 * time.Minute, want: "held host 1.1"},
	{name: "#2017 bot is gone", log: "0s p Testing in progress [host]", now: 122 * time.Minute, want: "free - 1.1"},
	{name: "#2017 bot says it again", log: `
		0s p Testing in progress [host]
		1h p Testing in progress [host]`, now: 150 * time.Minute, want: "held host 1.1"},
	{name: "#2017 bot's result", log: `
		0s p Testing in progress [host]
		1h s Tests passed`, want: "done Tests passed 1.1"},
	{name: "#2017 bot vanished", log: `
		0s p Testing in progress [host]
		1h e Aborted without status`, now: time.Hour, want: "free - 1.1"},
	{name: "a newer version's claim and beats", log: `
		0s p Testing in progress [a] aaaaaaaa 30m v2
		1h p Testing in progress [a] aaaaaaaa 30m +1h v2
		2h p Testing in progress [b] bbbbbbbb 30m`, now: 2 * time.Hour, want: "held a 1.1 +b"},
	{name: "a person decides over a bot's result", log: `
		0s p Testing in progress [a] aaaaaaaa 30m
		1m f 1 test failed [a] aaaaaaaa
		2m s known flake, see 4711 /stef`, want: "done known flake, see 4711 2.0"},
	{name: "a person decides while a bot runs", log: `
		0s p Testing in progress [a] aaaaaaaa 30m
		1m s not needed /stef
		2m f 1 test failed [a] aaaaaaaa`, want: "done not needed 2.0 repair"},
	{name: "a person's words stay", log: `
		0s p Testing in progress [a] aaaaaaaa 30m
		1m s Tests passed [a] aaaaaaaa
		2m p wait for my review /stef`, want: "done aaaaaaaa 1.1"},
	{name: "strangers do not count", log: `
		0s p Testing in progress [x] xxxxxxxx 30m /stranger
		1s p Testing in progress [a] aaaaaaaa 30m
		1m s Tests passed [a] aaaaaaaa /stranger
		2m p Not yet tested /stranger`, now: time.Minute, want: "held aaaaaaaa 1.1",
		policy: func(p *Policy) { p.Allowed = func(c string) bool { return c == "cyborg" } }},
	{name: "a stranger's result is painted over", log: `
		0s p Testing in progress [a] aaaaaaaa 30m
		1m f 1 test failed [a] aaaaaaaa
		2m s Tests passed [a] aaaaaaaa /stranger`, want: "done aaaaaaaa 1.1 repair",
		policy: func(p *Policy) { p.Allowed = func(c string) bool { return c == "cyborg" } }},
	{name: "given up", log: `
		0s p Testing in progress [a] aaaaaaaa 30m
		1s p Not yet tested (released) aaaaaaaa
		2s p Testing in progress [b] bbbbbbbb 30m
		3s p Not yet tested (released) bbbbbbbb`, want: "dead - 1.2 repair", policy: func(p *Policy) { p.Tries = 2 }},
	{name: "given up, and asked again", log: `
		0s p Testing in progress [a] aaaaaaaa 30m
		1s p Not yet tested (released) aaaaaaaa
		2s p Testing in progress [b] bbbbbbbb 30m
		3s p Not yet tested (released) bbbbbbbb
		4s p Not yet tested (direct trigger)`, want: "free - 2.0", policy: func(p *Policy) { p.Tries = 2 }},
}

// summary says what matters of a verdict, as the rows do.
func summary(v Verdict) string {
	who := "-"
	switch v.State {
	case Held:
		who = v.Owner.Nonce
		if who == "" {
			who = v.Owner.Name
		}
	case Done:
		who = v.Result.Nonce
		if who == "" {
			who = v.Result.Human
		}
	case Free, Dead:
	}
	s := fmt.Sprintf("%s %s %d.%d", v.State, who, v.Attempt, v.Tries)
	for _, r := range v.Racers {
		s += " +" + r.Name
	}
	if v.NeedsRepair() {
		s += " repair"
	}
	return s
}

func (r decideRow) decide(marks []Mark) Verdict {
	p := Policy{Racers: true}
	if r.policy != nil {
		r.policy(&p)
	}
	return Decide(marks, epoch.Add(r.now), p)
}

func TestDecide(t *testing.T) {
	for _, tt := range decideRows {
		t.Run(tt.name, func(t *testing.T) {
			v := tt.decide(logOf(t, tt.log))
			if got := summary(v); got != tt.want {
				t.Errorf("got  %s\nwant %s\nwhy  %s", got, tt.want, v.Why())
			}
			if v.Why() == "" || strings.ContainsAny(v.Why(), "\n\x00") {
				t.Errorf("Why() = %q", v.Why())
			}
		})
	}
}

// TestDecideIgnoresOrder: the log is a set. Its order in memory, and marks that were read twice, change nothing.
func TestDecideIgnoresOrder(t *testing.T) {
	for _, tt := range decideRows {
		marks := logOf(t, tt.log)
		want := tt.decide(marks)
		for seed := range uint64(50) {
			r := rand.New(rand.NewPCG(seed, 1))
			mixed := slices.Clone(marks)
			for range r.IntN(3) {
				mixed = append(mixed, marks[:min(len(marks), r.IntN(4))]...)
			}
			r.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
			before := slices.Clone(mixed)
			if d := cmp.Diff(want, tt.decide(mixed)); d != "" {
				t.Fatalf("%s, seed %d (-in order +mixed):\n%s", tt.name, seed, d)
			}
			if d := cmp.Diff(before, mixed); d != "" {
				t.Fatalf("%s: Decide changed its argument:\n%s", tt.name, d)
			}
		}
	}
}

// TestDecideAfterRepair: a repair changes what people see, and nothing else, and once is enough.
func TestDecideAfterRepair(t *testing.T) {
	repairs := 0
	for _, tt := range decideRows {
		marks := logOf(t, tt.log)
		v := tt.decide(marks)
		m, needed := v.Repair()
		if !needed {
			continue
		}
		repairs++
		text := FormatStatusText(m)
		again := ParseStatusText(m.State, text)
		again.ID, again.At, again.URL, again.Creator = int64(len(marks)+1), epoch.Add(tt.now), m.URL, "cyborg"
		after := tt.decide(append(marks, again))
		if after.NeedsRepair() || after.State != v.State || after.Owner.ID != v.Owner.ID || after.Result.ID != v.Result.ID || after.Attempt != v.Attempt {
			t.Errorf("%s: repaired with %q: %s, was %s", tt.name, text, summary(after), summary(v))
		}
	}
	if repairs < 5 {
		t.Errorf("only %d rows need a repair", repairs)
	}
}

func TestCeiling(t *testing.T) {
	claim := "0s p Testing in progress [a] aaaaaaaa 30m\n"
	tests := []struct {
		log  string
		want State
		why  string
	}{
		{strings.Repeat("0s p words\n", 979), Free, "nobody"},
		{strings.Repeat("0s p words\n", 980), Dead, "980 of GitHub's 1000"},
		{claim + strings.Repeat("0s p words\n", 990), Held, "held by a"},
		{claim + strings.Repeat("0s p words\n", 990) + "1m s Tests passed [a] aaaaaaaa", Done, "Tests passed"},
	}
	for _, tt := range tests {
		v := Decide(logOf(t, tt.log), epoch, DefaultPolicy())
		if v.State != tt.want || !strings.Contains(v.Why(), tt.why) {
			t.Errorf("%d records: %s (%s), want %s", v.Count, v.State, v.Why(), tt.want)
		}
	}
}

func TestTimingsOfTheLease(t *testing.T) {
	for _, lease := range []time.Duration{minLease, 500 * time.Millisecond, 10 * time.Second, 10 * time.Minute, DefaultLease, ForeignLease, maxLease} {
		// Created times are whole seconds, so an owner's lease may look up to a second shorter than it is.
		if stop, open := StopAfter(lease), lease+Epsilon(lease)-time.Second; stop > open {
			t.Errorf("lease %s: the owner stops after %s, and others may start after %s", lease, stop, open)
		}
		if BeatEvery(lease)*2 >= StopAfter(lease) {
			t.Errorf("lease %s: no second chance for a beat", lease)
		}
	}
	if StopAfter(DefaultLease) != 27*time.Minute || BeatEvery(DefaultLease) != 10*time.Minute || Epsilon(DefaultLease) != time.Minute {
		t.Error("the timings of the default lease are not those of the design")
	}
}

// FuzzDecide builds logs of any records and checks what holds for all of them.
func FuzzDecide(f *testing.F) {
	f.Add([]byte{0, 0, 1, 6, 2, 12, 3, 18})
	f.Add([]byte{0, 0, 40, 1, 1, 14, 2, 6, 3, 13})
	f.Fuzz(func(t *testing.T, data []byte) {
		marks := randomLog(data)
		p := Policy{Racers: len(data)%2 == 0}
		var before Verdict
		for n := range len(marks) + 1 {
			now := epoch
			if n > 0 {
				now = marks[n-1].At
			}
			v := Decide(marks[:n], now, p)
			checkVerdict(t, marks[:n], v)
			if n > 0 && before.State == Done && v.State == Done && before.Attempt == v.Attempt && before.Result.ID != v.Result.ID {
				t.Fatalf("record %d changed the result of attempt %d from %d to %d", n, v.Attempt, before.Result.ID, v.Result.ID)
			}
			before = v
		}
	})
}

// randomLog makes two bytes into a record: what, and how much later than the last.
func randomLog(data []byte) []Mark {
	texts := []struct{ state, text string }{
		{"pending", "Testing in progress [a] aaaaaaaa 10s"}, {"pending", "Testing in progress [b] bbbbbbbb 10s"},
		{"pending", "Testing in progress [c] cccccccc 1m"}, {"pending", "Testing in progress [a] aaaaaaaa 10s +3s"},
		{"pending", "Testing in progress [b] bbbbbbbb 10s +3s"}, {"success", "Tests passed [a] aaaaaaaa"},
		{"failure", "1 test failed [b] bbbbbbbb"}, {"error", "Broken [c] cccccccc"}, {"pending", "Not yet tested (released) aaaaaaaa"},
		{"pending", "Not yet tested (released) bbbbbbbb"}, {"pending", "Not yet tested"}, {"pending", "Not yet tested: waiting"},
		{"pending", "Testing in progress [host]"}, {"success", "Tests passed"}, {"pending", "words"}, {"error", "Aborted without status"},
	}
	var marks []Mark
	at := epoch
	for i := 0; i+1 < len(data) && len(marks) < 40; i += 2 {
		at = at.Add(time.Duration(data[i+1]%16) * time.Second)
		x := texts[int(data[i])%len(texts)]
		m := ParseStatusText(x.state, x.text)
		m.ID, m.At = int64(len(marks)+1), at
		marks = append(marks, m)
	}
	return marks
}

// checkVerdict checks I1, I4 and what a verdict promises by itself.
func checkVerdict(t *testing.T, marks []Mark, v Verdict) {
	t.Helper()
	claimed := func(nonce string) bool {
		return slices.ContainsFunc(marks, func(m Mark) bool { return m.Kind == KindClaim && m.Nonce == nonce })
	}
	switch v.State {
	case Done:
		if v.Result.Kind != KindResult || v.Result.Nonce != "" && !claimed(v.Result.Nonce) {
			t.Fatalf("phantom result %+v", v.Result)
		}
	case Held:
		if v.Owner.Kind != KindClaim || !claimed(v.Owner.Nonce) || v.Until.Before(v.Owner.At) {
			t.Fatalf("held by %+v until %s", v.Owner, v.Until)
		}
		for _, r := range v.Racers {
			if r.ID <= v.Owner.ID {
				t.Fatalf("racer %d has a lower id than the owner %d", r.ID, v.Owner.ID)
			}
		}
	case Free, Dead:
		if v.Result.Kind == KindResult {
			t.Fatalf("%s with a result", v.State)
		}
	}
	if v.Attempt < 1 || v.Count != len(marks) {
		t.Fatalf("attempt %d, %d of %d records", v.Attempt, v.Count, len(marks))
	}
}
