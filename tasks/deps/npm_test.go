package deps

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRanges(t *testing.T) {
	for text, want := range map[string]string{"^1.2.3": "^ 1.2.3", "~0.2.3": "~ 0.2.3", "1.2.3": " 1.2.3", "^1.2.3-rc.1": "^ 1.2.3-rc.1"} {
		if r, ok := parseRange(text); !ok || r.prefix+" "+r.base != want {
			t.Errorf("%q: %+v, %v", text, r, ok)
		}
	}
	for _, text := range []string{"", "*", "latest", "1", "^1.2", ">=1.2.3", "1.2.3 || 2.0.0", "1.x.0", "^^1.2.3", "v1.2.3", "^v1.2.3", "file:../a", "workspace:^1.2.3", "npm:b@1.2.3", "git+https://example.com/a.git"} {
		if r, ok := parseRange(text); ok {
			t.Errorf("%q is %+v", text, r)
		}
	}
}

// TestPackages: which versions of a package may follow, by what the registry says of it.
func TestPackages(t *testing.T) {
	for _, row := range []struct {
		name, about, wanted, locked string
		major                       bool
		want                        string
	}{
		{"newest first", `{"versions": ["1.0.0", "1.10.0", "1.9.0", "2.0.0", "1.11.0-rc.1"], "dist-tags": {"latest": "2.0.0"}}`, "^1.0.0", "1.0.0", false, "1.10.0 1.9.0"},
		{"a major one that is asked for", `{"versions": ["1.0.0", "2.0.0"], "dist-tags": {"latest": "2.0.0"}}`, "^1.0.0", "1.0.0", true, "2.0.0"},
		{"beyond latest", `{"versions": ["1.0.0", "1.1.0", "1.2.0"], "dist-tags": {"latest": "1.1.0", "next": "1.2.0"}}`, "^1.0.0", "1.0.0", false, "1.1.0"},
		{"what the lock file has counts", `{"versions": ["1.0.0", "1.1.0", "1.2.0"], "dist-tags": {"latest": "1.2.0"}}`, "^1.0.0", "1.1.0", false, "1.2.0"},
		{"no lock", `{"versions": ["1.0.0", "1.1.0"]}`, "~1.0.0", "", false, "1.1.0"},
		{"below 1", `{"versions": ["0.2.0", "0.2.1", "0.3.0"], "dist-tags": {"latest": "0.3.0"}}`, "^0.2.0", "0.2.0", false, "0.2.1"},
		{"one version, written without a list", `{"versions": "1.1.0"}`, "^1.0.0", "1.0.0", false, "1.1.0"},
		{"nothing newer", `{"versions": ["1.0.0"], "dist-tags": {"latest": "1.0.0"}}`, "^1.0.0", "1.0.0", false, ""},
		{"no versions", `{"versions": ["x", "", "1.2"], "dist-tags": {"latest": "y"}}`, "^1.0.0", "1.0.0", false, ""},
	} {
		var found npmPackage
		if err := json.Unmarshal([]byte(row.about), &found); err != nil {
			t.Fatalf("%s: %v", row.name, err)
		}
		var lock npmLock
		if err := json.Unmarshal([]byte(`{"packages": {"node_modules/a": {"version": "`+row.locked+`"}}}`), &lock); err != nil {
			t.Fatal(err)
		}
		p := &npmProject{folder: ".", ranges: map[string]string{"a": row.wanted}}
		c, ok := p.candidate("a", lock, found, row.major)
		if got := strings.Join(c.versions, " "); got != row.want || ok != (row.want != "") {
			t.Errorf("%s: got %q, %v, want %q", row.name, got, ok, row.want)
		}
	}
}

// TestLocks: what has moved, told by two lock files.
func TestLocks(t *testing.T) {
	var was, now npmLock
	for text, to := range map[string]*npmLock{
		`{"packages": {"": {"version": "1.0.0"}, "tools/x": {"version": "1.0.0"}, "node_modules/a": {"version": "1.0.0"}, "node_modules/b": {"version": "1.0.0"},
			"node_modules/@s/c/node_modules/b": {"version": "0.1.0"}}}`: &was,
		`{"packages": {"": {"version": "1.0.1"}, "tools/x": {"version": "1.0.1"}, "node_modules/a": {"version": "1.1.0"}, "node_modules/b": {"version": "1.0.1"},
			"node_modules/@s/c/node_modules/b": {"version": "0.1.0"}, "node_modules/d": {"version": "3.0.0"}}}`: &now,
	} {
		if err := json.Unmarshal([]byte(text), to); err != nil {
			t.Fatal(err)
		}
	}
	var all harvest
	p := &npmProject{folder: "web"}
	p.compare(was, now, []update{{name: "a", from: "1.0.0", to: "1.1.0", published: "1 June 2025"}, {name: "b", to: "2.0.0"}}, &all)
	var got []string
	for _, list := range [][]update{all.done, all.moved} {
		for _, u := range list {
			got = append(got, u.line())
		}
	}
	want := []string{"a 1.0.0 → 1.1.0", "web: b 1.0.0 → 1.0.1", "web: d 3.0.0, new"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
