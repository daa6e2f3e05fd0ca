package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/cyborg-bots/cyborg/claim"
)

// request sends one request to the emulator, or to an address, as somebody.
func request(ts *testscript.TestScript, login, method, path, body string) (int, []byte) {
	url := path
	if !strings.HasPrefix(path, "http://") {
		url = ts.Getenv("HUB") + "/" + path
	}
	req, err := http.NewRequestWithContext(scriptOf(ts).ctx, method, url, strings.NewReader(body))
	ts.Check(err)
	req.Header.Set("Authorization", "token "+login+"-token")
	resp, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	ts.Check(err)
	return resp.StatusCode, answer
}

// wordExits runs a command that must end with the exit status.
func wordExits(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) > 1, "exits STATUS COMMAND [ARG…]")
	code := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		failed, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("run %s: %v", args[1], err)
		}
		code = failed.ExitCode()
	}
	if fmt.Sprint(code) != args[0] {
		ts.Fatalf("exit status %d, want %s", code, args[0])
	}
}

// wordAPI is one request; "!" wants a refusal.
func wordAPI(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, len(args) == 3 || len(args) == 4, "[!] api LOGIN METHOD PATH [BODY]")
	code, answer := request(ts, args[0], args[1], args[2], strings.Join(args[3:], ""))
	ts.Check(os.WriteFile(ts.MkAbs("answer"), answer, 0o600))
	if (code >= 300) != neg {
		ts.Fatalf("%s %s: %d %s", args[1], args[2], code, answer)
	}
}

// until looks a few times a second until it is told that it is done; else it says what was seen last.
func until(ts *testscript.TestScript, what string, look func() (done bool, seen string)) {
	limit := time.NewTimer(patience)
	defer limit.Stop()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		done, seen := look()
		if done {
			return
		}
		select {
		case <-limit.C:
			scriptOf(ts).tails(ts)
			ts.Fatalf("%s: not within %s; seen last: %s", what, patience, seen)
		case <-tick.C:
		}
	}
}

func pattern(ts *testscript.TestScript, text string) *regexp.Regexp {
	p, err := regexp.Compile(`(?s)` + text)
	ts.Check(err)
	return p
}

// wordComment sets $COMMENT to the id that the last answer has.
func wordComment(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 0, "comment")
	var made struct{ ID int64 }
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("answer")), &made))
	ts.Setenv("COMMENT", fmt.Sprint(made.ID))
}

func wordUntil(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 3, "until LOGIN PATH PATTERN")
	want := pattern(ts, args[2])
	until(ts, args[1]+" matches "+args[2], func() (bool, string) {
		_, answer := request(ts, args[0], "GET", args[1], "")
		ts.Check(os.WriteFile(ts.MkAbs("answer"), answer, 0o600))
		return want.Match(answer), string(answer)
	})
}

// A commitStatus is one status as the API gives it.
type commitStatus struct {
	State, Description, Context string
	TargetURL                   string `json:"target_url"`
	Creator                     struct{ Login string }
}

func (s commitStatus) String() string {
	return fmt.Sprintf("%s %q by %s", s.State, s.Description, s.Creator.Login)
}

// statuses lists what was said of a context of HEAD, newest first.
func statuses(ts *testscript.TestScript, context string) []commitStatus {
	var list []commitStatus
	for page := 1; ; page++ {
		path := fmt.Sprintf("repos/%s/commits/%s/statuses?per_page=100&page=%d", ts.Getenv("REPO"), ts.Getenv("HEAD"), page)
		code, answer := request(ts, "ada", "GET", path, "")
		var some []commitStatus
		if err := json.Unmarshal(answer, &some); code != http.StatusOK || err != nil {
			ts.Fatalf("read statuses: %d %s", code, answer)
		}
		list = append(list, some...)
		if len(some) < 100 {
			break
		}
	}
	return slices.DeleteFunc(list, func(s commitStatus) bool { return s.Context != context })
}

func wordStatus(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 3, "status CONTEXT STATE PATTERN")
	want := pattern(ts, args[2])
	until(ts, fmt.Sprintf("status %s of %s", args[0], ts.Getenv("HEAD")), func() (bool, string) {
		list := statuses(ts, args[0])
		if len(list) == 0 {
			return false, "no status"
		}
		ts.Setenv("PAGE", list[0].TargetURL)
		ts.Setenv("LOGS", strings.TrimSuffix(list[0].TargetURL, "/log.html"))
		return list[0].State == args[1] && want.MatchString(list[0].Description), fmt.Sprint(list)
	})
}

