package claim

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestParseStatusText(t *testing.T) {
	tests := []struct {
		name, state, text string
		want              Mark
	}{
		{"claim", "pending", "Testing in progress [bot-1] k7m2q9xa 30m",
			Mark{Kind: KindClaim, Human: "Testing in progress", Name: "bot-1", Nonce: "k7m2q9xa", Lease: 30 * time.Minute}},
		{"claim with other words", "pending", "Building [bot-1] k7m2q9xa 10s",
			Mark{Kind: KindClaim, Human: "Building", Name: "bot-1", Nonce: "k7m2q9xa", Lease: 10 * time.Second}},
		{"second claim", "pending", "Testing in progress, try 2 of 20 [bot-1] k7m2q9xa 10s",
			Mark{Kind: KindClaim, Human: trying(2, 20), Name: "bot-1", Nonce: "k7m2q9xa", Lease: 10 * time.Second}},
		{"second claim of any number", "pending", "Testing in progress, try 2 [bot-1] k7m2q9xa 10s",
			Mark{Kind: KindClaim, Human: trying(2, 0), Name: "bot-1", Nonce: "k7m2q9xa", Lease: 10 * time.Second}},
		{"beat", "pending", "Testing in progress [bot-1] k7m2q9xa 1h30m +10m",
			Mark{Kind: KindBeat, Human: "Testing in progress", Name: "bot-1", Nonce: "k7m2q9xa", Lease: 90 * time.Minute, Beat: 10 * time.Minute}},
		{"passed", "success", "Tests passed [bot-1] k7m2q9xa",
			Mark{Kind: KindResult, Human: "Tests passed", Name: "bot-1", Nonce: "k7m2q9xa"}},
		{"failed", "failure", "3 tests failed [bot-1] k7m2q9xa",
			Mark{Kind: KindResult, Human: "3 tests failed", Name: "bot-1", Nonce: "k7m2q9xa"}},
		{"result that speaks like a result", "failure", "failed in [x] aaaaaaaa [bot-1] k7m2q9xa",
			Mark{Kind: KindResult, Human: "failed in [x] aaaaaaaa", Name: "bot-1", Nonce: "k7m2q9xa"}},
		{"release", "pending", "Not yet tested (released) k7m2q9xa", Mark{Kind: KindRelease, Human: released, Nonce: "k7m2q9xa"}},
		{"reset", "pending", "Not yet tested", Mark{Kind: KindReset, Human: "Not yet tested"}},
		{"reset by a person", "pending", "Not yet tested (direct trigger)", Mark{Kind: KindReset, Human: "Not yet tested (direct trigger)"}},
		{"note", "pending", "Not yet tested: needs kvm, 0 of 3 bots have it",
			Mark{Kind: KindNote, Human: "Not yet tested: needs kvm, 0 of 3 bots have it"}},
		{"#2017 claim", "pending", "Testing in progress [fedora-host]",
			Mark{Kind: KindClaim, Human: "Testing in progress [fedora-host]", Name: "fedora-host", Lease: ForeignLease}},
		{"#2024 claim", "pending", "In progress [pod-7]",
			Mark{Kind: KindClaim, Human: "In progress [pod-7]", Name: "pod-7", Lease: ForeignLease}},
		{"what a newer version alone understands", "pending", "Shared out to 3 bots [bot-1] k7m2q9xa half=2",
			Mark{Kind: KindClaim, Name: "bot-1", Lease: ForeignLease, Human: "Shared out to 3 bots [bot-1] k7m2q9xa half=2"}},
		{"a person's words", "pending", "I look at it [soon] thankyou!", Mark{Kind: KindOther, Human: "I look at it [soon] thankyou!"}},
		{"claim of a newer version", "pending", "Testing in progress [bot-1] k7m2q9xa 30m +10m gpu=2",
			Mark{Kind: KindClaim, Human: "Testing in progress [bot-1] k7m2q9xa 30m +10m gpu=2", Name: "bot-1", Lease: ForeignLease}},
		{"claim with an absurd lease", "pending", "Testing in progress [bot-1] k7m2q9xa 9000h",
			Mark{Kind: KindClaim, Human: "Testing in progress [bot-1] k7m2q9xa 9000h", Name: "bot-1", Lease: ForeignLease}},
		{"#2017 result", "success", "Tests passed", Mark{Kind: KindResult, Human: "Tests passed"}},
		{"#2017 bot that vanished", "error", "Aborted without status", Mark{Kind: KindRelease, Human: "Aborted without status"}},
		{"person's words", "pending", "Manual testing required", Mark{Kind: KindOther, Human: "Manual testing required"}},
		{"a word is no nonce", "failure", "Broken [here] released", Mark{Kind: KindResult, Human: "Broken [here] released"}},
		{"nothing", "pending", "", Mark{Kind: KindOther}},
		{"unknown state", "expected", "Tests passed [bot-1] k7m2q9xa", Mark{Kind: KindOther, Human: "Tests passed [bot-1] k7m2q9xa"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.want.State, tt.want.Text = tt.state, tt.text
			got := ParseStatusText(tt.state, tt.text)
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("ParseStatusText (-want +got):\n%s", d)
			}
			if back := FormatStatusText(got); got.Kind != KindOther && back != tt.text {
				t.Errorf("FormatStatusText = %q, want %q", back, tt.text)
			}
		})
	}
}

