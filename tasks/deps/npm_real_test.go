//go:build npm

package deps_test

import (
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyborg-bots/cyborg/tasks/deps"
	"github.com/cyborg-bots/cyborg/tasks/deps/depstest"
)

const wantPackages = `Update 6 dependencies

  acme/scoped 1.0.0 → 1.1.0, of 1 June 2025, source: example.com/ acme/scoped
  dev 0.2.0 → 0.2.1, of 1 June 2025, source: example.com/dev
  exact 1.0.0 → 1.1.0, of 1 June 2025, source: example.com/exact
  left 1.0.0 → 1.2.0, of 1 June 2025, past 1 other release, source: example.com/left
  needs 1.0.0 → 1.1.0, of 1 June 2025, source: example.com/needs
  tilde 1.0.0 → 1.1.0, of 1 June 2025, past 1 other release, source: example.com/tilde

What these need moved along:
  below 1.0.0 → 1.1.0

Left out:
  clash 1.0.0 → 1.1.0: it cannot be had beside the rest, the log says why
`

// TestNPM: the real npm against a registry. It has a build tag, since npm is large and not everywhere.
func TestNPM(t *testing.T) {
	b := lay(t, "testdata/npm.txtar")
	registry := httptest.NewServer(depstest.NPMRegistry(os.DirFS(filepath.Join(b.Dir, "..", "proxy"))))
	t.Cleanup(registry.Close)
	b.Settings.NPM, b.Settings.Ignore = registry.URL, []string{"ignored"}
	a, err := b.Run(t.Context(), deps.Call{Argv: []string{"npm", "install", "--package-lock-only", "--before=2024-06-01"}, Dir: b.Dir,
		Env: []string{"npm_config_registry=" + registry.URL, "npm_config_audit=false", "npm_config_fund=false", "npm_config_update_notifier=false"}})
	if err != nil || a.Code != 0 {
		t.Fatalf("make the lock file: %+v, %v", a, err)
	}
	got, err := b.Refresh(t.Context(), nil)
	if err != nil {
		t.Fatalf("%v\n%s", err, &b.log)
	}
	if diff := cmp.Diff(wantPackages, got); diff != "" {
		t.Errorf("message (-want +got):\n%s\n%s", diff, &b.log)
	}
	want := map[string]string{"@acme/scoped": "^1.1.0", "clash": "^1.0.0", "exact": "1.1.0", "left": "^1.2.0", "needs": "^1.1.0", "ranged": ">=1.0.0",
		"ignored": "^1.0.0", "tilde": "~1.1.0"}
	var made struct{ Dependencies, DevDependencies map[string]string }
	if err := json.Unmarshal([]byte(b.file(t, "package.json")), &made); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, made.Dependencies); diff != "" {
		t.Errorf("package.json (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"dev": "^0.2.1"}, made.DevDependencies); diff != "" {
		t.Errorf("package.json, for developers (-want +got):\n%s", diff)
	}
	if _, err := os.Stat(filepath.Join(b.Dir, "node_modules")); err == nil {
		t.Error("something was installed")
	}
	before := b.file(t, "package.json") + b.file(t, "package-lock.json")
	if again, err := b.Refresh(t.Context(), []string{"npm"}); again != "" || err != nil || b.file(t, "package.json")+b.file(t, "package-lock.json") != before {
		t.Errorf("a second time: %q, %v", again, err)
	}
	b.Settings.Age = 0
	b.Now = time.Now().Add(time.Hour)
	if one, err := b.Refresh(t.Context(), []string{"major", "left"}); !strings.HasPrefix(one, "Update left to 2.0.0\n\n") || err != nil {
		t.Errorf("a major version by name: %q, %v", one, err)
	}
}
