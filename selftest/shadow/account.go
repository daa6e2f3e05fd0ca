package shadow

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/cyborg-bots/cyborg/claim"
)

// An Account is what a program did at a window, in the words of this version.
type Account struct {
	Ended    string              // how it ended; empty is well
	Chosen   map[string][]string // the jobs that it would take, by for whom, best first: a line of its scan, with the place and the priority
	Deeds    map[string]Deed     // what it tried to change, by what it was about
	Requests int
	Writes   int
}

// A Deed is what a program tried to change in one thing.
type Deed struct {
	Kind  string // "claim", "note", "result", …; the method of what is no status
	Text  string // what it says, without nonce
	Times int

	nonce string // of a claim, while it is compared with others
}

// tally reads the writes of a program.
func tally(v *View) (deeds map[string]Deed, requests, writes int) {
	deeds = map[string]Deed{}
	nonces := map[string]bool{}
	for _, w := range v.Writes() {
		about, deed := readWrite(w)
		if deed.nonce != "" && nonces[deed.nonce] {
			deed.Text += ", with the nonce of another claim"
		}
		nonces[deed.nonce], deed.nonce = true, ""
		if was, ok := deeds[about]; ok && was.Text != deed.Text {
			about += ", again" // both count
		}
		deed.Times = deeds[about].Times + 1
		deeds[about] = deed
	}
	requests, writes = v.Asked()
	return deeds, requests, writes
}

// statusPath is where statuses are posted, issuePath where an issue is changed.
var (
	statusPath = regexp.MustCompile(`^/repos/([^/]+/[^/]+)/statuses/([0-9a-f]+)$`)
	issuePath  = regexp.MustCompile(`^/repos/([^/]+/[^/]+)/issues/(\d+)$`)
)

// readWrite says what a write is about, and what it does to that.
func readWrite(w Write) (string, Deed) {
	if m := statusPath.FindStringSubmatch(w.Path); m != nil {
		var s struct {
			State, Context, Description string
			TargetURL                   string `json:"target_url"`
		}
		if json.Unmarshal(w.Body, &s) == nil {
			return fmt.Sprintf("%s of %.8s in %s", s.Context, m[2], m[1]), statusDeed(s.State, s.Description, s.TargetURL)
		}
	}
	if m := issuePath.FindStringSubmatch(w.Path); m != nil {
		var i map[string]any
		if json.Unmarshal(w.Body, &i) == nil && len(i) == 1 {
			if title, ok := i["title"].(string); ok {
				mark := claim.ParseTitle(title)
				return fmt.Sprintf("title of %s#%s", m[1], m[2]), Deed{Kind: kindName(mark.Kind), Text: spoken(mark)}
			}
		}
	}
	return w.Method + " " + w.Path, Deed{Kind: w.Method, Text: plainBody(w.Body)}
}

// statusDeed reads the text of a status as a peer of this version would, and where its link leads.
func statusDeed(state, text, link string) Deed {
	m := claim.ParseStatusText(state, text)
	d := Deed{Kind: kindName(m.Kind), Text: state + " " + spoken(m)}
	if link != "" {
		d.Text += ", with a link to " + still(link)
	}
	if m.Kind == claim.KindClaim {
		d.nonce = m.Nonce
	}
	return d
}

// spoken is a mark without its nonce.
func spoken(m claim.Mark) string {
	text := strconv.Quote(m.Human)
	if m.Name != "" {
		text += " by " + m.Name
	}
	if m.Lease != 0 {
		text += " for " + m.Lease.String()
	}
	return text
}

func kindName(k claim.Kind) string {
	switch k {
	case claim.KindClaim:
		return "claim"
	case claim.KindBeat:
		return "beat"
	case claim.KindRelease:
		return "release"
	case claim.KindResult:
		return "result"
	case claim.KindReset:
		return "wish"
	case claim.KindNote:
		return "note"
	case claim.KindHold:
		return "hold"
	case claim.KindOther:
	}
	return "no word of bots"
}

// noise is what may differ in texts from one run to the next: names of attempts, nonces, times, the port of a relay.
var noise = regexp.MustCompile(`\d{8}-\d{6}-[0-9a-z]{8}-[0-9a-z]{26}|\b[0-9a-z]{8}\b|\d{4}-\d\d-\d\dT[0-9:.]+Z|http://127\.0\.0\.1:\d+`)

// marked is the line that says what a comment of bots is; one nonce in fifteen has no digit, and there it is known by its place.
var marked = regexp.MustCompile(`(!-- cyborg: (?:[a-z0-9._-]+ )+)[0-9a-z]{8}( --)`)

