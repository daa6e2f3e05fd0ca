package fakehub

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	graphql "github.com/graph-gophers/graphql-go"
)

// A gqlIssue answers the fields of Issue, and those PullRequest has in common.
type gqlIssue struct {
	g  *gql
	i  *issue
	st issueState // as the viewer's replica has it
}

func (g *gql) issue(i *issue) *gqlIssue {
	st, _ := i.state.at(g.rq.asOf(issueDomain))
	return &gqlIssue{g, i, st}
}

// findIssue gives issue n if the viewer's replica has it.
func (g *gql) findIssue(r *repo, n int32) *issue {
	if n < 1 || int(n) > len(r.issues) {
		return nil
	}
	i := r.issues[n-1]
	if _, ok := i.state.at(g.rq.asOf(issueDomain)); !ok {
		return nil
	}
	return i
}

// Issue is an issue that is no pull request.
func (r *gqlRepo) Issue(args struct{ Number int32 }) (*gqlIssue, error) {
	if i := r.g.findIssue(r.r, args.Number); i != nil && !i.isPull(r.g.rq.asOf(issueDomain)) {
		return r.g.issue(i), nil
	}
	return nil, &gqlError{gqlNotFound, fmt.Sprintf("Could not resolve to an Issue with the number of %d.", args.Number)}
}

// A gqlIssueOrPull is either.
type gqlIssueOrPull struct {
	issue *gqlIssue
	pull  *gqlPull
}

func (x *gqlIssueOrPull) ToIssue() (*gqlIssue, bool)      { return x.issue, x.issue != nil }
func (x *gqlIssueOrPull) ToPullRequest() (*gqlPull, bool) { return x.pull, x.pull != nil }

// IssueOrPullRequest is whichever has the number.
func (r *gqlRepo) IssueOrPullRequest(args struct{ Number int32 }) (*gqlIssueOrPull, error) {
	i := r.g.findIssue(r.r, args.Number)
	switch {
	case i == nil:
		return nil, &gqlError{gqlNotFound, fmt.Sprintf(
			"Could not resolve to an issue or pull request with the number of %d.", args.Number)}
	case i.isPull(r.g.rq.asOf(issueDomain)):
		return &gqlIssueOrPull{pull: r.g.pull(i)}, nil
	}
	return &gqlIssueOrPull{issue: r.g.issue(i)}, nil
}

// A gqlIssueFilters is how issues may be chosen.
type gqlIssueFilters struct {
	Assignee, CreatedBy *string
	Labels, States      *[]string
	Since               *gqlScalar
}

// Issues are the issues that are no pull requests.
func (r *gqlRepo) Issues(args struct {
	gqlPage
	FilterBy *gqlIssueFilters
	Labels   *[]string
	OrderBy  *gqlOrder
	States   *[]string
},
) (*gqlConn[*gqlIssue], error) {
	filter := args.FilterBy
	if filter == nil {
		filter = &gqlIssueFilters{}
	}
	var since time.Time
	if filter.Since != nil {
		var err error
		if since, err = time.Parse(time.RFC3339, string(*filter.Since)); err != nil {
			return nil, &gqlError{gqlInvalid, "`since` is not a time."}
		}
	}
	t := r.g.rq.asOf(issueDomain)
	var list []*gqlIssue
	for _, i := range r.r.issues {
		st, ok := i.state.at(t)
		if !ok || i.isPull(t) {
			continue
		}
		if hasLabels(st.labels, args.Labels) && hasLabels(st.labels, filter.Labels) &&
			oneOf(issueStateName(st), args.States) && oneOf(issueStateName(st), filter.States) &&
			(filter.CreatedBy == nil || strings.EqualFold(i.author.login, *filter.CreatedBy)) &&
			isAssigned(st.assignees, filter.Assignee) && !st.updated.Before(since) {
			list = append(list, &gqlIssue{r.g, i, st})
		}
	}
	return orderIssues(list, args.OrderBy, args.gqlPage, func(i *gqlIssue) *gqlIssue { return i }, func(i *gqlIssue) *gqlIssue { return i })
}

// orderIssues sorts and pages issues or pull requests, of which common gives
// what they have in common.
func orderIssues[S, T any](list []S, by *gqlOrder, page gqlPage, common func(S) *gqlIssue, node func(S) T) (*gqlConn[T], error) {
	order := gqlOrder{Direction: "ASC", Field: "CREATED_AT"}
	if by != nil {
		order = *by
	}
	key := func(s S) string {
		i := common(s)
		switch order.Field {
		case "UPDATED_AT":
			return timeKey(i.st.updated, int64(i.i.number))
		case "COMMENTS":
			return fmt.Sprintf("%010d:%010d", len(i.comments()), i.i.number)
		}
		return fmt.Sprintf("%020d", i.i.number) // numbers are in the order of creation
	}
	desc := order.Direction == "DESC"
	if order.Field == "CREATED_AT" {
		if desc {
			slices.Reverse(list)
		}
	} else {
		slices.SortStableFunc(list, func(a, b S) int {
			if desc {
				a, b = b, a
			}
			return strings.Compare(key(a), key(b))
		})
	}
	return gqlConnect(gqlList[S]{items: list, key: func(n int) string { return key(list[n]) }, desc: desc}, page, node)
}

// hasLabels says whether one of the wanted labels is there, as GitHub's GraphQL filters.
func hasLabels(have []*label, want *[]string) bool {
	return want == nil || slices.ContainsFunc(have, func(l *label) bool {
		return slices.ContainsFunc(*want, func(w string) bool { return strings.EqualFold(l.name, w) })
	})
}

func oneOf(state string, want *[]string) bool { return want == nil || slices.Contains(*want, state) }

