package fakehub

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// An operation is one of GitHub's own description, with a pattern of its paths.
type operation struct {
	method string
	path   *regexp.Regexp
	what   *openapi3.Operation
}

// operations reads GitHub's description from the folder that CYBORG_GITHUB_DATA
// names; none if it names none.
var operations = sync.OnceValues(func() ([]operation, error) {
	dir := os.Getenv("CYBORG_GITHUB_DATA")
	if dir == "" {
		return nil, nil
	}
	doc, err := openapi3.NewLoader().LoadFromFile(filepath.Join(dir, "openapi-slice.json"))
	if err != nil {
		return nil, err
	}
	var list []operation
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			list = append(list, operation{method, pathPattern(path), op})
		}
	}
	return list, nil
})

// pathPattern matches the paths of a template. References, branches and files
// have slashes in them.
func pathPattern(template string) *regexp.Regexp {
	names := regexp.MustCompile(`\\\{(\w+)\\\}`)
	return regexp.MustCompile("^" + names.ReplaceAllStringFunc(regexp.QuoteMeta(template), func(m string) string {
		switch m {
		case `\{ref\}`, `\{path\}`, `\{branch\}`, `\{base\}`, `\{head\}`:
			return `.+`
		}
		if strings.HasSuffix(m, `_number\}`) || strings.HasSuffix(m, `_id\}`) {
			return `\d+`
		}
		return `[^/]+`
	}) + "/?$")
}

// mistaken is where GitHub's description is not what GitHub does: the payloads
// of events are described as one of several kinds that do not exclude each
// other, and a label without a description has null in a list of pull requests
// as everywhere else.
var mistaken = regexp.MustCompile(`"/\d+/payload": input matches more than one oneOf|/labels/\d+/description": Value is not nullable`)

// findOperation is the operation that a request is, nil if GitHub's description
// has none or is not at hand.
func findOperation(t *testing.T, method, path string) (best *operation) {
	t.Helper()
	list, err := operations()
	if err != nil {
		t.Fatal(err)
	}
	path, _, _ = strings.Cut(strings.TrimPrefix(path, enterprise), "?")
	for i, op := range list {
		if op.method == method && op.path.MatchString(path) && (best == nil || len(op.path.String()) > len(best.path.String())) {
			best = &list[i]
		}
	}
	return best
}

// checkAnswer compares an answer with GitHub's description, where there is one,
// and says whether there was.
func checkAnswer(t *testing.T, method, path string, r reply) bool {
	t.Helper()
	if r.status >= 500 || r.status == 304 || len(r.body) == 0 || !strings.HasPrefix(r.header.Get("Content-Type"), "application/json") {
		return false
	}
	best := findOperation(t, method, path)
	if best == nil {
		return false
	}
	res := best.what.Responses.Value(strconv.Itoa(r.status))
	if res == nil {
		return false
	}
	media := res.Value.Content.Get("application/json")
	if media == nil || media.Schema == nil {
		return false
	}
	var v any
	if err := json.Unmarshal(r.body, &v); err != nil {
		t.Errorf("%s %s: read answer: %v", method, path, err)
		return true
	}
	if err := media.Schema.Value.VisitJSON(v, openapi3.VisitAsResponse(), openapi3.EnableFormatValidation()); err != nil && !mistaken.MatchString(err.Error()) {
		t.Errorf("%s %s: %d is not as GitHub describes it: %.800v\n%.1500s", method, path, r.status, err, r.body)
	}
	return true
}
