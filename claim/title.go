package claim

import (
	"regexp"
	"strings"
)

// MaxTitle is GitHub's limit for the title of an issue, in characters.
const MaxTitle = 256

// The grammar of titles. Who works on an issue is said in front of its own title, as the bots of 2017 did:
//
//	WIP: bot-1 [k7m2q9xa]: Image refresh for debian-13             a claim with the lease DefaultLease
//	WIP: bot-1 [k7m2q9xa 10m]: Image refresh for debian-13         with another lease
//	WIP: bot-1 [k7m2q9xa +20m]: Image refresh for debian-13        a beat
//	WIP: stef: Image refresh for debian-13                         a person (or a bot of 2017) has it, until the prefix is gone
//	Image refresh for debian-13                                    nobody has it
var (
	claimTitle = regexp.MustCompile(`^WIP: ([^\[\]]*) \[(` + nonceClass + `)(?: ([0-9a-zµ.]+))?(?: \+([0-9a-zµ.]+))?\]: ?(.*)$`)
	holdTitle  = regexp.MustCompile(`^WIP(?:[: \[]|$)`)
)

// ParseTitle reads a title: the mark that it is, and in Mark.Human the title as people gave it, without the prefix.
func ParseTitle(title string) Mark {
	m := Mark{Text: title, State: "pending", Human: title}
	if f := claimTitle.FindStringSubmatch(title); f != nil {
		lease, okLease := parseSpan(f[3])
		beat, okBeat := parseSpan(f[4])
		if f[3] == "" {
			lease, okLease = DefaultLease, true
		}
		if okLease && lease > 0 && (okBeat || f[4] == "") {
			m.Kind, m.Name, m.Nonce, m.Lease, m.Beat, m.Human = KindClaim, f[1], f[2], lease, beat, f[5]
			if okBeat {
				m.Kind = KindBeat
			}
			return m
		}
	}
	if holdTitle.MatchString(title) {
		m.Kind = KindHold
		m.Human = strings.TrimLeft(strings.TrimPrefix(title, "WIP"), ": ")
		return m
	}
	m.Kind = KindReset
	return m
}

// FormatTitle puts a claim or a beat in front of a title. At most MaxTitle long; only the human part is ever cut.
func FormatTitle(m Mark, human string) string {
	if m.Kind != KindClaim && m.Kind != KindBeat {
		return clip(human, MaxTitle)
	}
	prefix := "WIP: " + m.Name + " [" + m.Nonce
	if m.Lease != DefaultLease {
		prefix += " " + formatSpan(m.Lease)
	}
	if m.Kind == KindBeat {
		prefix += " +" + formatSpan(m.Beat)
	}
	prefix += "]: "
	return prefix + clip(human, MaxTitle-length(prefix))
}

// A rename is one change of an issue's title.
type rename struct {
	mark     Mark
	from, to string
}

// humanPart is the title as people last gave it. Bots only ever copy it, maybe cut, and maybe from a moment ago; so a
// part that comes with a claim counts only if nobody has given it before, since then a person has edited it under the
// bot's prefix. The first title is the one before the first change; current is the title now, for an issue that was
// never renamed.
func humanPart(renames []rename, current string) string {
	if len(renames) == 0 {
		return ParseTitle(current).Human
	}
	human := ParseTitle(renames[0].from).Human
	known := []string{human}
	for _, r := range renames {
		part := r.mark.Human
		if r.mark.Kind == KindClaim || r.mark.Kind == KindBeat {
			if copied(part, known) {
				continue
			}
		}
		human = part
		known = append(known, part)
	}
	return human
}

// copied tells whether a part is one that is known, or the beginning of one.
func copied(part string, known []string) bool {
	for _, k := range known {
		if part == k {
			return true
		}
		if cut, ok := strings.CutSuffix(part, "…"); ok && strings.HasPrefix(k, cut) && length(k) > length(cut)+1 {
			return true
		}
	}
	return false
}

// InProgress is the comment with which a bot says where the log of its work on an issue is, in the words of 2017.
func InProgress(task, bot, log string) string {
	return task + " in progress on " + bot + ".\nLog: " + log
}
