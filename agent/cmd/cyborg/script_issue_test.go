package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// wordIssue files an issue with the label bot and puts its number into $ISSUE. Its text may have \n.
func wordIssue(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 3, "issue LOGIN TITLE TEXT")
	body, err := json.Marshal(map[string]any{"title": args[1], "body": strings.ReplaceAll(args[2], `\n`, "\n"), "labels": []string{"bot"}})
	ts.Check(err)
	code, answer := request(ts, args[0], "POST", "repos/"+ts.Getenv("REPO")+"/issues", string(body))
	var made struct{ Number int }
	if err := json.Unmarshal(answer, &made); code >= 300 || err != nil {
		ts.Fatalf("file an issue as %s: %d %s", args[0], code, answer)
	}
	ts.Setenv("ISSUE", fmt.Sprint(made.Number))
}

// A said is one thing in the conversation of an issue.
type said struct {
	id   int64
	text string
}

// conversation is what people see of an issue: title, state, labels and text as they are, and what happened, in order.
// Bots, nonces, logs, commits and the server's address are replaced by their names.
func conversation(ts *testscript.TestScript, number string) string {
	type login struct{ Login string }
	path := "repos/" + ts.Getenv("REPO") + "/issues/" + number
	unread := "" // as reads may lag
	read := func(path string, to any) {
		code, answer := request(ts, "ada", "GET", path, "")
		if err := json.Unmarshal(answer, to); code != 200 || err != nil {
			unread = fmt.Sprintf("read %s: %d %s", path, code, answer)
		}
	}
	var issue struct {
		Title, Body, State string
		User               login
		Labels             []struct{ Name string }
		PullRequest        *struct{ URL string } `json:"pull_request"`
	}
	read(path, &issue)
	var comments []struct {
		ID   int64
		Body string
		User login
	}
	read(path+"/comments?per_page=100", &comments)
	var events []struct {
		ID     int64
		Event  string
		Actor  login
		Label  struct{ Name string }
		Rename struct{ From, To string }
	}
	read(path+"/events?per_page=100", &events)
	var b strings.Builder
	fmt.Fprintf(&b, "%s #%s, %s\n", issue.Title, number, issue.State)
	if issue.PullRequest != nil {
		var pull struct {
			Head, Base struct{ Label string }
			Modify     bool `json:"maintainer_can_modify"`
			Commits    int
		}
		read("repos/"+ts.Getenv("REPO")+"/pulls/"+number, &pull)
		fmt.Fprintf(&b, "wants to merge %d commit into %s from %s, maintainers may push: %v\n", pull.Commits, pull.Base.Label, pull.Head.Label, pull.Modify)
	}
	for _, l := range issue.Labels {
		fmt.Fprintf(&b, "label %s\n", l.Name)
	}
	text := strings.ReplaceAll(strings.TrimRight(issue.Body, "\r\n"), "\r\n", "\n")
	fmt.Fprintf(&b, "%s: %s\n", issue.User.Login, strings.ReplaceAll(text, "\n", "\n  "))
	var all []said
	for _, c := range comments {
		all = append(all, said{c.ID, c.User.Login + ": " + strings.ReplaceAll(c.Body, "\n", "\n  ")})
	}
	for _, e := range events {
		switch e.Event {
		case "renamed":
			all = append(all, said{e.ID, fmt.Sprintf("%s changed the title from %s to %s", e.Actor.Login, e.Rename.From, e.Rename.To)})
		case "labeled", "unlabeled":
			all = append(all, said{e.ID, e.Actor.Login + " " + e.Event + " " + e.Label.Name})
		case "closed", "reopened", "merged":
			all = append(all, said{e.ID, e.Actor.Login + " " + e.Event + " this"})
		}
	}
	slices.SortFunc(all, func(a, b said) int { return cmp.Compare(a.id, b.id) })
	for _, s := range all {
		fmt.Fprintln(&b, s.text)
	}
	if unread != "" {
		return unread
	}
	return plainly(ts, b.String())
}

// Read only: what differs from run to run.
var (
	nonceInTitle  = regexp.MustCompile(`\[[0-9a-hjkmnp-tv-z]{8}( [0-9a-z]+)?( \+[0-9a-z]+)?\]: `)
	beatInTitle   = regexp.MustCompile(`(?m)^cyborg changed the title from .*\[[0-9a-z]{8}[^\]]*\]: .* to WIP: .*\n`)
	nonceOfBranch = regexp.MustCompile(`-[0-9a-hjkmnp-tv-z]{8}\b`)
	logAddress    = regexp.MustCompile(`HUB/_logs/\S+`)
	stickyNonce   = regexp.MustCompile(`[0-9a-hjkmnp-tv-z]{8} -->`)
	botName       = regexp.MustCompile(`\bbot-[a-z]\b`)
	commitID      = regexp.MustCompile(`\b[0-9a-f]{40}\b`)
)

