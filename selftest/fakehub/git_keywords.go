package fakehub

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// closingKeyword finds what GitHub takes for "closes an issue": one of nine
// words, perhaps a colon, and a reference: #N, OWNER/NAME#N or the address of
// the issue.
var closingKeyword = regexp.MustCompile(
	`(?i)\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?[ \t]+` +
		`(?:([a-z0-9-]+/[a-z0-9._-]+)?#|https?://[^\s/]+/([a-z0-9-]+/[a-z0-9._-]+)/(?:issues|pull)/)([0-9]{1,9})\b`)

// scanLimit is how many commits of one push are searched for keywords.
const scanLimit = 1000

// A reference is an issue that a text wants to have closed. repo is empty for
// the repository that the text is in.
type reference struct {
	repo   string // OWNER/NAME
	number int
}

// closingReferences finds all references with a closing keyword, each once.
func closingReferences(text string) []reference {
	var refs []reference
	for _, m := range closingKeyword.FindAllStringSubmatch(text, -1) {
		n, err := strconv.Atoi(m[3])
		ref := reference{repo: m[1] + m[2], number: n}
		if err == nil && n > 0 && !slices.Contains(refs, ref) {
			refs = append(refs, ref)
		}
	}
	return refs
}

// closeByCommits closes what the messages of the commits say that came into
// the default branch.
func (s *Server) closeByCommits(ctx context.Context, now time.Time, r *repo, by *user, m branchMove) error {
	list, err := r.git.commits(ctx, m.new, []string{m.old}, scanLimit)
	if err != nil {
		return err
	}
	slices.Reverse(list)
	for _, sha := range list {
		c, err := r.commit(ctx, sha)
		if err != nil {
			return err
		}
		s.closeReferences(now, r, by, c.Message, sha)
	}
	return nil
}

// closeByBody closes what the description of a merged pull request says, if it
// was merged into the default branch.
func (s *Server) closeByBody(now time.Time, is *issue, by *user, commit string) {
	if body := is.state.last().body; body != nil && is.pull.state.last().baseRef == is.repo.defaultBranch {
		s.closeReferences(now, is.repo, by, *body, commit)
	}
}

// closeReferences closes the open issues that text refers to with a keyword, as
// far as the user may. Pull requests are not closed by keywords.
func (s *Server) closeReferences(now time.Time, r *repo, by *user, text, commit string) {
	for _, ref := range closingReferences(text) {
		target := r
		if ref.repo != "" {
			target = s.repos[strings.ToLower(ref.repo)]
		}
		if target == nil || ref.number > len(target.issues) {
			continue
		}
		is := target.issues[ref.number-1]
		if is.pull != nil || is.state.last().closed || target != r && target.permission(by) < Write {
			continue
		}
		s.closeIssue(now, is, by, commit)
	}
}
