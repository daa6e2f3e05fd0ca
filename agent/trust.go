package agent

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/cyborg-bots/cyborg/claim/hub"
)

// trustFor is how long an answer about somebody's permission is used without asking again. GitHub is asked at claim
// time (6-security.md R1); asking costs nothing while the answer is unchanged.
const trustFor = time.Minute

// A verdict is what GitHub said of a person, and when.
type verdict struct {
	writer bool
	asked  time.Time
}

// trusted asks GitHub which authors of pull requests from forks, and which owners of their forks, have write access.
// Somebody about whom it will not answer is an outsider.
func (a *Agent) trusted(ctx context.Context, repo hub.Repo, pulls []hub.Pull) (map[string]bool, error) {
	list := map[string]bool{}
	for _, p := range pulls {
		if strings.EqualFold(p.HeadRepo, repo.String()) {
			continue
		}
		owner, _, _ := strings.Cut(p.HeadRepo, "/")
		for _, login := range []string{strings.ToLower(p.Author), strings.ToLower(owner)} {
			if _, known := list[login]; known || login == "" {
				continue
			}
			writer, err := a.writes(ctx, repo, login)
			if err != nil {
				return nil, err
			}
			list[login] = writer
			if !writer {
				break // who owns the fork changes nothing
			}
		}
	}
	return list, nil
}

// writes tells whether a person may push to the repository.
func (a *Agent) writes(ctx context.Context, repo hub.Repo, login string) (bool, error) {
	key := strings.ToLower(repo.String() + " " + login)
	a.mu.Lock()
	v, ok := a.trust[key]
	a.mu.Unlock()
	if ok && time.Since(v.asked) < trustFor {
		return v.writer, nil
	}
	return a.mayWrite(ctx, repo, login)
}

// mayWrite is writes that asks GitHub now. It may be called from any goroutine.
func (a *Agent) mayWrite(ctx context.Context, repo hub.Repo, login string) (bool, error) {
	if a.ourselves(login) {
		return true, nil
	}
	permission, err := a.c.Hub.Permission(ctx, repo, login)
	if err != nil && !errors.Is(err, hub.ErrGone) && !errors.Is(err, hub.ErrForbidden) {
		return false, err
	}
	writer := err == nil && (permission == "admin" || permission == "maintain" || permission == "write")
	a.mu.Lock()
	defer a.mu.Unlock()
	a.trust[strings.ToLower(repo.String()+" "+login)] = verdict{writer, time.Now()}
	return writer, nil
}

// ourselves tells whether a login is our account's. An App is nobody's collaborator.
func (a *Agent) ourselves(login string) bool {
	return a.c.Errands != nil && login != "" && strings.EqualFold(login, a.c.Errands.Login)
}
