package agent

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cyborg-bots/cyborg/agent/checkout"
	"github.com/cyborg-bots/cyborg/claim/hub"
)

// Branches is the Outlet of a bot: branches in a fork of its account, which is made when it is first needed, or in the repository
// itself.
type Branches struct {
	Hub    *hub.Client
	Mirror func(repo string) (*checkout.Mirror, error)
	Login  string // the account that owns forks
	Within bool   // put branches into the repository itself; an App has no account to fork to
	Web    string // of the forge, for people
}

var _ Outlet = (*Branches)(nil)

// forkedIn is how long GitHub may take to make a fork before it can be pushed to.
const forkedIn = 2 * time.Minute

// Push implements Outlet.
func (b *Branches) Push(ctx context.Context, repo hub.Repo, h checkout.Harvest, branch string) (Branch, error) {
	mirror, err := b.Mirror(repo.String())
	if err != nil {
		return Branch{}, err
	}
	to, err := b.place(ctx, repo)
	if err != nil {
		return Branch{}, err
	}
	made := Branch{Head: branch, URL: fmt.Sprintf("%s/%s/commits/%s", b.Web, to.Name, branch)}
	if !strings.EqualFold(to.Name.String(), repo.String()) {
		made.Head = to.Name.Owner + ":" + branch
	}
	limit := time.Now().Add(forkedIn)
	for {
		err = mirror.Push(ctx, h, checkout.Target{URL: to.CloneURL, Branch: branch})
		if err == nil || !errors.Is(err, checkout.ErrUnknownRepo) || time.Now().After(limit) {
			return made, err
		}
		if e := pause(ctx, forkedIn/20); e != nil {
			return made, errors.Join(err, e)
		}
	}
}

// place is the repository that branches go to.
func (b *Branches) place(ctx context.Context, repo hub.Repo) (hub.Repository, error) {
	if b.Within || strings.EqualFold(repo.Owner, b.Login) {
		return b.Hub.Repository(ctx, repo)
	}
	return b.Hub.Fork(ctx, repo, b.Login)
}

// Onto implements Outlet.
func (b *Branches) Onto(ctx context.Context, repo hub.Repo, h checkout.Harvest, p hub.Pull) error {
	mirror, err := b.Mirror(repo.String())
	if err != nil {
		return err
	}
	name, err := hub.ParseRepo(p.HeadRepo)
	if err != nil {
		return fmt.Errorf("push onto #%d: its fork is gone: %w", p.Number, checkout.ErrRefused)
	}
	head, err := b.Hub.Repository(ctx, name)
	if err != nil {
		return err
	}
	return mirror.Push(ctx, h, checkout.Target{URL: head.CloneURL, Branch: p.HeadRef, Before: p.HeadSHA})
}
