package fakehub

import (
	"os"
	"path/filepath"
	"testing"

	graphql "github.com/graph-gophers/graphql-go"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

// githubData is the folder with GitHub's own descriptions and recordings. They
// are not part of this project, so tests that need them are skipped without.
func githubData(t *testing.T, name string) string {
	t.Helper()
	dir := os.Getenv("CYBORG_GITHUB_DATA")
	if dir == "" {
		t.Skip("CYBORG_GITHUB_DATA is not set: GitHub's own schema and recordings are not part of the project")
	}
	return filepath.Join(dir, name)
}

// TestSchemaIsGitHubs holds each type, field, argument and default of our
// schema against the published one.
func TestSchemaIsGitHubs(t *testing.T) {
	data, err := os.ReadFile(githubData(t, "schema.graphql"))
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := gqlparser.LoadSchema(&ast.Source{Name: "github", Input: string(data)})
	if err != nil {
		t.Fatal(err)
	}
	compared := compareSchemas(t, graphqlTypes(), theirs)
	if compared < 300 {
		t.Errorf("only %d fields, arguments and values were compared", compared)
	}
}

// TestSchemaComparisonSeesDifferences makes sure that the comparison can fail.
func TestSchemaComparisonSeesDifferences(t *testing.T) {
	const theirs = `type Query { a(x: Int = 1): String! b: E } enum E { ONE }`
	for name, ours := range map[string]string{
		"another type":       `type Query { a(x: Int = 1): String b: E } enum E { ONE }`,
		"an unknown field":   `type Query { a(x: Int = 1): String! c: E } enum E { ONE }`,
		"another argument":   `type Query { a(x: Int! = 1): String! b: E } enum E { ONE }`,
		"another default":    `type Query { a(x: Int = 2): String! b: E } enum E { ONE }`,
		"an unknown value":   `type Query { a(x: Int = 1): String! b: E } enum E { ONE TWO }`,
		"an unknown type":    `type Query { a(x: Int = 1): String! b: E } enum E { ONE } type F { a: Int }`,
		"a missing argument": `type Query { a: String! b: E } enum E { ONE }`,
	} {
		t.Run(name, func(t *testing.T) {
			seen := &countingReporter{}
			compareSchemas(seen, gqlparser.MustLoadSchema(&ast.Source{Input: ours}), gqlparser.MustLoadSchema(&ast.Source{Input: theirs}))
			if seen.errors == 0 {
				t.Error("the comparison sees no difference")
			}
		})
	}
}

// A reporter is told of differences; *testing.T is one.
type reporter interface {
	Errorf(format string, args ...any)
}

type countingReporter struct{ errors int }

func (c *countingReporter) Errorf(string, ...any) { c.errors++ }

// compareSchemas reports what of ours is not the same in theirs, and says how
// many fields, arguments and values it looked at.
func compareSchemas(t reporter, ours, theirs *ast.Schema) (compared int) {
	for name, def := range ours.Types {
		if def.BuiltIn {
			continue
		}
		their := theirs.Types[name]
		if their == nil || their.Kind != def.Kind {
			t.Errorf("%s %s is not GitHub's", def.Kind, name)
			continue
		}
		for _, f := range def.Fields {
			if len(f.Name) > 1 && f.Name[:2] == "__" {
				continue
			}
			compared++
			if tf := their.Fields.ForName(f.Name); tf == nil || tf.Type.String() != f.Type.String() || !sameValue(tf.DefaultValue, f.DefaultValue) {
				t.Errorf("%s.%s: %s is not GitHub's", name, f.Name, f.Type)
			} else {
				compared += compareArguments(t, name+"."+f.Name, f.Arguments, tf.Arguments)
			}
		}
		for _, v := range def.EnumValues {
			compared++
			if their.EnumValues.ForName(v.Name) == nil {
				t.Errorf("%s has no value %s at GitHub", name, v.Name)
			}
		}
		compareNames(t, name, "implements", def.Interfaces, their.Interfaces)
		compareNames(t, name, "is a union of", def.Types, their.Types)
	}
	return compared
}

// compareArguments wants all arguments: one that is left out could be asked for.
func compareArguments(t reporter, field string, ours, theirs ast.ArgumentDefinitionList) int {
	for _, their := range theirs {
		our := ours.ForName(their.Name)
		if our == nil || our.Type.String() != their.Type.String() || !sameValue(our.DefaultValue, their.DefaultValue) {
			t.Errorf("argument %s(%s: %s) is not as GitHub has it", field, their.Name, their.Type)
		}
	}
	for _, our := range ours {
		if theirs.ForName(our.Name) == nil {
			t.Errorf("argument %s(%s) is not GitHub's", field, our.Name)
		}
	}
	return len(theirs)
}

func compareNames(t reporter, kind, verb string, ours, theirs []string) {
	have := map[string]bool{}
	for _, n := range theirs {
		have[n] = true
	}
	for _, n := range ours {
		if !have[n] {
			t.Errorf("%s %s %s, at GitHub it does not", kind, verb, n)
		}
	}
}

func sameValue(a, b *ast.Value) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.String() == b.String()
}

// TestSchemaIsAnswered makes sure that each field of the schema has a resolver.
func TestSchemaIsAnswered(t *testing.T) {
	if _, err := graphql.ParseSchema(graphqlSDL, &gqlRoot{}, graphql.UseFieldResolvers()); err != nil {
		t.Error(err)
	}
}
