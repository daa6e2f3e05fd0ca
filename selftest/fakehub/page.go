package fakehub

import (
	"net/url"
	"strconv"
	"strings"
)

// Page sizes of GitHub's lists.
const (
	defaultPage = 30
	maxPage     = 100
)

// page says which part of a list of total entries the request asks for, and
// gives the Link header. Sizes beyond the largest are cut down to it; what is
// no size is the usual one.
func (rq *request) page(total int) (from, to int, link string) {
	size := natural(rq.arg("per_page"), defaultPage)
	size = min(size, maxPage)
	page := natural(rq.arg("page"), 1)
	last := max(1, (total+size-1)/size)
	from = total
	if page <= last {
		from = (page - 1) * size
	}
	to = min(total, from+size)
	var b strings.Builder
	add := func(rel string, n int) {
		if b.Len() > 0 {
			b.WriteString(", ")
		}
		b.WriteString("<" + rq.pageURL(n) + `>; rel="` + rel + `"`)
	}
	if page > 1 {
		add("prev", min(page-1, last))
	}
	if page < last {
		add("next", page+1)
		add("last", last)
	}
	if page > 1 {
		add("first", 1)
		if page > last {
			add("last", last)
		}
	}
	return from, to, b.String()
}

// pageURL is the address of another page: the request's, by numeric id.
func (rq *request) pageURL(page int) string {
	path := rq.path
	if rq.repo != nil {
		rest := strings.SplitN(strings.TrimPrefix(rq.resolve(), "/repos/"), "/", 3)
		path = "/repositories/" + strconv.FormatInt(rq.repo.id, 10)
		if len(rest) == 3 {
			path += "/" + rest[2]
		}
	}
	var query strings.Builder
	for part := range strings.SplitSeq(rq.http.URL.RawQuery, "&") {
		if key, _, _ := strings.Cut(part, "="); part != "" && key != "page" {
			query.WriteString(part + "&")
		}
	}
	return rq.site.api + path + "?" + query.String() + "page=" + strconv.Itoa(page)
}

// natural reads a positive number, or takes the usual one.
func natural(text string, usual int) int {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return usual
	}
	return min(n, 1<<30)
}

// pathEscape escapes a segment of a path as GitHub's addresses do.
func pathEscape(s string) string { return url.PathEscape(s) }

// listed answers a page of a list whose entries are encoded by one function.
func listed[T any](rq *request, all []T, one func(T) any) response {
	from, to, link := rq.page(len(all))
	out := make([]any, 0, to-from)
	for _, v := range all[from:to] {
		out = append(out, one(v))
	}
	return response{status: 200, body: out, link: link}
}
