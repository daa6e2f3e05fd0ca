package fakehub

import (
	"net/http"
	"strings"
)

// pullInput is the body of a new pull request.
type pullInput struct {
	Title    optional[plainText] `json:"title"`
	Body     optional[plainText] `json:"body"`
	Head     string              `json:"head"`
	HeadRepo string              `json:"head_repo"`
	Base     string              `json:"base"`
	Issue    int64               `json:"issue"` // make a pull request of this issue
	Draft    bool                `json:"draft"`
	Modify   bool                `json:"maintainer_can_modify"`
}

// A newPull is a checked pullInput.
type newPull struct {
	in      *pullInput
	issue   *issue // to be converted, or nil
	head    *repo
	headRef string
	headSHA string
	baseSHA string
}

func createPull(rq *request) response {
	var in pullInput
	if no := rq.decode(&in); no != nil {
		return *no
	}
	p := newPull{in: &in}
	for _, check := range []func(*newPull) *response{rq.checkSource, rq.checkBranches, rq.checkRights, rq.checkDifference} {
		if no := check(&p); no != nil {
			return *no
		}
	}
	return rq.createdPull(rq.openNewPull(&p))
}

// createdPull answers 201 with where it is.
func (rq *request) createdPull(is *issue) response {
	r := rq.pullResponse(http.StatusCreated, is)
	r.location = rq.site.pull(is)
	return r
}

// checkSource looks at the title and text, or at the issue to be converted.
func (rq *request) checkSource(p *newPull) *response {
	in := p.in
	if in.Issue == 0 {
		if in.Title.pointer() == nil {
			return new(rq.invalid(fieldError{Resource: "PullRequest", Field: "title", Code: "missing_field"}))
		}
		if errs := textErrors("PullRequest", in.Title.pointer(), in.Body.pointer()); errs != nil {
			return new(rq.invalid(errs...))
		}
		return nil
	}
	p.issue = rq.repo.issueAt(in.Issue, rq.now)
	switch {
	case p.issue == nil:
		return new(rq.invalid(fieldError{Resource: "PullRequest", Field: "issue", Code: "invalid"}))
	case p.issue.pull != nil:
		return new(rq.invalid(custom("PullRequest", "issue", "Issue is already a pull request")))
	case p.issue.state.last().closed:
		return new(rq.invalid(custom("PullRequest", "issue", "Issue is closed")))
	case !rq.may("issues", Write) && p.issue.author != rq.actor.user:
		return refuse(false, http.StatusForbidden, mustAdmin)
	}
	return nil
}

// checkBranches finds the head, "branch" or "owner:branch", and the base.
func (rq *request) checkBranches(p *newPull) *response {
	invalid := func(field, code string) *response {
		return new(rq.invalid(fieldError{Resource: "PullRequest", Field: field, Code: code}))
	}
	switch {
	case p.in.Base == "":
		return invalid("base", "missing_field")
	case p.in.Head == "":
		return invalid("head", "missing_field")
	}
	p.baseSHA = rq.repo.refAt("refs/heads/"+p.in.Base, rq.now)
	if p.baseSHA == "" {
		return invalid("base", "invalid")
	}
	p.head, p.headRef = rq.repo, p.in.Head
	if owner, branch, other := strings.Cut(p.in.Head, ":"); other {
		p.head, p.headRef = rq.repo.ofNetwork(owner), branch
	}
	if p.in.HeadRepo != "" {
		p.head = rq.s.repos[strings.ToLower(p.in.HeadRepo)]
	}
	if p.head == nil || p.head.gone || p.head.permission(rq.actor.user) < Read && p.head != rq.repo {
		return invalid("head", "invalid")
	}
	if p.headSHA = p.head.refAt("refs/heads/"+p.headRef, rq.now); p.headSHA == "" {
		return invalid("head", "invalid")
	}
	return nil
}

// checkRights: one who may write to neither side cannot open a pull request for
// others, and only who may push to the head can let others do so.
func (rq *request) checkRights(p *newPull) *response {
	pushes := p.head.permission(rq.actor.user) >= Write
	if rq.actor.installation() != nil {
		pushes = p.head == rq.repo
	}
	if !pushes && !rq.may("pull_requests", Write) {
		return new(rq.invalid(custom("PullRequest", "", "must be a collaborator")))
	}
	if p.in.Modify && p.head != rq.repo && !pushes {
		return new(rq.invalid(custom("PullRequest", "fork_collab", "Fork collab can't be granted by someone without permission")))
	}
	return nil
}

// checkDifference refuses what has no commits, and what is open already.
func (rq *request) checkDifference(p *newPull) *response {
	if rq.openPull(p.head, p.headRef, p.in.Base) != nil {
		return new(rq.invalid(custom("PullRequest", "", "A pull request already exists for "+p.head.owner.login+":"+p.headRef+".")))
	}
	if p.head != rq.repo {
		if err := rq.repo.git.take(rq.ctx, p.head.git, p.headSHA); err != nil {
			return new(rq.broken(err))
		}
	}
	base, err := rq.repo.git.mergeBase(rq.ctx, p.baseSHA, p.headSHA)
	if err != nil {
		return new(rq.broken(err))
	}
	switch base {
	case "":
		return new(rq.invalid(custom("PullRequest", "", "The "+p.headRef+" branch has no history in common with "+p.in.Base)))
	case p.headSHA:
		return new(rq.invalid(custom("PullRequest", "", "No commits between "+p.in.Base+" and "+p.in.Head)))
	}
	return nil
}

// openNewPull makes the pull request, out of an issue if there is one.
func (rq *request) openNewPull(p *newPull) *issue {
	is, by := p.issue, rq.actor.user
	made := &pull{id: rq.s.nextID(), since: rq.now, headRepo: p.head, headRef: p.headRef}
	made.state.set(rq.now, pullState{
		headSHA: p.headSHA, baseRef: p.in.Base, baseSHA: p.baseSHA, draft: p.in.Draft, modify: p.in.Modify && p.head != rq.repo,
	})
	if is == nil {
		is = rq.s.newNumber(rq.now, rq.repo, by, string(p.in.Title.value), (*string)(p.in.Body.pointer()))
	} else {
		is.converted = true
		is.edit(rq.now, func(*issueState) {})
	}
	made.issue, is.pull = is, made
	rq.s.noteIssue(rq.now, is, by, "opened")
	rq.s.pullOpened(rq.ctx, rq.now, is)
	return is
}