// plainly replaces what differs from run to run by its name.
func plainly(ts *testscript.TestScript, text string) string {
	text = strings.ReplaceAll(text, ts.Getenv("HUB"), "HUB")
	text = beatInTitle.ReplaceAllString(text, "")
	text = logAddress.ReplaceAllString(text, "LOG")
	text = commitID.ReplaceAllString(text, "COMMIT")
	text = nonceInTitle.ReplaceAllString(text, "[NONCE]: ")
	text = stickyNonce.ReplaceAllString(text, "NONCE -->")
	text = botName.ReplaceAllString(text, "BOT")
	return nonceOfBranch.ReplaceAllString(text, "-NONCE")
}

// wordConversation waits until the conversation of an issue is as a file has it.
func wordConversation(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 2, "conversation NUMBER FILE")
	want := ts.ReadFile(args[1])
	deadline := time.Now().Add(patience)
	until(ts, "the conversation of #"+args[0], func() (bool, string) {
		got := conversation(ts, args[0])
		if got != want && time.Now().After(deadline.Add(-time.Second)) {
			ts.Check(os.WriteFile(ts.MkAbs("conversation"), []byte(got), 0o600))
		}
		return got == want, got + "\nwant\n" + want
	})
}

// wordTitle changes what people see of a title now, as one does in a browser: by a substitution s/OLD/NEW/.
func wordTitle(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 2 && strings.Count(args[1], "/") == 3, "title NUMBER s/OLD/NEW/")
	path, words := "repos/"+ts.Getenv("REPO")+"/issues/"+args[0], strings.Split(args[1], "/")
	_, answer := request(ts, "grace", "GET", path, "")
	var issue struct{ Title string }
	ts.Check(json.Unmarshal(answer, &issue))
	body, err := json.Marshal(map[string]string{"title": strings.Replace(issue.Title, words[1], words[2], 1)})
	ts.Check(err)
	if code, answer := request(ts, "grace", "PATCH", path, string(body)); code != 200 {
		ts.Fatalf("change the title of #%s: %d %s", args[0], code, answer)
	}
}

// wordGrant changes what somebody may do in acme/widget.
func wordGrant(ts *testscript.TestScript, neg bool, args []string) {
	permission, ok := permissions()[args[len(args)-1]]
	usage(ts, !neg && len(args) == 2 && ok, "grant LOGIN admin|write|read|none")
	ts.Check(scriptOf(ts).server.Grant(widget, args[0], permission))
}

// wordHead sets HEAD to the head of a pull request.
func wordHead(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 1, "head NUMBER")
	code, answer := request(ts, "ada", "GET", "repos/"+ts.Getenv("REPO")+"/pulls/"+args[0], "")
	var pull struct{ Head struct{ SHA string } }
	if err := json.Unmarshal(answer, &pull); code != 200 || err != nil {
		ts.Fatalf("read pull request %s: %d %s", args[0], code, answer)
	}
	ts.Setenv("HEAD", pull.Head.SHA)
}

// wordWrites puts all that somebody has written to GitHub into a file, in order, with the names of what differs from run to
// run and from one account, bot or issue to another.
func wordWrites(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 2, "writes LOGIN FILE")
	var b strings.Builder
	for _, e := range scriptOf(ts).server.Journal() {
		query := strings.HasSuffix(e.Path, "graphql") && !strings.Contains(e.Body, "mutation")
		if e.Actor != args[0] || !e.Writes() || query || strings.HasSuffix(e.Path, "/git-upload-pack") {
			continue
		}
		if strings.Contains(e.Path, "/statuses/") {
			continue // about the new pull request already: a bot that goes on may say that it waits
		}
		if strings.HasSuffix(e.Path, "/git-receive-pack") {
			e.Body = "" // commits, of which each has its time
		}
		fmt.Fprintf(&b, "%s %s %s %d\n", e.Method, e.Path, strings.TrimSpace(e.Body), e.Status)
	}
	text := plainly(ts, b.String())
	text = regexp.MustCompile(`\bBOT\b|\b`+args[0]+`\b`).ReplaceAllString(text, "NAME")
	text = regexp.MustCompile(`(issues/|issue-|"issue":)\d+`).ReplaceAllString(text, "${1}N")
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o600))
}