// wordHistory looks at all that was said. Signs of life, and the word that a job waits for a bot, are left out: whether
// they are there is a matter of time.
func wordHistory(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) > 0, "history CONTEXT PATTERN…")
	list := slices.DeleteFunc(statuses(ts, args[0]), func(s commitStatus) bool {
		return claim.ParseStatusText(s.State, s.Description).Kind == claim.KindBeat || s.Description == claim.Waiting("waiting for a bot")
	})
	slices.Reverse(list)
	left := list
	for _, text := range args[1:] {
		text, optional := strings.CutPrefix(text, "?")
		if len(left) > 0 && pattern(ts, text).MatchString(left[0].State+": "+left[0].Description) {
			left = left[1:]
		} else if !optional {
			ts.Fatalf("the statuses are\n%v\nof which not all are\n%s", list, strings.Join(args[1:], "\n"))
		}
	}
	if len(left) > 0 {
		ts.Fatalf("the statuses are\n%v\nof which these are too many:\n%v", list, left)
	}
}

// wordOnce wants exactly one result of a context of HEAD. How often it was claimed is the bots' business.
func wordOnce(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 1, "once CONTEXT")
	results := map[string]bool{} // by nonce: a repetition whose answer was lost is no other result
	list := statuses(ts, args[0])
	for _, s := range list {
		if m := claim.ParseStatusText(s.State, s.Description); m.Kind == claim.KindResult {
			results[m.Nonce] = true
		}
	}
	if len(results) != 1 {
		ts.Fatalf("%s has %d results: %v", args[0], len(results), list)
	}
}

// wordUnwritten reads the emulator's journal. A query of GraphQL and a fetch of git are asked for with POST, and write
// nothing.
func wordUnwritten(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 1, "unwritten LOGIN")
	for _, e := range scriptOf(ts).server.Journal() {
		fetch := strings.HasSuffix(e.Path, "/git-upload-pack")
		query := strings.HasSuffix(e.Path, "graphql") && !strings.Contains(e.Body, "mutation")
		if e.Actor == args[0] && e.Writes() && !fetch && !query {
			ts.Fatalf("%s wrote: %s %s %s", e.Actor, e.Method, e.Path, e.Body)
		}
	}
}

// wordLooks waits until somebody has looked so many times more at the repository. The look that is under way may be too
// old for what the script did last, so one more is waited for.
func wordLooks(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 2, "looks LOGIN TIMES")
	more, err := strconv.Atoi(args[1])
	ts.Check(err)
	count := func() (n int) {
		for _, e := range scriptOf(ts).server.Journal() {
			if e.Actor == args[0] && strings.HasSuffix(e.Path, "graphql") && strings.Contains(e.Body, "pullRequests") {
				n++
			}
		}
		return n
	}
	before := count()
	until(ts, args[0]+" has looked", func() (bool, string) { n := count() - before; return n > more, fmt.Sprint(n) })
}

// wordEventually repeats a command that only looks, until it prints what it must.
func wordEventually(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) > 1, "eventually PATTERN COMMAND [ARG…]")
	want, err := regexp.Compile(`(?m)` + args[0])
	ts.Check(err)
	until(ts, args[1]+" prints "+args[0], func() (bool, string) {
		ts.Check(ts.Exec(args[1], args[2:]...))
		return want.MatchString(ts.ReadFile("stdout")), ts.ReadFile("stdout")
	})
}

func wordSize(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 3, "size FILE LEAST MOST")
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	var least, most int64
	_, err = fmt.Sscan(args[1]+" "+args[2], &least, &most)
	ts.Check(err)
	if n := info.Size(); n < least || n > most {
		ts.Fatalf("%s has %d bytes, not %d to %d", args[0], n, least, most)
	}
}

func wordFile(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && (len(args) == 1 || len(args) == 2), "file NAME [PATTERN]")
	want := pattern(ts, strings.Join(args[1:], ""))
	until(ts, "file "+args[0], func() (bool, string) {
		data, err := os.ReadFile(ts.MkAbs(args[0]))
		if err != nil {
			return false, err.Error()
		}
		return want.Match(data), string(bytes.TrimSpace(data))
	})
}
