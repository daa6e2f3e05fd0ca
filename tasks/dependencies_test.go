package tasks

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestDependencies: what a repository says of its dependencies, and slips of the pen.
func TestDependencies(t *testing.T) {
	f, err := ParseFleet("bots/fleet.toml", []byte("[dependencies]\nlimit = 3\nage = \"1 week\"\nignore = [\"example.com/*\"]\n"))
	want := Dependencies{Limit: 3, Age: Duration(7 * 24 * time.Hour), Ignore: []string{"example.com/*"}, Proxy: "https://proxy.golang.org", NPM: "https://registry.npmjs.org"}
	if diff := cmp.Diff(want, f.Dependencies); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for text, want := range map[string]string{
		"limit = 0":                           "dependencies.limit: is out of range",
		"age = \"3 years\"":                   "age",
		"age = \"600 days\"":                  "dependencies.age: is out of range",
		"ignore = [\"*\"]":                    "dependencies.ignore: has \"*\", which is no name",
		"ignore = [\"a b\"]":                  "dependencies.ignore: has \"a b\", which is no name",
		"proxy = \"direct\"":                  "dependencies.proxy: is no address",
		"proxy = \"file:///etc\"":             "dependencies.proxy: is no address",
		"proxy = \"https://a.example,off\"":   "dependencies.proxy: is no address",
		"npm = \"https://me:pw@a.example\"":   "dependencies.npm: is no address",
		"private = [\"--insecure\"]":          "dependencies.private: has \"--insecure\"",
		"prox = \"https://proxy.golang.org\"": "did you mean \"dependencies.proxy\"?",
	} {
		_, err := ParseFleet("bots/fleet.toml", []byte("[dependencies]\n"+text+"\n"))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "bots/fleet.toml:2") {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
