package fakehub

import (
	"regexp"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// mentionRoot is where a parser's context keeps the path of the repository that
// "#1" is in.
var mentionRoot = parser.NewContextKey()

// mention finds #1 and @login that stand by themselves.
var mention = regexp.MustCompile(`(?:^|[\s(\[,;:.!?])(#[1-9][0-9]{0,8}|@[A-Za-z0-9][A-Za-z0-9-]{0,38})\b`)

// mentions links #1 to the issue and @login to the account, but not in code and
// not in what is a link already.
type mentions struct{}

var _ parser.ASTTransformer = mentions{}

// Transform implements goldmark's interface.
func (mentions) Transform(doc *ast.Document, reader text.Reader, pc parser.Context) {
	root, _ := pc.Get(mentionRoot).(string)
	if root == "" {
		return
	}
	var found []*ast.Text
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		switch n := n.(type) {
		case *ast.Link, *ast.AutoLink, *ast.CodeSpan:
			return ast.WalkSkipChildren, nil
		case *ast.Text:
			if entering {
				found = append(found, n)
			}
		}
		return ast.WalkContinue, nil
	})
	for _, n := range found {
		linkMentions(n, reader.Source(), root)
	}
}

// linkMentions cuts a text into links and what is between them.
func linkMentions(n *ast.Text, source []byte, root string) {
	at := n.Segment.Start
	parent := n.Parent()
	put := func(child ast.Node) { parent.InsertBefore(parent, n, child) }
	for _, m := range mention.FindAllSubmatchIndex(n.Segment.Value(source), -1) {
		from, to := n.Segment.Start+m[2], n.Segment.Start+m[3]
		if from > at {
			put(ast.NewTextSegment(text.NewSegment(at, from)))
		}
		link := ast.NewLink()
		link.Destination = []byte("/" + string(source[from+1:to]))
		if source[from] == '#' {
			link.Destination = []byte(root + "/issues/" + string(source[from+1:to]))
		}
		link.AppendChild(link, ast.NewTextSegment(text.NewSegment(from, to)))
		put(link)
		at = to
	}
	n.Segment = text.NewSegment(at, n.Segment.Stop) // keeps the line break, if any
}
