package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/cyborg-bots/cyborg/claim/hub"
	"github.com/cyborg-bots/cyborg/selftest"
)

// examinedHub asks GitHub for the self-exam.
type examinedHub struct{ hub *hub.Client }

var _ selftest.GitHub = examinedHub{}

// sorted says of an error what kind of trouble it is, as the self-exam tells them apart.
func sorted(err error) error {
	if errors.Is(err, hub.ErrUnauthorized) {
		return fmt.Errorf("%w: %w", selftest.ErrToken, err)
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return fmt.Errorf("%w: %w", selftest.ErrNoReply, err)
	}
	return err
}

// Identity implements selftest.GitHub.
func (e examinedHub) Identity(ctx context.Context) (selftest.Identity, error) {
	user, err := e.hub.User(ctx)
	return selftest.Identity{Login: user.Login, App: user.App, Scopes: scopesOf(user)}, sorted(err)
}

// nowhere is a commit that is in no repository.
const nowhere = "0000000000000000000000000000000000000000"

// Permission implements selftest.GitHub. What the description of a repository says is about the account; a token may be
// allowed less, and of an App nothing is said. So a status is posted on a commit that is not there: GitHub asks who may
// before it looks for that.
func (e examinedHub) Permission(ctx context.Context, name string) (string, error) {
	repo, err := hub.ParseRepo(name)
	if err != nil {
		return "", err
	}
	r, err := e.hub.Repository(ctx, repo)
	switch {
	case errors.Is(err, hub.ErrGone):
		return "none", nil
	case err != nil:
		return "", sorted(err)
	}
	may := r.Permission
	if user, err := e.hub.User(ctx); err == nil && user.App {
		may = "write"
	}
	if !writes(may) {
		return may, nil
	}
	_, err = e.hub.PostStatus(ctx, repo, nowhere, hub.Status{State: "pending", Context: "cyborg-selftest", Description: "May this bot post statuses?"})
	refused, ok := errors.AsType[*hub.RefusedError](err)
	switch {
	case err == nil, ok && refused.Status == 422:
		return may, nil
	case errors.Is(err, hub.ErrForbidden), errors.Is(err, hub.ErrGone):
		return "withheld", nil
	}
	return "", sorted(err)
}

// Skew implements selftest.GitHub. Also an answer that refuses the token has the time.
func (e examinedHub) Skew(ctx context.Context) (time.Duration, error) {
	_, err := e.hub.User(ctx)
	if skew, ok := e.hub.Skew(); ok {
		return skew, nil
	}
	if err == nil {
		err = errors.New("github did not tell the time")
	}
	return 0, sorted(err)
}
