package fakehub

import (
	"net/http"
	"slices"
	"strings"
)

// searchRoutes is the search of issues; enough of it for those who look for
// what they have filed.
func searchRoutes() []route {
	return []route{{
		method: get, pattern: "/search/issues", handle: searchIssues, budget: searchResource,
		docs: "search/search#search-issues-and-pull-requests",
	}}
}

// maxFound is how far a search's results can be paged through.
const maxFound = 1000

// A searchQuery is a parsed q: words, and filters by qualifier.
type searchQuery struct {
	repos   []string
	words   []string
	filters []issueFilter
}

// parseSearch reads words, "quoted words" and qualifiers (repo:, is:, state:,
// label:, author:, in:, type:), each also with a minus before it.
func parseSearch(q string) searchQuery {
	var out searchQuery
	for _, part := range splitQuoted(q) {
		key, value, isPair := strings.Cut(part, ":")
		not := strings.HasPrefix(key, "-")
		filter := qualifier(strings.ToLower(strings.TrimPrefix(key, "-")), value)
		switch {
		case isPair && strings.EqualFold(key, "repo"):
			out.repos = append(out.repos, strings.ToLower(value))
		case isPair && filter != nil && not:
			out.filters = append(out.filters, func(f foundIssue) bool { return !filter(f) })
		case isPair && filter != nil:
			out.filters = append(out.filters, filter)
		case isPair && slices.Contains([]string{"in", "sort"}, key):
		default:
			out.words = append(out.words, strings.ToLower(part))
		}
	}
	return out
}

// splitQuoted splits at spaces outside of quotes, and drops the quotes.
func splitQuoted(q string) []string {
	var parts []string
	var part strings.Builder
	quoted := false
	end := func() {
		if part.Len() > 0 {
			parts = append(parts, part.String())
			part.Reset()
		}
	}
	for _, c := range q {
		switch {
		case c == '"':
			quoted = !quoted
		case c == ' ' && !quoted:
			end()
		default:
			part.WriteRune(c)
		}
	}
	end()
	return parts
}

// qualifier is what one key:value wants; nil if it is none.
func qualifier(key, value string) issueFilter {
	value = strings.ToLower(value)
	switch key {
	case "label":
		return byLabels(value)
	case "author":
		return func(f foundIssue) bool { return strings.EqualFold(f.is.author.login, value) }
	case "is", "state", "type":
	default:
		return nil
	}
	switch value {
	case "open", "closed":
		return func(f foundIssue) bool { return f.st.closed == (value == "closed") }
	case "issue":
		return func(f foundIssue) bool { return f.is.pull == nil }
	case "pr":
		return func(f foundIssue) bool { return f.is.pull != nil }
	case "merged":
		return func(f foundIssue) bool { return f.is.pull != nil && f.is.pull.state.last().merged }
	}
	return nil
}

func searchIssues(rq *request) response {
	q := strings.TrimSpace(rq.arg("q"))
	if q == "" {
		return rq.invalid(fieldError{Resource: "Search", Field: "q", Code: "missing"})
	}
	query := parseSearch(q)
	var found []foundIssue
	for _, r := range rq.s.reposInOrder() {
		if r.gone || rq.s.allowed(rq.actor, r, right{area: "issues", need: Read}, false) != nil ||
			len(query.repos) > 0 && !slices.Contains(query.repos, strings.ToLower(r.fullName())) {
			continue
		}
		found = append(found, keep(r.issuesAt(rq.asOf(issueDomain)), query.filters)...)
	}
	found = slices.DeleteFunc(found, func(f foundIssue) bool {
		text := strings.ToLower(f.st.title + "\n" + orEmpty(f.st.body))
		return slices.ContainsFunc(query.words, func(w string) bool { return !strings.Contains(text, w) })
	})
	slices.Reverse(found)
	total := len(found)
	found = found[:min(total, maxFound)]
	from, to, link := rq.page(len(found))
	items := make([]*jsonIssue, 0, to-from)
	for _, f := range found[from:to] {
		item := rq.issue(f.is)
		item.Score = new(1.0)
		items = append(items, item)
	}
	return response{status: http.StatusOK, uncached: true, link: link, body: struct {
		Total      int          `json:"total_count"`
		Incomplete bool         `json:"incomplete_results"`
		Items      []*jsonIssue `json:"items"`
		Type       string       `json:"search_type"`
	}{total, false, items, "lexical"}}
}

// reposInOrder lists the repositories by age.
func (s *Server) reposInOrder() []*repo {
	list := make([]*repo, 0, len(s.byID))
	for _, r := range s.byID {
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b *repo) int { return int(a.id - b.id) })
	return list
}
