package fakehub

import "time"

// Limits are the budgets of a user. Zero switches a limit off, as an Enterprise
// server has it. What is part of the data (the length of a title, 1,000
// statuses) always holds.
type Limits struct {
	// Primary is the REST requests of an hour.
	Primary int `json:"primary"`
	// GraphQL is the points of an hour.
	GraphQL int `json:"graphql"`
	// Search is the searches of a minute.
	Search int `json:"search"`
	// Anonymous is the REST requests of an hour for those without a token.
	Anonymous int `json:"anonymous"`
	// Points is the secondary points of a minute: 1 a read, 5 a write.
	Points int `json:"points"`
	// GraphQLPoints is the same for GraphQL: 1 a query, 5 a mutation.
	GraphQLPoints int `json:"graphql_points"`
	// Content and ContentHour are what may be created in a minute and an hour.
	Content     int `json:"content"`
	ContentHour int `json:"content_hour"`
	// Concurrent is the requests at one time.
	Concurrent int `json:"concurrent"`
}

// GitHubLimits are those of github.com, from "Rate limits for the REST API" and
// "Rate limits and query limits for the GraphQL API".
func GitHubLimits() Limits {
	return Limits{
		Primary: 5000, GraphQL: 5000, Search: 30, Anonymous: 60,
		Points: 900, GraphQLPoints: 2000, Content: 80, ContentHour: 500, Concurrent: 100,
	}
}

// SetLimits changes the budgets from now on; what was used stays used.
func (s *Server) SetLimits(l Limits) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limits = l
}

// A resource is a primary budget, as X-RateLimit-Resource names it.
type resource int

const (
	coreResource resource = iota
	searchResource
	graphqlResource
	freeResource // counted nowhere but in the secondary limits
	resourceCount
)

// String is GitHub's name of the budget.
func (r resource) String() string {
	return [...]string{"core", "search", "graphql", "core"}[r]
}

// span is how long a primary budget lasts.
func (r resource) span() time.Duration {
	if r == searchResource {
		return time.Minute
	}
	return time.Hour
}

// A budget is what one user has used, by all tokens together.
type budget struct {
	primary     [resourceCount]window
	points      rolling // REST, of a minute
	queries     rolling // GraphQL, of a minute
	content     rolling // of a minute
	contentHour rolling
	running     int
	usage       Usage
}

// Usage is what a user has done since the server began.
type Usage struct {
	Requests    int `json:"requests"`     // all, refused ones included
	Writes      int `json:"writes"`       // other than GET and HEAD
	NotModified int `json:"not_modified"` // answers 304
	Primary     int `json:"primary"`      // requests that counted
	Points      int `json:"points"`       // secondary points, REST and GraphQL
	GraphQL     int `json:"graphql"`      // GraphQL points
	Content     int `json:"content"`
	Refused     int `json:"refused"` // for a limit
}

func newBudget() *budget {
	return &budget{
		points: rolling{slot: time.Second}, queries: rolling{slot: time.Second},
		content: rolling{slot: time.Second}, contentHour: rolling{slot: time.Minute},
	}
}

// A window is a primary budget: it begins with its first use and ends as a whole.
type window struct {
	used  int
	reset time.Time
}

func (w *window) at(now time.Time, span time.Duration) *window {
	if !now.Before(w.reset) {
		*w = window{reset: now.Add(span)}
	}
	return w
}

// A rolling counts what happened in the last sixty slots.
type rolling struct {
	slot   time.Duration
	counts [60]int
	last   int64 // number of the slot of the latest count
	sum    int
}

// add counts n, and total is what the last sixty slots hold.
func (r *rolling) add(now time.Time, n int) { r.counts[r.advance(now)] += n; r.sum += n }

func (r *rolling) total(now time.Time) int { r.advance(now); return r.sum }

func (r *rolling) advance(now time.Time) int {
	slot := now.UnixNano() / int64(r.slot)
	for r.last = max(r.last, slot-60); r.last < slot; {
		r.last++
		i := r.last % 60
		r.sum -= r.counts[i]
		r.counts[i] = 0
	}
	return int(r.last % 60)
}

// quota is the primary limit of a resource for an actor; 0 is none.
func (s *Server) quota(a actor, r resource) int {
	switch {
	case r == searchResource:
		return s.limits.Search
	case r == graphqlResource:
		return s.limits.GraphQL
	case a.user == nil && a.app == nil:
		return s.limits.Anonymous
	}
	return s.limits.Primary
}

// spend takes what a request costs out of the budgets, or gives GitHub's
// refusal. Requests to GraphQL are charged by [Server.spendGraphQL].
func (s *Server) spend(rq *request, b *budget) *response {
	b.usage.Requests++
	points, second, most := 1, &b.points, s.limits.Points
	writes := rq.writes()
	if rq.route.budget == graphqlResource {
		writes, second, most = rq.mutation, &b.queries, s.limits.GraphQLPoints
	}
	if writes {
		b.usage.Writes++
		points = 5
	}
	w := b.primary[rq.route.budget].at(rq.now, rq.route.budget.span())
	quota := s.quota(rq.actor, rq.route.budget)
	var no *response
	switch {
	case rq.route.budget != freeResource && quota > 0 && w.used >= quota:
		no = rq.exhausted()
	case rq.crowded, most > 0 && second.total(rq.now)+points > most:
		no = rq.secondary(usualRefusal(), "")
	case rq.route.content && rq.writes() && s.contentFull(b, rq.now):
		no = rq.secondary(usualRefusal(), " and have been temporarily blocked from content creation")
	}
	if no != nil {
		b.usage.Refused++
		return no
	}
	second.add(rq.now, points)
	b.usage.Points += points
	switch rq.route.budget {
	case freeResource:
	case graphqlResource:
		w.used += rq.cost
		b.usage.GraphQL += rq.cost
	default:
		w.used++
		b.usage.Primary++
	}
	if rq.route.content && rq.writes() {
		b.content.add(rq.now, 1)
		b.contentHour.add(rq.now, 1)
		b.usage.Content++
	}
	return nil
}

func (s *Server) contentFull(b *budget, now time.Time) bool {
	return s.limits.Content > 0 && b.content.total(now) >= s.limits.Content ||
		s.limits.ContentHour > 0 && b.contentHour.total(now) >= s.limits.ContentHour
}

// spendGraphQL does the same for a query whose rq.cost and rq.mutation are known
// now. GitHub tells of a refusal in the errors of a 200.
func (s *Server) spendGraphQL(rq *request) *gqlFault {
	no := s.spend(rq, s.budgetOf(rq.actor, rq.http))
	if no == nil {
		return nil
	}
	return &gqlFault{Type: "RATE_LIMITED", Message: no.body.(*errorBody).Message} // made by fail
}

// graphqlBudget is the primary budget of GraphQL: its limit, what is used of it
// and when it begins anew.
func (s *Server) graphqlBudget(rq *request) (limit, used int, reset time.Time) {
	w := s.budgetOf(rq.actor, rq.http).primary[graphqlResource].at(rq.now, time.Hour)
	return s.quota(rq.actor, graphqlResource), w.used, w.reset
}

// refund gives back what an answer of 304 cost.
func (b *budget) refund(rq *request) {
	b.usage.NotModified++
	if rq.actor.user != nil && rq.route.budget != freeResource {
		b.primary[rq.route.budget].used--
		b.usage.Primary--
	}
}