// TestFormatCutsOnlyTheHumanPart: whatever a task says, the claim can be read.
func TestFormatCutsOnlyTheHumanPart(t *testing.T) {
	words := []string{strings.Repeat("x", 300), strings.Repeat("ä", 300), strings.Repeat("🙂", 300), "a\nb\x00c\xff", strings.Repeat("[a] ", 50)}
	for _, human := range words {
		for _, m := range []Mark{
			{Kind: KindResult, State: "failure"},
			{Kind: KindClaim, State: "pending", Lease: 30 * time.Minute},
			{Kind: KindBeat, State: "pending", Lease: 24 * time.Hour, Beat: 23*time.Hour + 59*time.Minute + 59*time.Second},
		} {
			m.Name, m.Nonce, m.Human = strings.Repeat("n", MaxName), "k7m2q9xa", human
			text := FormatStatusText(m)
			if n := utf8.RuneCountInString(text); n > MaxText || !utf8.ValidString(text) {
				t.Errorf("%q has %d characters, or is not valid", text, n)
			}
			got := ParseStatusText(m.State, text)
			if got.Kind != m.Kind || got.Nonce != m.Nonce || got.Name != m.Name || got.Lease != m.Lease || got.Beat != m.Beat {
				t.Errorf("%q reads as %+v, want %+v", text, got, m)
			}
		}
	}
}

func TestWaitingIsANote(t *testing.T) {
	for _, reason := range []string{"needs kvm, 0 of 3 bots have it", "", "(direct trigger)", strings.Repeat("long ", 100), "[bot] k7m2q9xa 30m"} {
		text := Waiting(reason)
		if got := ParseStatusText("pending", text); got.Kind != KindNote || length(text) > MaxText {
			t.Errorf("Waiting(%q) = %q reads as %v", reason, text, got.Kind)
		}
	}
}

func FuzzStatusText(f *testing.F) {
	f.Add("pending", "Testing in progress [bot-1] k7m2q9xa 30m +10m")
	f.Add("success", "Tests passed [bot-1] k7m2q9xa")
	f.Add("pending", "Not yet tested (released) k7m2q9xa")
	f.Add("pending", "Not yet tested: needs kvm")
	f.Add("pending", "Testing in progress [host]")
	f.Add("error", "Aborted without status")
	f.Add("failure", "[[] [a] aaaaaaaa")
	f.Add("error", "Aborted without\x7fstatus")
	f.Fuzz(func(t *testing.T, state, text string) {
		m := ParseStatusText(state, text)
		if m.Lease < 0 || m.Lease > maxLease || m.Beat < 0 || m.Beat > maxLease {
			t.Errorf("%q: lease %s, beat %s", text, m.Lease, m.Beat)
		}
		if m.Kind == KindClaim && m.Lease == 0 {
			t.Errorf("%q is a claim without a lease", text)
		}
		out := FormatStatusText(m)
		if length(out) > MaxText && validName(m.Name) {
			t.Errorf("%q is too long", out)
		}
		if !validName(m.Name) && m.Name != "" || m.Kind == KindOther {
			return // not written by a bot
		}
		again := ParseStatusText(state, out)
		if again.Kind != m.Kind || again.Nonce != m.Nonce || again.Name != m.Name || again.Lease != m.Lease || again.Beat != m.Beat {
			t.Errorf("%q, written as %q, reads as %+v instead of %+v", text, out, again, m)
		}
		if twice := FormatStatusText(again); twice != out {
			t.Errorf("%q is written as %q, and that as %q", text, out, twice)
		}
	})
}
