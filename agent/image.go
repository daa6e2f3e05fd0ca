package agent

import (
	"slices"
	"strings"

	"github.com/cyborg-bots/cyborg/claim/hub"
	"github.com/cyborg-bots/cyborg/tasks"
)

// refreshTask is the task that proposes new disks.
const refreshTask = "image-refresh"

// concerned lists the contexts that a pull request asks for: all, but that of a new disk asks only for those that start
// a machine from it, as it changes the disk's link and nothing else. That it is one its branch says, which is named by who with write
// access made it. What people have asked for by a status is done in any case; and if no context runs in the disk, all are.
func (v *view) concerned(p hub.Pull) []tasks.Context {
	all := v.Catalogue.ContextsFor(tasks.PullRequest, p.BaseRef)
	if !strings.HasPrefix(p.HeadRef, refreshTask+"-") || v.outsider(p) != "" {
		return all
	}
	used := false
	some := slices.DeleteFunc(slices.Clone(all), func(c tasks.Context) bool {
		runs := slices.ContainsFunc(c.Images(), func(image string) bool { return refreshes(p.HeadRef, image) })
		used = used || runs
		asked := slices.ContainsFunc(p.Contexts, func(s hub.Status) bool { return strings.EqualFold(s.Context, c.Name) })
		return !runs && !asked
	})
	if !used {
		return all
	}
	return some
}

// refreshes reports whether a branch is that of a new disk of an image.
func refreshes(branch, image string) bool {
	nonce, ok := strings.CutPrefix(branch, branchName(refreshTask+" "+image, ""))
	return ok && nonce != "" && !strings.Contains(nonce, "-")
}