// isAssigned knows GitHub's "*" for anybody.
func isAssigned(have []*user, want *string) bool {
	if want == nil {
		return true
	}
	return slices.ContainsFunc(have, func(u *user) bool { return *want == "*" || strings.EqualFold(u.login, *want) })
}

func issueStateName(st issueState) string {
	if st.closed {
		return "CLOSED"
	}
	return "OPEN"
}

func (i *gqlIssue) Id() graphql.ID             { return gqlID("Issue", i.i.id) }
func (i *gqlIssue) DatabaseId() *int32         { return gqlInt(i.i.id) }
func (i *gqlIssue) FullDatabaseId() *gqlScalar { return new(gqlScalar(strconv.FormatInt(i.i.id, 10))) }
func (i *gqlIssue) Number() int32              { return int32(i.i.number) }
func (i *gqlIssue) Title() string              { return i.st.title }
func (i *gqlIssue) BodyHTML() gqlScalar        { return gqlScalar(i.i.repo.markdown(i.Body())) }
func (i *gqlIssue) Author() *gqlActor          { return i.g.actor(i.i.author) }
func (i *gqlIssue) AuthorAssociation() string  { return association(i.i.repo, i.i.author) }
func (i *gqlIssue) Closed() bool               { return i.st.closed }
func (i *gqlIssue) ClosedAt() *gqlScalar       { return gqlTimeOrNil(i.st.closedAt) }
func (i *gqlIssue) CreatedAt() gqlScalar       { return gqlTime(i.i.created) }
func (i *gqlIssue) UpdatedAt() gqlScalar       { return gqlTime(i.st.updated) }
func (i *gqlIssue) Locked() bool               { return i.st.locked }
func (i *gqlIssue) Repository() *gqlRepo       { return i.g.repo(i.i.repo) }
func (i *gqlIssue) State() string              { return issueStateName(i.st) }
func (i *gqlIssue) Url() gqlScalar {
	return gqlScalar(i.g.rq.site.issueHTML(i.i, i.i.isPull(i.g.rq.asOf(issueDomain))))
}

func (i *gqlIssue) ResourcePath() gqlScalar {
	return gqlScalar(strings.TrimPrefix(string(i.Url()), i.g.rq.site.html))
}

// Body is "" where REST has null.
func (i *gqlIssue) Body() string {
	if i.st.body == nil {
		return ""
	}
	return *i.st.body
}

// StateReason is null for an issue that was never closed.
func (i *gqlIssue) StateReason(struct{ EnableDuplicate bool }) *string {
	if i.st.reason == "" {
		return nil
	}
	return new(strings.ToUpper(i.st.reason))
}

// Labels are the issue's labels.
func (i *gqlIssue) Labels(args struct {
	gqlPage
	OrderBy gqlOrder
},
) (*gqlConn[*gqlLabel], error) {
	return i.g.labels(i.i.repo, i.st.labels, args.gqlPage, args.OrderBy)
}

// comments are those which the viewer's replica has, oldest first.
func (i *gqlIssue) comments() []*comment {
	t := i.g.rq.asOf(commentDomain)
	return slices.DeleteFunc(slices.Clone(i.i.comments.upTo(t)), func(c *comment) bool {
		st, ok := c.state.at(t)
		return !ok || st.deleted
	})
}

// Comments are the comments of the conversation.
func (i *gqlIssue) Comments(args struct {
	gqlPage
	OrderBy *gqlOrder
},
) (*gqlConn[*gqlComment], error) {
	t := i.g.rq.asOf(commentDomain)
	all := i.comments()
	key := func(c *comment) string { return fmt.Sprintf("%020d", c.id) }
	desc := false
	if args.OrderBy != nil {
		desc = args.OrderBy.Direction == "DESC"
		key = func(c *comment) string {
			st, _ := c.state.at(t)
			return timeKey(st.updated, c.id)
		}
		slices.SortFunc(all, func(a, b *comment) int {
			if desc {
				a, b = b, a
			}
			return strings.Compare(key(a), key(b))
		})
	}
	list := gqlList[*comment]{items: all, key: func(n int) string { return key(all[n]) }, desc: desc}
	return gqlConnect(list, args.gqlPage, func(c *comment) *gqlComment {
		st, _ := c.state.at(t)
		return &gqlComment{i, c, st}
	})
}

// A gqlComment answers the fields of IssueComment.
type gqlComment struct {
	i  *gqlIssue
	c  *comment
	st commentState
}

func (c *gqlComment) Id() graphql.ID     { return gqlID("IssueComment", c.c.id) }
func (c *gqlComment) DatabaseId() *int32 { return gqlInt(c.c.id) }
func (c *gqlComment) FullDatabaseId() *gqlScalar {
	return new(gqlScalar(strconv.FormatInt(c.c.id, 10)))
}
func (c *gqlComment) Author() *gqlActor         { return c.i.g.actor(c.c.author) }
func (c *gqlComment) AuthorAssociation() string { return association(c.i.i.repo, c.c.author) }
func (c *gqlComment) Body() string              { return c.st.body }
func (c *gqlComment) BodyHTML() gqlScalar       { return gqlScalar(c.i.i.repo.markdown(c.st.body)) }
func (c *gqlComment) CreatedAt() gqlScalar      { return gqlTime(c.c.created) }
func (c *gqlComment) UpdatedAt() gqlScalar      { return gqlTime(c.st.updated) }
func (c *gqlComment) Url() gqlScalar {
	return c.i.Url() + gqlScalar("#issuecomment-"+strconv.FormatInt(c.c.id, 10))
}

func (c *gqlComment) ResourcePath() gqlScalar {
	return gqlScalar(strings.TrimPrefix(string(c.Url()), c.i.g.rq.site.html))
}
