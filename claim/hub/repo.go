package hub

import (
	"fmt"
	"strings"
)

// A Repo names a repository, as in "owner/name".
type Repo struct{ Owner, Name string }

// ParseRepo reads "owner/name". It accepts only what GitHub accepts as names, so that
// a Repo can be put into a path or an argument vector as it is.
func ParseRepo(s string) (Repo, error) {
	owner, name, ok := strings.Cut(s, "/")
	if !ok || !validOwner(owner) || !validRepoName(name) {
		return Repo{}, fmt.Errorf("parse repository %q: not of the form owner/name (letters, digits, '-', and in the name also '.' and '_')", cut(s, 100))
	}
	return Repo{Owner: owner, Name: name}, nil
}

// String gives "owner/name".
func (r Repo) String() string { return r.Owner + "/" + r.Name }

// check refuses a Repo that was not made by ParseRepo and would make another path.
func (r Repo) check() error {
	_, err := ParseRepo(r.String())
	return err
}

func validOwner(s string) bool {
	return s != "" && len(s) <= 100 && only(s, "-_")
}

func validRepoName(s string) bool {
	return s != "" && len(s) <= 100 && s != "." && s != ".." && only(s, "-_.")
}

// validLogin tells whether s can be a user's or a bot's login ("dependabot[bot]").
func validLogin(s string) bool {
	return validOwner(strings.TrimSuffix(s, "[bot]"))
}

// validSHA tells whether s is a full object id, of SHA-1 or SHA-256.
func validSHA(s string) bool {
	if len(s) != 40 && len(s) != 64 {
		return false
	}
	for _, r := range []byte(s) {
		if !('0' <= r && r <= '9' || 'a' <= r && r <= 'f') {
			return false
		}
	}
	return true
}

// validRef tells whether s is a full ref name that git would take, near enough to keep it
// from meaning something else in a path.
func validRef(s string) bool {
	rest, ok := strings.CutPrefix(s, "refs/")
	if !ok || len(s) > 400 || !strings.Contains(rest, "/") || strings.HasSuffix(s, "/") || strings.HasSuffix(s, ".") {
		return false
	}
	for part := range strings.SplitSeq(rest, "/") {
		if part == "" || strings.HasPrefix(part, ".") || strings.HasSuffix(part, ".lock") {
			return false
		}
	}
	return !strings.Contains(s, "..") && !strings.Contains(s, "@{") && !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r == 0x7f || strings.ContainsRune(`~^:?*[\`, r)
	})
}

func only(s, extra string) bool {
	for _, r := range s {
		if !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune(extra, r)) {
			return false
		}
	}
	return true
}

// cut shortens s to at most n bytes, at a rune's border, and makes control characters visible as spaces:
// GitHub's texts end in logs and on terminals.
func cut(s string, n int) string {
	if len(s) > n {
		s = strings.ToValidUTF8(s[:n], "") + "…"
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
}
