package fakehub

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// benchmark serves one request again and again, in process.
func benchmark(b *testing.B, fill func(*Server, string), method, path, body string) {
	s, err := New(Options{Limits: Limits{Primary: 1 << 40}})
	if err != nil {
		b.Fatal(err)
	}
	check := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	check(s.AddUser(User{Login: "bot", Token: "bot-token"}))
	check(s.AddRepo(b.Context(), Repo{Name: "acme/widget"}))
	check(s.Grant("acme/widget", "bot", Write))
	sha, err := s.Commit(b.Context(), "acme/widget", Commit{Branch: "main", Files: map[string]string{"f": "1"}})
	check(err)
	if fill != nil {
		fill(s, sha)
	}
	c, url := s.Client(), "http://hub.test"+strings.Replace(path, "SHA", sha, 1)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		var in io.Reader
		if body != "" {
			in = strings.NewReader(strings.Replace(body, "N", fmt.Sprint(i%60), 1))
		}
		rq, err := http.NewRequestWithContext(b.Context(), method, url, in)
		check(err)
		rq.Header.Set("Authorization", "token bot-token")
		res, err := c.Do(rq)
		check(err)
		if res.StatusCode >= 300 {
			b.Fatal(res.Status)
		}
		_, err = io.Copy(io.Discard, res.Body)
		check(err)
		check(res.Body.Close())
	}
}

// manyStatuses gives a commit 5,000 statuses of 50 contexts.
func manyStatuses(s *Server, sha string) {
	r := s.repos["acme/widget"]
	for i := range 5000 {
		s.addStatus(r.created, r, status{
			sha: sha, state: "pending", context: fmt.Sprint("verify/", i%50), description: new("In progress [bot] k7m2q9xa"), creator: s.users["bot"],
		})
	}
}

func BenchmarkPostStatus(b *testing.B) {
	benchmark(b, nil, http.MethodPost, "/repos/acme/widget/statuses/SHA", `{"state":"pending","context":"verify/N","description":"In progress"}`)
}

func BenchmarkListStatuses(b *testing.B) {
	benchmark(b, manyStatuses, http.MethodGet, "/repos/acme/widget/commits/SHA/statuses?per_page=100", "")
}

func BenchmarkCombinedStatus(b *testing.B) {
	benchmark(b, manyStatuses, http.MethodGet, "/repos/acme/widget/commits/SHA/status?per_page=100", "")
}

func BenchmarkListIssues(b *testing.B) {
	benchmark(b, func(s *Server, _ string) {
		r := s.repos["acme/widget"]
		for i := range 100 {
			s.newIssue(r.created, r, s.users["bot"], fmt.Sprint("issue ", i), nil)
		}
	}, http.MethodGet, "/repos/acme/widget/issues?per_page=100", "")
}
