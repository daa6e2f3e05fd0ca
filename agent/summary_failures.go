package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/cyborg-bots/cyborg/publish"
)

// What is told of the tests of one context.
const (
	mostFailures = 20      // tests
	mostResults  = 8 << 20 // bytes of results.json that are read
)

// A failed is a test that did not pass, or what stands for more of them.
type failed struct {
	Name  string
	First string // line of its message
	More  int    // instead: how many more there are
}

// row is a line of the summary.
func (f failed) row(page string) string {
	if f.More > 0 {
		return fmt.Sprintf(" * and %d more\n", f.More)
	}
	name := quote(f.Name)
	if plainAddress.MatchString(page) {
		anchor := strings.NewReplacer("(", "%28", ")", "%29").Replace(url.PathEscape(f.Name))
		name = "[" + name + "](" + page + "#test=" + anchor + ")"
	}
	if f.First != "" {
		name += ": " + quote(f.First)
	}
	return " * " + name + "\n"
}

// failures reads the names of the failed tests, by context, as far as the logs are where this bot keeps its own.
func (a *Agent) failures(ctx context.Context, jobs []Entry) map[string][]failed {
	all := map[string][]failed{}
	for _, e := range jobs {
		if rankOf(e) != 0 {
			continue
		}
		name, ok := a.objectOf(e.URL)
		if !ok {
			continue
		}
		results, err := a.results(ctx, name)
		if err != nil {
			a.c.Log.Debug("cannot read results", "log", e.URL, "error", err)
			continue
		}
		all[e.Context] = failedOf(results)
	}
	return all
}

// objectOf is the name of results.json beside a page, if the page is in this bot's store.
func (a *Agent) objectOf(page string) (string, bool) {
	base, ok := strings.CutSuffix(a.c.Store.URL("x"), "x")
	if !ok || base == "" {
		return "", false
	}
	rest, ok := strings.CutPrefix(page, base)
	folder, isPage := strings.CutSuffix(rest, "/log.html")
	name, err := url.PathUnescape(folder)
	return name + "/results.json", ok && isPage && err == nil
}

func (a *Agent) results(ctx context.Context, name string) (publish.Results, error) {
	var r publish.Results
	body, err := a.c.Store.Get(ctx, name)
	if err != nil {
		return r, err
	}
	defer body.Close()
	data, err := io.ReadAll(io.LimitReader(body, mostResults))
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(data, &r)
}

// failedOf lists the tests that did not pass, in the order in which they ran.
func failedOf(r publish.Results) []failed {
	var list []failed
	more := 0
	for _, t := range r.Tests {
		if t.Status != publish.Failed {
			continue
		}
		if len(list) == mostFailures {
			more++
			continue
		}
		first, _, _ := strings.Cut(strings.TrimSpace(t.Message), "\n")
		list = append(list, failed{Name: t.Name, First: strings.TrimSpace(first)})
	}
	if more > 0 {
		list = append(list, failed{More: more})
	}
	return list
}
