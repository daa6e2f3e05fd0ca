package house

import (
	"slices"
	"strconv"
	"strings"
	"testing"
)

// arrows lists, for each package, which of the project's packages it may import. A package that is not here may
// import none. "…" allows all. Tests may import anything that does not make a circle, so they are not looked at.
var arrows = map[string][]string{
	"agent/cmd/cyborg":            {"…"},
	"selftest/world":              {"…"},
	"selftest/swarm":              {"…"},
	"agent":                       {"tasks", "claim", "claim/hub", "publish", "selftest", "container", "agent/checkout"},
	"agent/checkout":              {"container/lock"},
	"tasks":                       {"claim/hub", "container", "publish", "tasks/deps"},
	"claim":                       {"claim/hub", "container/lock"},
	"claim/claimtest":             {"claim", "claim/hub"},
	"vmimage/store":               {"vmimage", "publish", "container/lock"},
	"vmimage/machine":             {"container/lock"},
	"vmimage/build":               {"vmimage", "vmimage/machine", "container"},
	"selftest/shadow":             {"claim", "container"},
	"publish/dir":                 {"publish"},
	"publish/s3":                  {"publish"},
	"publish/publishtest":         {"publish"},
	"container":                   {"container/gate", "container/lock"},
	"container/containertest":     {"container", "container/gate"},
	"vmimage/machine/libvirt":     {"vmimage/machine"},
	"vmimage/machine/machinetest": {"vmimage/machine"},
	"vmimage/machine/place":       {"vmimage/machine", "container", "container/gate"},
}

// witnesses may be imported by the wiring and by tests only: an emulator in a bot would be a GitHub of its own.
var witnesses = []string{"selftest/fakehub", "selftest/world", "selftest/swarm", "selftest/people"}

// rooms lists the libraries that live in one package, or few, so that replacing one is a change of one room.
var rooms = map[string][]string{
	"github.com/google/go-github/":       {"claim/hub"},
	"github.com/bradleyfalzon/":          {"claim/hub"},
	"github.com/minio/":                  {"publish/s3"},
	"gvisor.dev/":                        {"container/gate"},
	"github.com/insomniacslk/":           {"container/gate"},
	"libvirt.org/":                       {"vmimage/machine/libvirt"},
	"golang.org/x/crypto/ssh":            {"vmimage/machine", "vmimage/machine/machinetest"},
	"github.com/graph-gophers/":          {"selftest/fakehub"},
	"github.com/cenkalti/backoff/":       {"claim/hub", "publish"},
	"github.com/microcosm-cc/bluemonday": {"selftest/fakehub"},
}

func TestArrows(t *testing.T) {
	fset, all := sources(t)
	for _, s := range all {
		if s.test {
			continue
		}
		allowed := arrows[s.pkg]
		for _, imp := range s.ast.Imports {
			name, err := strconv.Unquote(imp.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			where := fset.Position(imp.Pos())
			for prefix, allowed := range rooms {
				if strings.HasPrefix(name, prefix) && !slices.Contains(allowed, s.pkg) {
					t.Errorf("%s: %s lives in %s only", where, name, strings.Join(allowed, " and "))
				}
			}
			target, ours := strings.CutPrefix(name, module+"/")
			if !ours || slices.Contains(allowed, "…") {
				continue
			}
			if slices.Contains(witnesses, target) {
				t.Errorf("%s: only the wiring and tests may import %s", where, target)
			} else if !slices.Contains(allowed, target) {
				t.Errorf("%s: %s may not import %s (see arrows)", where, s.pkg, target)
			}
		}
	}
}
