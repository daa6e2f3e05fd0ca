package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/url"

	"github.com/cyborg-bots/cyborg/agent"
	"github.com/cyborg-bots/cyborg/agent/checkout"
	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/claim/hub"
)

// The values of --push-to.
const (
	toFork = "fork"
	toRepo = "repository"
)

// registerErrands adds the flags for work on issues.
func (f *runFlags) registerErrands(fs *flag.FlagSet) {
	fs.StringVar(&f.pushTo, "push-to", "", "put branches into a `fork` of the bot's account, which is made if it is not there, or into the\n"+
		"repository itself (default: fork; an App has no account, and takes the repository)")
}

// checkErrands refuses values that the flags cannot have.
func (f *runFlags) checkErrands() error {
	switch f.pushTo {
	case "", toFork, toRepo:
		return nil
	}
	return usageError("run: --push-to %s: fork or repository", f.pushTo)
}

// issueBoard is where claims of issues are kept: in their titles, also with --locks. A ref would fence what GitHub fences by itself:
// the branch has the claim's nonce in its name, of two conversions of an issue one is refused, and a push onto a pull request names
// the head that it builds on.
func (b *bot) issueBoard() claim.Board {
	return claim.NewIssueBoard(b.hub, b.policy, agent.Tick, "")
}

// errands is what the bot needs to work on issues, under its account.
func (b *bot) errands(user hub.User) *agent.Errands {
	return &agent.Errands{
		Board: b.issueBoard(), Desk: b.hub, Scribe: b.hub, Login: user.Login, Author: authorOf(user, b.web()),
		Outlet: &agent.Branches{Hub: b.hub, Mirror: b.mirror, Login: user.Login, Within: user.App && b.flags.pushTo == "" || b.flags.pushTo == toRepo, Web: b.web()},
	}
}

// authorOf is the account as it commits: with the address that GitHub gives to every account, by which it knows whose a commit
// is.
func authorOf(user hub.User, web string) checkout.Person {
	host := "users.noreply.github.com"
	if web != "" && web != "https://github.com" {
		host = "users.noreply." + hostOf(web)
	}
	return checkout.Person{Name: user.Login, Email: fmt.Sprintf("%d+%s@%s", user.ID, user.Login, host)}
}

// giveBack returns the claims of a bot that was killed, each kind to its board.
func (b *bot) giveBack(ctx context.Context, left []claim.Entry) ([]claim.Entry, error) {
	var commits, issues []claim.Entry
	for _, e := range left {
		if e.Subject.Issue != 0 {
			issues = append(issues, e)
		} else {
			commits = append(commits, e)
		}
	}
	commits, err := claim.Return(ctx, b.board(), commits, b.policy)
	issues, err2 := claim.Return(ctx, b.issueBoard(), issues, b.policy)
	return append(commits, issues...), errors.Join(err, err2)
}

// hostOf is the host of an address, without its port.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "localhost"
	}
	return u.Hostname()
}
