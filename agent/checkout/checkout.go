// Package checkout gives each job a fresh directory with the commit it is to
// test, out of one git mirror per repository in the bot's state directory.
//
// # The mirror
//
// A mirror is a bare repository that holds only what was asked for: a ref is
// fetched when a job needs it, a commit that is missing is fetched by its id.
// Fetched refs are kept under refs/kept/ with a name made from theirs, so that
// a branch "a" that became "a/b" never blocks another; so a mirror is a cache
// of objects, and which name points where is always asked of the server.
//
// Several goroutines and several bots may use one state directory:
//
//	NAME.git/         the mirror; made aside and renamed, so never half there
//	NAME.fetch.lock   held exclusively by the one who talks to the server
//	NAME.use.lock     held shared by everybody who uses the mirror, exclusively
//	                  to make it, to replace it and to collect its garbage
//
// The locks are flocks which the git processes inherit: a bot that is killed
// leaves a git behind that ends by itself, and the lock lasts until then.
//
// A git command that fails without a reason we know makes the mirror suspect:
// git fsck decides, a damaged mirror is replaced by an empty one, and the command
// is tried once more.
//
// # The work tree
//
// A work tree is a repository of its own with no link to the mirror: no shared
// or hard-linked objects, no path, no credential. A job can do what it likes in
// it, and it can be moved into a container or a machine. The bot must not run
// git in it afterwards: a job can put commands into .git/config.
//
// Merge does what GitHub does for refs/pull/N/merge: always a merge commit, also
// where a fast-forward would do, so that the tested tree is the one that main will
// have. Its identity and date depend on the parents alone, so all bots make
// the same commit.
//
// # Secrets
//
// The token exists in the environment of one git command at a time
// (GIT_CONFIG_* with http.URL.extraHeader): not in an argument, a file or a
// remote's URL. It is taken out of all text that comes back from git.
//
// Everything that is in a repository is foreign text: names go to git as whole
// arguments after checks, output is read with -z and under limits, hooks, filters,
// submodules and large-file storage are off, and what git reads of
// configuration comes from this package alone.
package checkout

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Options are the settings of a Mirror.
type Options struct {
	Dir     string                                // state directory of all mirrors; may be shared by several bots
	URL     string                                // where to clone from, without credential: https://github.com/owner/name.git
	Token   func(context.Context) (string, error) // the credential, asked for before each request; nil or "" is none
	Git     string                                // the git program; empty is "git"
	Timeout time.Duration                         // of one git command; 0 is DefaultTimeout
	Limits  Limits                                // zero fields are those of DefaultLimits
	Log     *slog.Logger                          // the bot's own log; nil discards
}

// DefaultTimeout is how long one git command may take.
const DefaultTimeout = 15 * time.Minute

// Limits bound what a repository can make the bot do. A tree of a few
// kilobytes can stand for billions of files.
type Limits struct {
	Files     int   // that Files returns
	File      int64 // bytes of one of them
	Total     int64 // bytes of all of them
	TreeFiles int   // in a work tree
	TreeBytes int64 // in a work tree, .git not counted
}

// DefaultLimits returns limits that no honest repository has met.
func DefaultLimits() Limits {
	return Limits{Files: 2000, File: 1 << 20, Total: 16 << 20, TreeFiles: 1_000_000, TreeBytes: 32 << 30}
}

// Mirror is the local copy of one repository. Its methods may be called
// concurrently.
type Mirror struct {
	o      Options
	path   string // of the bare repository
	scheme string // the only transport that git may use
}

// Open returns the mirror of o.URL below o.Dir. Nothing is fetched before it
// is needed.
func Open(o Options) (*Mirror, error) {
	u, err := url.Parse(o.URL)
	if err != nil {
		return nil, errors.New("open mirror: the repository's address is no URL") // which may contain anything
	}
	if u.User != nil {
		return nil, fmt.Errorf("open mirror of %s: the address contains a credential; hint: give the token by itself", u.Redacted())
	}
	switch u.Scheme {
	case "https", "http", "file":
	default:
		return nil, fmt.Errorf("open mirror of %s: neither https, http nor file", o.URL)
	}
	if u.Scheme != "file" && u.Host == "" || strings.Trim(u.Path, "/") == "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("open mirror of %s: not the address of a repository", o.URL)
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("open mirror of %s: %w", o.URL, err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open mirror of %s: %w", o.URL, err)
	}
	fill(&o)
	return &Mirror{o: o, path: filepath.Join(dir, mirrorName(u)), scheme: u.Scheme}, nil
}

// fill sets what was left at zero.
func fill(o *Options) {
	if o.Git == "" {
		o.Git = "git"
	}
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	d := DefaultLimits()
	orInt := func(field *int, value int) {
		if *field == 0 {
			*field = value
		}
	}
	orInt64 := func(field *int64, value int64) {
		if *field == 0 {
			*field = value
		}
	}
	orInt(&o.Limits.Files, d.Files)
	orInt(&o.Limits.TreeFiles, d.TreeFiles)
	orInt64(&o.Limits.File, d.File)
	orInt64(&o.Limits.Total, d.Total)
	orInt64(&o.Limits.TreeBytes, d.TreeBytes)
}

// mirrorName makes a directory name of an address: readable, and different
// for different addresses.
func mirrorName(u *url.URL) string {
	const most = 80
	text := strings.TrimSuffix(u.Host+u.Path, ".git")
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return '_'
	}, text)
	sum := sha256.Sum256([]byte(u.String()))
	return strings.Trim(clean[max(0, len(clean)-most):], "_") + "-" + hex.EncodeToString(sum[:4]) + ".git"
}

// name is the repository for people.
func (m *Mirror) name() string { return m.o.URL }
