package agent

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/claim/hub"
)

// What bots know of a pull request is in one comment, which is edited in place: what ran, which tests failed, and what
// waits for whom and why. It comes when there is something to say that a green or a yellow dot does not: while all goes
// well there is none. One bot writes it, the first whose turn it is; what it says has a digest, by which the others see
// that it is there, and which changes with results alone, so that a claim is no reason to write.

// summary is the kind of comment.
const summary = "summary"

// A digest stands in the second line of a summary.
var digestLine = regexp.MustCompile(`^<!-- cyborg: summary [0-9a-z]{8} -->\r?\n<!-- ([0-9a-f]{16}) -->`)

// A telling is what a bot knows of the summary of a pull request.
type telling struct {
	shown string    // digest of what it says; "" if that is not known
	want  string    // digest of what it should say
	since time.Time // when this bot first wanted that
	wrote time.Time // when this bot last wrote
	open  bool      // there is a summary, as far as is known
}

// overhear learns from the comments that were read anyway what the summaries say.
func (a *Agent) overhear(ctx context.Context, repo hub.Repo, comments []hub.Comment) {
	for _, c := range comments {
		found := digestLine.FindStringSubmatch(c.Body)
		if found == nil {
			continue
		}
		if ours, err := a.trusts(ctx, repo, c.Author); err == nil && ours {
			a.mu.Lock()
			t := a.tellingOf(repo, c.Number)
			t.shown, t.open = found[1], true
			a.mu.Unlock()
		}
	}
}

// tellingOf finds what is known of a summary. The caller holds the mutex.
func (a *Agent) tellingOf(repo hub.Repo, pull int) *telling {
	key := fmt.Sprintf("%s#%d", strings.ToLower(repo.String()), pull)
	t := a.tellings[key]
	if t == nil {
		t = &telling{}
		a.tellings[key] = t
	}
	return t
}

// summarize brings the summaries up to date that it is this bot's turn to write.
func (a *Agent) summarize(work context.Context, queue []Entry, known []string) {
	if a.ails() {
		return
	}
	for pull, jobs := range byPull(queue) {
		repo, err := hub.ParseRepo(pull.repo)
		if err != nil || pull.number == 0 {
			continue
		}
		s := state{Jobs: jobs}
		key := fmt.Sprintf("%s#%d summary", strings.ToLower(pull.repo), pull.number)
		if a.mayTell(repo, pull.number, &s, key, known) {
			a.begin(key, func() error { return a.tellState(work, repo, pull.number, &s) })
		}
	}
}

// mayTell decides whether this bot writes a summary now.
func (a *Agent) mayTell(repo hub.Repo, pull int, s *state, key string, known []string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	t, now, want := a.tellingOf(repo, pull), time.Now(), s.digest()
	if t.want != want {
		t.want, t.since = want, now
	}
	if t.shown == want || !s.worth() && !t.open && claim.Rank(key, known, a.c.Name) >= auditors {
		return false
	}
	pace := a.c.Poll
	if !s.finished() {
		pace = 4 * a.c.Poll // there is more to come
	}
	return now.Sub(t.since) >= a.turn(key, known) && now.Sub(t.wrote) >= pace
}

// tellState writes a summary, if it does not say so already.
func (a *Agent) tellState(ctx context.Context, repo hub.Repo, pull int, s *state) error {
	want, open := s.digest(), true
	failures := a.failures(ctx, s.Jobs)
	err := a.stick(ctx, repo, pull, summary, func(text string) string {
		line := "<!-- " + want + " -->"
		switch first, _, _ := strings.Cut(text, "\n"); {
		case strings.TrimRight(first, "\r") == line:
			return text
		case text == "" && !s.worth():
			open = false
			return ""
		}
		return line + "\n" + s.text(failures)
	})
	a.mu.Lock()
	defer a.mu.Unlock()
	t := a.tellingOf(repo, pull)
	t.wrote = time.Now()
	switch {
	case err == nil:
		t.shown, t.open = want, open
	case fatal(err):
		t.wrote = t.wrote.Add(mute)
	}
	return err
}

// mute is how long a bot leaves a summary alone that GitHub does not let it write: a token for statuses alone is enough for
// all else.
const mute = time.Hour

// A pullOf names a pull request of the queue.
type pullOf struct {
	repo   string
	number int
}

// byPull sorts the jobs of the queue by their pull requests, and those of one by context.
func byPull(queue []Entry) map[pullOf][]Entry {
	pulls := map[pullOf][]Entry{}
	for _, e := range queue {
		if e.Issue == 0 {
			key := pullOf{e.Repo, e.Pull}
			pulls[key] = append(pulls[key], e)
		}
	}
	for _, jobs := range pulls {
		slices.SortFunc(jobs, func(x, y Entry) int {
			return cmp.Or(cmp.Compare(rankOf(x), rankOf(y)), cmp.Compare(x.Context, y.Context))
		})
	}
	return pulls
}

