package fakehub

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// BenchmarkScan asks for 100 pull requests with 20 contexts each, as a bot does
// once a minute.
func BenchmarkScan(b *testing.B) {
	s, err := New(Options{})
	if err != nil {
		b.Fatal(err)
	}
	for _, err := range []error{
		s.AddUser(User{Login: "bot", Token: "bot-token"}), s.AddRepo(b.Context(), Repo{Name: "acme/widget"}), s.Grant("acme/widget", "bot", Write),
	} {
		if err != nil {
			b.Fatal(err)
		}
	}
	call := func(path string, body any) {
		data, err := json.Marshal(body)
		if err != nil {
			b.Fatal(err)
		}
		rq, err := http.NewRequestWithContext(b.Context(), post, "http://hub.test"+path, strings.NewReader(string(data)))
		if err != nil {
			b.Fatal(err)
		}
		rq.Header.Set("Authorization", "token bot-token")
		res, err := s.Client().Do(rq)
		if err != nil {
			b.Fatal(err)
		}
		defer res.Body.Close() //nolint:errcheck // only read
		answer, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode >= 300 || strings.Contains(string(answer), `"errors"`) {
			b.Fatalf("%s: %d %s", path, res.StatusCode, answer)
		}
	}
	if _, err := s.Commit(b.Context(), "acme/widget", Commit{Branch: "main", Files: map[string]string{"f": ""}}); err != nil {
		b.Fatal(err)
	}
	for n := range 100 {
		branch := fmt.Sprintf("topic-%d", n)
		sha, err := s.Commit(b.Context(), "acme/widget", Commit{Branch: branch, Files: map[string]string{"g": branch}})
		if err != nil {
			b.Fatal(err)
		}
		call(widget+"/pulls", dict{"title": branch, "head": branch, "base": "main"})
		for c := range 20 {
			call(widget+"/statuses/"+sha, dict{
				"state": "pending", "context": fmt.Sprintf("verify/image-%d", c),
				"description": "Testing in progress [bot-1234]", "target_url": "https://logs.example.com/pull-1-verify/log.html",
			})
		}
	}
	b.ResetTimer()
	for range b.N {
		call("/graphql", dict{"query": scan, "variables": dict{"owner": "acme", "name": "widget"}})
	}
}
