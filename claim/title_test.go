package claim

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseTitle(t *testing.T) {
	tests := []struct {
		title string
		want  Mark
	}{
		{"WIP: bot-1 [k7m2q9xa]: Image refresh for debian-13",
			Mark{Kind: KindClaim, Name: "bot-1", Nonce: "k7m2q9xa", Lease: DefaultLease, Human: "Image refresh for debian-13"}},
		{"WIP: bot-1 [k7m2q9xa 10m]: Fix: this", Mark{Kind: KindClaim, Name: "bot-1", Nonce: "k7m2q9xa", Lease: 10 * time.Minute, Human: "Fix: this"}},
		{"WIP: bot-1 [k7m2q9xa +20m]: x", Mark{Kind: KindBeat, Name: "bot-1", Nonce: "k7m2q9xa", Lease: DefaultLease, Beat: 20 * time.Minute, Human: "x"}},
		{"WIP: bot-1 [k7m2q9xa 10m +3m20s]: x", Mark{Kind: KindBeat, Name: "bot-1", Nonce: "k7m2q9xa", Lease: 10 * time.Minute, Beat: 200 * time.Second, Human: "x"}},
		{"WIP: stef: Image refresh", Mark{Kind: KindHold, Human: "stef: Image refresh"}},
		{"#2019 no", Mark{Kind: KindReset, Human: "#2019 no"}},
		{"WIP: host: [no-test] Update translations", Mark{Kind: KindHold, Human: "host: [no-test] Update translations"}},
		{"WIP Image refresh", Mark{Kind: KindHold, Human: "Image refresh"}},
		{"WIP: bot [k7m2q9xa 30m gpu]: of a newer version", Mark{Kind: KindHold, Human: "bot [k7m2q9xa 30m gpu]: of a newer version"}},
		{"WIPE the disk", Mark{Kind: KindReset, Human: "WIPE the disk"}},
		{"", Mark{Kind: KindReset}},
	}
	for _, tt := range tests {
		tt.want.State, tt.want.Text = "pending", tt.title
		got := ParseTitle(tt.title)
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%q (-want +got):\n%s", tt.title, d)
		}
		if got.Kind == KindClaim || got.Kind == KindBeat {
			if back := FormatTitle(got, got.Human); back != tt.title {
				t.Errorf("%q is written as %q", tt.title, back)
			}
		}
	}
}

func FuzzTitle(f *testing.F) {
	f.Add("WIP: bot-1 [k7m2q9xa 10m +3m20s]: Image refresh")
	f.Add("WIP: stef: Image refresh")
	f.Add("WIP: [k7m2q9xa]:")
	f.Fuzz(func(t *testing.T, title string) {
		m := ParseTitle(title)
		if m.Lease < 0 || m.Lease > maxLease || m.Kind == KindClaim && m.Lease == 0 {
			t.Errorf("%q: lease %s", title, m.Lease)
		}
		claim := Mark{Kind: KindBeat, Name: strings.Repeat("n", MaxName), Nonce: "k7m2q9xa", Lease: 10 * time.Minute, Beat: 9 * time.Minute}
		out := FormatTitle(claim, m.Human)
		if length(out) > MaxTitle {
			t.Errorf("%q is too long", out)
		}
		if strings.ContainsAny(m.Human, "\n\r") {
			return // not in a title
		}
		again := ParseTitle(out)
		if again.Kind != KindBeat || again.Nonce != claim.Nonce || again.Lease != claim.Lease || again.Beat != claim.Beat {
			t.Errorf("%q reads as %+v", out, again)
		}
	})
}

func TestHumanPart(t *testing.T) {
	long := strings.Repeat("long ", 60)
	tests := []struct {
		name   string
		titles []string
		want   string
	}{
		{"never renamed", []string{"Image refresh"}, "Image refresh"},
		{"never renamed, by hand", []string{"WIP: Image refresh"}, "Image refresh"},
		{"claimed", []string{"T", "WIP: a [aaaaaaaa]: T"}, "T"},
		{"edited under the prefix", []string{"T", "WIP: a [aaaaaaaa]: T", "WIP: a [aaaaaaaa]: New"}, "New"},
		{"edited, and a bot that had read before", []string{"T", "WIP: a [aaaaaaaa]: T", "WIP: a [aaaaaaaa]: New", "WIP: a [aaaaaaaa +10m]: T"}, "New"},
		{"edited, and a loser that had read before", []string{"T", "New", "WIP: b [bbbbbbbb]: T"}, "New"},
		{"edited without prefix", []string{"T", "WIP: a [aaaaaaaa]: T", "New"}, "New"},
		{"edited back without prefix", []string{"T", "New", "WIP: a [aaaaaaaa]: New", "T"}, "T"},
		{"cut for the prefix", []string{long, "WIP: a [aaaaaaaa]: " + long[:200] + "…"}, long},
	}
	for _, tt := range tests {
		var renames []rename
		for i, title := range tt.titles[1:] {
			renames = append(renames, rename{mark: ParseTitle(title), from: tt.titles[i], to: title})
		}
		if got := humanPart(renames, tt.titles[len(tt.titles)-1]); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