// rankOf puts first what people must look at.
func rankOf(e Entry) int {
	switch {
	case e.Standing == Done && e.State != "success":
		return 0
	case waitsForPeople(e):
		return 1
	case e.Standing != Done:
		return 2
	}
	return 3
}

// waitsForPeople tells whether nobody does a job before somebody does something about it. The newest status tells, since
// what this bot lacks others may have, and all must come to the same text.
func waitsForPeople(e Entry) bool {
	return (e.Standing == Waiting || e.Standing == Ready) && e.Priority > 0 && reason(e) != ""
}

// reason is why a job waits, as its newest status says it; the status is the word of some bot, and the same for all.
func reason(e Entry) string {
	text, ok := strings.CutPrefix(e.Says, claim.NotTested+": ")
	if !ok || text == "waiting for a bot" {
		return ""
	}
	return text
}

// A state is how the jobs of a pull request stand.
type state struct{ Jobs []Entry }

// digest changes when something does that a summary tells.
func (s *state) digest() string {
	sum := sha256.New()
	for _, e := range s.Jobs {
		word := ""
		switch {
		case e.Standing == Done:
			word = e.State + " " + e.Says + " " + e.URL
		case waitsForPeople(e):
			word = "waits " + reason(e)
		}
		fmt.Fprintf(sum, "%s %q %q\n", e.SHA, e.Context, word)
	}
	return hex.EncodeToString(sum.Sum(nil)[:8])
}

// finished tells whether nothing is under way.
func (s *state) finished() bool {
	return !slices.ContainsFunc(s.Jobs, func(e Entry) bool { return rankOf(e) == 2 && e.Priority > 0 })
}

// worth tells whether there is something to say that people do not see at a glance.
func (s *state) worth() bool {
	return slices.ContainsFunc(s.Jobs, func(e Entry) bool { return rankOf(e) < 2 })
}

// headline says how it stands in a few words.
func (s *state) headline() string {
	var failed, waits, under, passed int
	for _, e := range s.Jobs {
		switch {
		case rankOf(e) == 0:
			failed++
		case rankOf(e) == 1:
			waits++
		case e.Standing == Done:
			passed++
		default:
			under++
		}
	}
	var parts []string
	for _, p := range []struct {
		n    int
		word string
	}{{failed, "failed"}, {waits, "waiting"}, {under, "to come"}, {passed, "passed"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.word))
		}
	}
	return strings.Join(parts, ", ")
}

// text is the summary without its first two lines.
func (s *state) text(failures map[string][]failed) string {
	const most = 60_000
	var b strings.Builder
	fmt.Fprintf(&b, "**%s** of %s\n\n| | | |\n|---|---|---|\n", s.headline(), s.Jobs[0].SHA)
	for _, e := range s.Jobs {
		face, words := "✅", linked(says(e), e.URL)
		switch rankOf(e) {
		case 0:
			face = "❌"
		case 1:
			face, words = "✋", cell(reason(e))
		case 2:
			face, words = "⏳", cell(underWay(e))
		}
		if row := fmt.Sprintf("| %s | %s | %s |\n", face, cell(e.Context), words); b.Len()+len(row) < most/2 {
			b.WriteString(row)
		}
	}
	for _, e := range s.Jobs {
		for i, f := range failures[e.Context] {
			if i == 0 {
				fmt.Fprintf(&b, "\n%s:\n", quote(e.Context))
			}
			if row := f.row(e.URL); b.Len()+len(row) < most {
				b.WriteString(row)
			}
		}
	}
	if slices.ContainsFunc(s.Jobs, func(e Entry) bool { return rankOf(e) == 0 }) {
		b.WriteString("\nA line `/retest failed` in a comment does again what has failed.\n")
	}
	return b.String()
}

// underWay says what becomes of a job that has no result.
func underWay(e Entry) string {
	switch {
	case e.Standing == Held && e.Holder != "":
		return "in progress on " + e.Holder
	case e.Priority <= 0:
		return "not asked for: " + e.Why
	}
	return "waits for a bot"
}

// says is a result in words.
func says(e Entry) string { return cmp.Or(e.Says, e.State) }

// cell is hostile text in a table.
func cell(text string) string { return strings.ReplaceAll(quote(text), "|", "\\|") }

// linked is a cell that leads somewhere, if the address is one.
func linked(text, address string) string {
	if !plainAddress.MatchString(address) {
		return cell(text)
	}
	return "[" + cell(text) + "](" + address + ")"
}

// plainAddress is an address that needs no quoting in Markdown.
var plainAddress = regexp.MustCompile(`^https?://[A-Za-z0-9._~:/?#@!$&'*+,;=%-]+$`)
