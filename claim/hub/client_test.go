package hub

import (
	"strings"
	"testing"
)

func TestNewRefuses(t *testing.T) {
	for _, row := range []struct {
		name string
		o    Options
		says string
	}{
		{"no address", Options{URL: "github.com"}, "not of the form"},
		{"another scheme", Options{URL: "ftp://github.com"}, "not of the form"},
		{"a token in the address", Options{URL: "https://x:hunter2@github.com"}, "set the token instead"},
		{"two credentials", Options{Token: "a", App: &App{}}, "use one"},
		{"half an App", Options{App: &App{ID: 1}}, "both needed"},
		{"no key", Options{App: &App{ID: 1, Installation: 2, Key: "hunter2"}}, "private key"},
	} {
		_, err := New(row.o)
		if err == nil || !strings.Contains(err.Error(), row.says) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", row.name, err)
		}
	}
}

func TestAddresses(t *testing.T) {
	for _, row := range [][3]string{
		{"", "https://api.github.com/", "https://api.github.com/graphql"},
		{"https://api.github.com/", "https://api.github.com/", "https://api.github.com/graphql"},
		{"http://127.0.0.1:8080", "http://127.0.0.1:8080/", "http://127.0.0.1:8080/graphql"},
		{"https://ghe.test/api/v3", "https://ghe.test/api/v3/", "https://ghe.test/api/graphql"},
		{"https://ghe.test/sub/api/v3/", "https://ghe.test/sub/api/v3/", "https://ghe.test/sub/api/graphql"},
	} {
		u, err := apiRoot(row[0])
		if err != nil || u.String() != row[1] || graphURL(u) != row[2] {
			t.Errorf("%q gives %v, %s (%v)", row[0], u, graphURL(u), err)
		}
	}
}
