package selftest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// GitHub is what the probes ask of it. The bot's own client answers.
type GitHub interface {
	// Identity says who the bot is signed in as.
	Identity(ctx context.Context) (Identity, error)
	// Permission says what the bot may do in a repository ("owner/name"):
	// admin, write, read or none; withheld if its account may write, and its
	// token may not.
	Permission(ctx context.Context, repo string) (string, error)
	// Skew asks GitHub for the time and says how far our clock is ahead.
	Skew(ctx context.Context) (time.Duration, error)
}

// Errors of a GitHub that people mend elsewhere than where the question points.
var (
	ErrToken   = errors.New("github does not accept the token")
	ErrNoReply = errors.New("github cannot be reached")
)

// unanswered says why GitHub did not answer a question.
func unanswered(question string, err error) (Finding, error) {
	f := Finding{Text: question + ": " + err.Error()}
	switch {
	case errors.Is(err, ErrToken):
		f.Hint = "check GITHUB_TOKEN: it may be mistyped, expired or revoked"
	case errors.Is(err, ErrNoReply):
		f.Hint = "check this machine's network and proxy, and GITHUB_API_URL if it is set"
	default:
		return f, errors.New(f.Text)
	}
	return f, nil
}

// An Identity is who a token belongs to.
type Identity struct {
	Login  string
	App    bool     // an installation of a GitHub App
	Scopes []string // of a classic token; nil for the others, whose rights are bound to repositories
}

// Token asks whether GitHub knows the bot's token, and whether it can do more
// than a bot needs.
func Token(g GitHub) Probe {
	return Probe{
		Name: "token", Doc: "who is the bot on GitHub", Needed: true,
		Hint: "check GITHUB_TOKEN: it may be mistyped, expired or revoked",
		Check: func(ctx context.Context) (Finding, error) {
			who, err := g.Identity(ctx)
			if err != nil {
				return unanswered("sign in to GitHub", err)
			}
			f := Finding{OK: true, Text: "signed in as " + who.Login}
			if who.App {
				f.Text += ", a GitHub App"
			}
			if more := Excess(who.Scopes); len(more) > 0 {
				f.Text += "; the token may do more than a bot needs: " + strings.Join(more, ", ")
				f.Hint = "use a fine-grained token or a GitHub App that is limited to the repositories served"
			}
			return f, nil
		},
	}
}

// Excess lists the scopes of a classic token that no bot needs.
func Excess(scopes []string) []string {
	enough := []string{"repo:status", "public_repo", "repo", "read:org", "workflow", "user:email", "read:user"}
	return slices.DeleteFunc(slices.Clone(scopes), func(s string) bool { return s == "" || slices.Contains(enough, s) })
}

// Permission asks whether the bot may do its work in a repository.
func Permission(g GitHub, repo string) Probe {
	return Probe{
		Name: "access", Doc: "may the bot write to " + repo, Needed: true,
		Hint: "give the bot's account, or its App, write access to the repository",
		Check: func(ctx context.Context) (Finding, error) {
			may, err := g.Permission(ctx, repo)
			if err != nil {
				return unanswered("ask for the permission in "+repo, err)
			}
			switch may {
			case "admin", "maintain", "write":
				return Finding{OK: true, Text: may + " in " + repo}, nil
			case "read", "triage":
				return Finding{Text: "may only read " + repo + ", so no status can be posted there"}, nil
			case "withheld":
				return Finding{Text: "the token may only read " + repo + ", although its account may write there",
					Hint: "give the token write permission for commit statuses, issues, pull requests and contents"}, nil
			default:
				return Finding{Text: "has no access to " + repo + ", or there is no such repository",
					Hint: "check the name, and give the bot's account write access to it"}, nil
			}
		},
	}
}

// mostSkew is how far a clock may be off before people are told; GitHub's
// Date header is only good to a second.
const mostSkew = 30 * time.Second

// Clock asks whether our clock agrees with GitHub's. Claims are judged by
// GitHub's, so a wrong clock is no danger; but logs and certificates suffer.
func Clock(g GitHub) Probe {
	return Probe{
		Name: "clock", Doc: "does the clock agree with GitHub's",
		Hint: "set the clock, for example by NTP",
		Check: func(ctx context.Context) (Finding, error) {
			skew, err := g.Skew(ctx)
			if err != nil {
				return unanswered("ask GitHub for the time", err)
			}
			way := "ahead of"
			if skew < 0 {
				way = "behind"
			}
			if off := skew.Abs().Round(time.Second); off > mostSkew {
				return Finding{Text: fmt.Sprintf("the clock is %v %s GitHub's", off, way)}, nil
			}
			return Finding{OK: true, Text: "agrees with GitHub's"}, nil
		},
	}
}
