// Package people is what people do in exercises, as they do it: with git, and with plain requests to GitHub's API. It knows
// nothing of bots and of how an emulator is made, so that what it sees is seen by a witness of its own.
package people

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A Person is somebody with an account: people use git and the API as people do.
type Person struct {
	Login string
	Token string
	URL   string // of the emulator, without a slash at its end
}

// Do sends one request to the API, path as in "repos/acme/widget/issues", and decodes the answer into out: nil drops it, a
// *string gets it as it is.
func (p Person) Do(ctx context.Context, method, path string, body, out any) error {
	var data io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		data = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, p.URL+"/"+path, data)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "token "+p.Token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("%s %s as %s: %w", method, path, p.Login, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return fmt.Errorf("%s %s as %s: %w", method, path, p.Login, err)
	case resp.StatusCode >= 300:
		return fmt.Errorf("%s %s as %s: %s: %s", method, path, p.Login, resp.Status, answer[:min(len(answer), 500)])
	}
	switch out := out.(type) {
	case nil:
		return nil
	case *string:
		*out = string(answer)
		return nil
	}
	return json.Unmarshal(answer, out)
}

// A Clone is a person's work tree of a repository.
type Clone struct {
	Dir   string
	Login string // whose commits are made in it
}

// Remote is a repository's address, with which the person may fetch and push.
func (p Person) Remote(repo string) string {
	return strings.Replace(p.URL, "://", "://"+p.Login+":"+p.Token+"@", 1) + "/" + repo + ".git"
}

// Clone makes a work tree in dir: of an empty repository an empty one on the branch main.
func (p Person) Clone(ctx context.Context, repo, dir string) (*Clone, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	c := &Clone{Dir: dir, Login: p.Login}
	for _, args := range [][]string{
		{"init", "-q", "-b", "main"}, {"remote", "add", "origin", p.Remote(repo)}, {"fetch", "-q", "origin"},
	} {
		if err := c.Git(ctx, args...); err != nil {
			return nil, err
		}
	}
	if c.Git(ctx, "rev-parse", "-q", "--verify", "origin/main") == nil {
		return c, c.Git(ctx, "reset", "-q", "--hard", "origin/main")
	}
	return c, nil
}

// Git runs git in the work tree, with the person's name and nobody's settings.
func (c *Clone) Git(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = c.Dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_TERMINAL_PROMPT=0",
		"GIT_AUTHOR_NAME="+c.Login, "GIT_AUTHOR_EMAIL="+c.Login+"@example.com",
		"GIT_COMMITTER_NAME="+c.Login, "GIT_COMMITTER_EMAIL="+c.Login+"@example.com")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("git %s as %s: %w: %s", args[0], c.Login, err, bytes.TrimSpace(out))
	}
	return nil
}

// Edit replaces text in a file of the work tree; it must be there.
func (c *Clone) Edit(name, before, after string) error {
	path := filepath.Join(c.Dir, filepath.FromSlash(name))
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if !bytes.Contains(data, []byte(before)) {
		return fmt.Errorf("edit %s: %q is not in it", name, before)
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	return os.WriteFile(path, bytes.Replace(data, []byte(before), []byte(after), 1), info.Mode())
}

// Commit commits everything in the work tree.
func (c *Clone) Commit(ctx context.Context, message string) error {
	if err := c.Git(ctx, "add", "-A"); err != nil {
		return err
	}
	return c.Git(ctx, "commit", "-q", "-m", message)
}