// still takes the noise out of a text. Nearly all nonces have a digit, and no word has.
func still(text string) string {
	text = marked.ReplaceAllString(text, "${1}…${2}")
	return noise.ReplaceAllStringFunc(text, func(s string) string {
		if strings.ContainsAny(s, "0123456789") {
			return "…"
		}
		return s
	})
}

// plainBody is the body of a write for comparing and for people.
func plainBody(body []byte) string {
	var v any
	if json.Unmarshal(body, &v) != nil {
		return still(string(body))
	}
	text, err := json.Marshal(v) // with its keys in order
	if err != nil {
		return string(body)
	}
	return still(string(text))
}

// A difference is one thing that two accounts tell differently.
type difference struct {
	clause string // "choices", "texts" or "budget"
	text   string
}

// compare tells in what the account of the candidate differs from that of this version.
func compare(now, then Account) []difference {
	var list []difference
	say := func(clause, format string, args ...any) {
		list = append(list, difference{clause, fmt.Sprintf(format, args...)})
	}
	for _, who := range slices.Sorted(maps.Keys(now.Chosen)) {
		for _, text := range unlike(now.Chosen[who], then.Chosen[who]) {
			say("choices", "for %s %s", who, text)
		}
	}
	more := 0 // writes that are about what this version leaves alone
	for _, about := range slices.Sorted(maps.Keys(union(now.Deeds, then.Deeds))) {
		was, before := now.Deeds[about]
		is, after := then.Deeds[about]
		switch {
		case !after:
			say("choices", "%s: it leaves alone what gets a %s: %s", about, was.Kind, was.Text)
		case !before:
			more++
			say("choices", "%s: it writes a %s where this version leaves it alone: %s", about, is.Kind, is.Text)
		case was.Kind != is.Kind && (was.Kind == "claim") != (is.Kind == "claim") && is.Kind != kindName(claim.KindOther):
			say("choices", "%s: it writes a %s (%s) where a %s belongs", about, is.Kind, is.Text, was.Kind)
		case was.Kind != is.Kind || was.Text != is.Text:
			say("texts", "%s: it says, as a %s: %s\nwhere this version says, as a %s: %s", about, is.Kind, is.Text, was.Kind, was.Text)
		}
	}
	if most := 2*now.Requests + 20; then.Requests > most {
		say("budget", "it asks GitHub %d times, where this version asks %d times", then.Requests, now.Requests)
	}
	if then.Writes > now.Writes+more {
		say("budget", "it writes %d times, where this version writes %d times", then.Writes, now.Writes)
	}
	return list
}

// unlike tells in what a queue differs from another.
func unlike(was, is []string) []string {
	var list []string
	for _, job := range is {
		if !slices.Contains(was, job) {
			list = append(list, "it would take "+job+", which this version does not")
		}
	}
	for _, job := range was {
		if !slices.Contains(is, job) {
			list = append(list, "it would not take "+job+", which this version does")
		}
	}
	if len(list) > 0 || slices.Equal(was, is) {
		return list
	}
	for i := range max(len(was), len(is)) {
		if a, b := at(was, i), at(is, i); a != b {
			return []string{fmt.Sprintf("the queue's job %d is %s, and was %s", i+1, b, a)} // all that follow may be moved by one
		}
	}
	return nil
}

func union(a, b map[string]Deed) map[string]bool {
	all := map[string]bool{}
	for k := range a {
		all[k] = true
	}
	for k := range b {
		all[k] = true
	}
	return all
}

func at(list []string, i int) string {
	if i >= len(list) {
		return "none"
	}
	return list[i]
}

// meant reads from the words of a pull request which differences are wanted.
func meant(words string) map[string]bool {
	list := map[string]bool{}
	for _, m := range wanted.FindAllStringSubmatch(words, -1) {
		list[strings.ToLower(m[1])] = true
	}
	return list
}

var wanted = regexp.MustCompile(`(?mi)^\s*shadow: (choices|texts) differ\.?\s*$`)

// scanned reads what a scan printed as JSON.
func scanned(text []byte) ([]string, error) {
	var list []struct {
		Line     string
		Place    string
		Priority float64
	}
	if err := json.NewDecoder(bytes.NewReader(text)).Decode(&list); err != nil {
		return nil, fmt.Errorf("read the scan: %w", err)
	}
	lines := make([]string, len(list))
	for i, e := range list {
		line := e.Line
		if len(line) > 300 {
			line = line[:300]
		}
		lines[i] = fmt.Sprintf("%q in the place %.40q with the priority %g", line, e.Place, e.Priority)
	}
	return lines, nil
}
