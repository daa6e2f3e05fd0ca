package claim

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// The words of the statuses. They are those of Cockpit's bots of 2017, so that a person, or one of those bots, can work
// beside ours.
const (
	Testing   = "Testing in progress"             // a claim
	NotTested = "Not yet tested"                  // a reset: whoever posts it asks for the job to be done (again), running or not
	Triggered = "Not yet tested (direct trigger)" // the same, by a person's wish: do it whatever the labels say
	released  = "Not yet tested (released)"       // a claim that was given back
	aborted   = "Aborted without status"          // what the log server of the bots of 2017 posted for a bot that vanished
)

// MaxText is GitHub's limit for the description of a status, in characters.
const MaxText = 140

// MaxName is the longest name of a bot: a claim must fit into MaxText with it.
const MaxName = 40

// Waiting is the text of a note: "Not yet tested: needs kvm, 0 of 3 bots have it". The colon is what tells a note from
// a reset. Bots say with a note why a context waits, and announce new contexts with it ("Not yet tested: waiting for a
// bot"), since a note changes nothing: one that comes late, after a peer has claimed or finished the job, does no harm.
// The bare NotTested would ask for the job a second time.
func Waiting(reason string) string {
	return clip(NotTested+": "+clean(reason), MaxText)
}

// trying is the text of a claim: how many claims the job has seen, and how many it may see, matters from the second on.
func trying(try, most int) string {
	switch {
	case try < 2:
		return Testing
	case most < try:
		return fmt.Sprintf("%s, try %d", Testing, try)
	}
	return fmt.Sprintf("%s, try %d of %d", Testing, try, most)
}

// GaveUp tells whether a note says that nobody takes the job until somebody asks again: Verdict.Why of a Dead one.
func (m Mark) GaveUp() bool {
	return m.Kind == KindNote && (strings.HasPrefix(m.Human, Waiting("given up")) || strings.HasPrefix(m.Human, Waiting("dead")))
}

// The grammar. A nonce is 8 characters of Crockford's base32 (no i, l, o, u), so hardly a word of English is one.
const nonceClass = `[0-9abcdefghjkmnpqrstvwxyz]{8}`

var (
	claimText   = regexp.MustCompile(`^(.*?) ?\[([^\[\]]*)\] (` + nonceClass + `) ([0-9a-zµ.]+)(?: \+([0-9a-zµ.]+))?$`)
	resultText  = regexp.MustCompile(`^(.*?) ?\[([^\[\]]*)\] (` + nonceClass + `)$`)
	releaseText = regexp.MustCompile(`^Not yet tested \(released\) (` + nonceClass + `)$`)
	resetText   = regexp.MustCompile(`^Not yet tested(?: \([^()]*\))?$`)
	newerText   = regexp.MustCompile(`\[([^\[\]]*)\] ` + nonceClass + `(?: |$)`)
	foreignText = regexp.MustCompile(`^(?:Testing in|In) progress \[([^\[\]]*)\]`)
)

// ParseStatusText reads what a status says. It never fails: what it does not understand is KindOther, except that
//
//   - a text which begins as a claim does ("Testing in progress [host]", of the bots of 2017, or of a version newer than this one)
//     is a claim without a nonce and with the lease ForeignLease: it is respected;
//   - so is whatever else a bot says of a pending job with its name and a nonce, which only a newer version can;
//   - a success, failure or error without a nonce is a result by hand, whatever it says.
func ParseStatusText(state, text string) Mark {
	m := Mark{State: state, Text: text, Human: clean(text)}
	text = m.Human
	if state != "pending" {
		return parseResult(m)
	}
	switch {
	case resetText.MatchString(text):
		m.Kind = KindReset
		return m
	case strings.HasPrefix(text, NotTested+":"):
		m.Kind = KindNote
		return m
	}
	if f := claimText.FindStringSubmatch(text); f != nil {
		lease, ok := parseSpan(f[4])
		beat, isBeat := parseSpan(f[5])
		if ok && lease > 0 && (isBeat || f[5] == "") {
			m.Kind, m.Human, m.Name, m.Nonce, m.Lease = KindClaim, f[1], f[2], f[3], lease
			if isBeat {
				m.Kind, m.Beat = KindBeat, beat
			}
			return m
		}
	}
	if f := releaseText.FindStringSubmatch(text); f != nil {
		m.Kind, m.Human, m.Nonce = KindRelease, released, f[1]
	} else if f := foreignText.FindStringSubmatch(text); f != nil {
		m.Kind, m.Name, m.Lease = KindClaim, f[1], ForeignLease
	} else if f := newerText.FindStringSubmatch(text); f != nil {
		m.Kind, m.Name, m.Lease = KindClaim, f[1], ForeignLease
	}
	return m
}

func parseResult(m Mark) Mark {
	switch m.State {
	case "success", "failure", "error":
	default:
		return m
	}
	m.Kind = KindResult
	if f := resultText.FindStringSubmatch(m.Human); f != nil {
		m.Human, m.Name, m.Nonce = f[1], f[2], f[3]
	} else if m.State == "error" && m.Human == aborted {
		m.Kind = KindRelease
	}
	return m
}

// FormatStatusText is the description that says m, at most MaxText long. Only the human part is ever cut, at the border
// of a character. ParseStatusText reads it back.
func FormatStatusText(m Mark) string {
	tail := ""
	switch m.Kind {
	case KindClaim, KindBeat:
		m.Human = cmp.Or(m.Human, Testing)
		if m.Nonce != "" {
			tail = " [" + m.Name + "] " + m.Nonce + " " + formatSpan(m.Lease)
		}
		if m.Kind == KindBeat {
			tail += " +" + formatSpan(m.Beat)
		}
	case KindResult:
		if m.Nonce != "" {
			tail = " [" + m.Name + "] " + m.Nonce
		}
	case KindRelease:
		if m.Nonce == "" {
			return aborted
		}
		return released + " " + m.Nonce
	case KindReset:
		m.Human = cmp.Or(m.Human, NotTested)
	case KindOther, KindNote, KindHold:
	}
	return strings.TrimPrefix(clip(clean(m.Human), MaxText-length(tail))+tail, " ")
}

// NewNonce is a fresh name for a claim: 40 random bits.
func NewNonce() string {
	const alphabet = "0123456789abcdefghjkmnpqrstvwxyz"
	b := make([]byte, 8)
	_, _ = rand.Read(b) // never fails
	for i := range b {
		b[i] = alphabet[b[i]%32]
	}
	return string(b)
}

// formatSpan writes a duration as people do: 30m, 1h30m, 10s, 500ms.
func formatSpan(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// parseSpan reads what formatSpan wrote, and nothing absurd.
func parseSpan(s string) (time.Duration, bool) {
	d, err := time.ParseDuration(s)
	return d, err == nil && d >= 0 && d <= maxLease && formatSpan(d) == s
}

// clean makes one line of printable characters out of a text.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
	return strings.Join(strings.Fields(s), " ")
}

// clip cuts s to at most n characters and shows that it did.
func clip(s string, n int) string {
	if length(s) <= n {
		return s
	}
	for length(s) > max(n-1, 0) {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return strings.TrimRight(s, " ") + "…"
}

// length counts characters as the most cautious of GitHub's counters may: in UTF-16 units.
func length(s string) int {
	n := 0
	for _, r := range s {
		n += max(utf16.RuneLen(r), 1)
	}
	return n
}

// validName refuses a name that would not survive the texts.
func validName(name string) bool {
	for _, r := range name {
		if !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("-_.", r)) {
			return false
		}
	}
	return name != "" && len(name) <= MaxName
}
