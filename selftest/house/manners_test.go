package house

import (
	"go/ast"
	"regexp"
	"strings"
	"testing"
)

// forbidden lists calls that nobody makes, with the room that may and what to do instead.
var forbidden = map[string]string{
	"time.Sleep":         "wait with a timer and the context",
	"context.Background": "the context comes from main, or from t.Context()",
	"context.TODO":       "the context comes from main, or from t.Context()",
	"os.Exit":            "return the error; main decides",
	"log.Fatal":          "return the error; main decides",
	"log.Fatalf":         "return the error; main decides",
}

func TestManners(t *testing.T) {
	fset, all := sources(t)
	for _, s := range all {
		ast.Inspect(s.ast, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				call := qualified(n.Fun)
				why, bad := forbidden[call]
				mayExit := s.file == "agent/cmd/cyborg/main.go" || s.test && strings.Contains(s.text, "func TestMain(")
				if bad && (!mayExit || call == "time.Sleep") {
					t.Errorf("%s: %s: %s", fset.Position(n.Pos()), call, why)
				}
			case *ast.FuncDecl:
				if n.Recv == nil && n.Name.Name == "init" {
					t.Errorf("%s: func init: registration is a table, wiring is in main", fset.Position(n.Pos()))
				}
			}
			return true
		})
	}
}

func qualified(fun ast.Expr) string {
	sel, ok := fun.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	pkg, ok := sel.X.(*ast.Ident)
	if !ok {
		return ""
	}
	return pkg.Name + "." + sel.Sel.Name
}

// openEnds are the words of work that somebody meant to finish.
var openEnds = regexp.MustCompile(`\b(TODO|FIXME|XXX|HACK)\b`)

func TestNothingLeftOpen(t *testing.T) {
	fset, all := sources(t)
	for _, s := range all {
		for _, group := range s.ast.Comments {
			for _, c := range group.List {
				if openEnds.MatchString(c.Text) && !strings.HasPrefix(s.file, "selftest/house/") {
					t.Errorf("%s: %s", fset.Position(c.Pos()), c.Text)
				}
			}
		}
	}
}
