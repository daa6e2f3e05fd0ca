package hub

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

// The queries are held against GitHub's published schema. Its file is no part of this project.
func TestQueriesAreGitHubs(t *testing.T) {
	dir := os.Getenv("CYBORG_GITHUB_DATA")
	if dir == "" {
		t.Skip("CYBORG_GITHUB_DATA names no folder with schema.graphql")
	}
	data, err := os.ReadFile(filepath.Join(dir, "schema.graphql"))
	if err != nil {
		t.Fatal(err)
	}
	schema, err := gqlparser.LoadSchema(&ast.Source{Name: "schema.graphql", Input: string(data)})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range Queries() {
		doc, errs := gqlparser.LoadQuery(schema, text)
		if len(errs) > 0 {
			t.Errorf("%s: %v", name, errs)
			continue
		}
		if len(doc.Operations) != 1 || doc.Operations[0].Name != name {
			t.Errorf("%s: has another name", name)
		}
	}
	if _, errs := gqlparser.LoadQuery(schema, strings.Replace(scanQuery, "headRefOid", "headSha", 1)); len(errs) == 0 {
		t.Error("a field that GitHub does not have is not noticed")
	}
}
