package claim

import (
	"fmt"
	"strings"
)

// A Subject is what a job is done to: one context of a commit, or one item of an issue's checklist. It is the key under
// which bots compete, so two bots that mean the same job must fill it in alike.
type Subject struct {
	Repo    string // owner/name
	SHA     string // of a commit; with Context
	Context string // GitHub compares contexts without regard to case, and so does every board
	Issue   int    // of an issue; with Item
	Item    string // the checklist's line without its box: "image-refresh debian-13"
}

// String names the subject for people and logs: "acme/widget@1a2b3c4d verify/debian-13" or "acme/widget#12 po-refresh".
func (s Subject) String() string {
	if s.Issue != 0 {
		return strings.TrimSpace(fmt.Sprintf("%s#%d %s", s.Repo, s.Issue, s.Item))
	}
	return fmt.Sprintf("%s@%.8s %s", s.Repo, s.SHA, s.Context)
}

// Key is equal for two subjects exactly if a claim of one excludes a claim of the other: an issue has one title, so all
// items of an issue share a key.
func (s Subject) Key() string {
	if s.Issue != 0 {
		return fmt.Sprintf("%s#%d", strings.ToLower(s.Repo), s.Issue)
	}
	return fmt.Sprintf("%s@%s:%s", strings.ToLower(s.Repo), s.SHA, strings.ToLower(s.Context))
}

// check refuses a subject that no board could keep.
func (s Subject) check() error {
	switch {
	case strings.Count(s.Repo, "/") != 1:
		return fmt.Errorf("claim %s: repository %q is not owner/name", s, s.Repo)
	case s.Issue == 0 && (s.SHA == "" || s.Context == ""):
		return fmt.Errorf("claim %s: neither an issue nor a commit with a context", s)
	}
	return nil
}
