//go:build docker

package dock

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"
)

// firstTask is what a newcomer commits; see the README.
const firstTask = `#!/bin/sh
# verify: run the tests
# on: pull request
# in: host
sh -n bots/verify && echo "it is well"
`

// TestNewcomer counts the steps and the seconds from nothing to the first green status, with nothing set but what must be: a
// token and the name of a repository.
func TestNewcomer(t *testing.T) {
	const repo = "acme/widget"
	d := enter(t, 5*time.Minute, repo)
	began := time.Now()
	var steps []string
	step := func(what string, do func()) {
		t.Helper()
		from := time.Now()
		do()
		steps = append(steps, what)
		t.Logf("step %d, %5.1f s: %s", len(steps), time.Since(from).Seconds(), what)
	}
	var heads []string
	step("commit bots/verify to main, and open a pull request as always", func() { heads = d.open(repo, "verify", firstTask, 1) })
	step("docker run -d --restart=always -e GITHUB_TOKEN -e CYBORG_REPO=owner/name cyborg:slim", func() { d.bot("first", repo) })
	step("read the result on the pull request", func() {
		d.until("there is a green status", func() bool {
			var list []status
			err := d.api("ada", http.MethodGet, fmt.Sprintf("repos/%s/commits/%s/statuses", repo, heads[0]), nil, &list)
			return err == nil && slices.ContainsFunc(list, func(s status) bool { return s.State == "success" || s.State == "failure" })
		})
	})
	marks := d.marks(repo, heads[0])["verify"]
	last := marks[len(marks)-1]
	t.Logf("%d steps, %.0f s: %q", len(steps), time.Since(began).Seconds(), last.Text)
	if last.State != "success" {
		t.Errorf("the first status is %s: %s", last.State, last.Text)
	}
}
