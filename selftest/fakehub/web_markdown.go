package fakehub

import (
	"bytes"
	"html/template"
	"regexp"
	"strings"
	"sync"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/util"
)

// markdownSize is how much of a text is rendered; GitHub stores no more of one.
const markdownSize = 262_144

// markdownParser knows GitHub's flavour: task lists, tables, bare addresses.
// A line break in a comment is one on the page.
var markdownParser = sync.OnceValue(func() goldmark.Markdown {
	return goldmark.New(goldmark.WithExtensions(extension.GFM),
		goldmark.WithParserOptions(parser.WithASTTransformers(util.Prioritized(mentions{}, 1000))),
		goldmark.WithRendererOptions(html.WithHardWraps(), html.WithUnsafe()))
})

// markdownPolicy is what may come out of a stranger's text: no script, no
// style, no frame, links only to the web, and pictures not at all, since they
// would tell a stranger who reads.
var markdownPolicy = sync.OnceValue(func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowStandardURLs()
	p.AllowURLSchemes("http", "https", "mailto")
	p.AllowAttrs("href").OnElements("a")
	p.RequireNoFollowOnLinks(true)
	p.RequireNoReferrerOnLinks(true)
	p.AllowElements("p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "code", "kbd", "samp",
		"em", "strong", "del", "s", "b", "i", "sub", "sup", "ul", "ol", "li", "details", "summary",
		"table", "thead", "tbody", "tr", "th", "td")
	p.AllowAttrs("align").Matching(regexp.MustCompile(`^(left|right|center)$`)).OnElements("th", "td")
	p.AllowAttrs("start").Matching(bluemonday.Integer).OnElements("ol")
	p.AllowAttrs("type").Matching(regexp.MustCompile(`^checkbox$`)).OnElements("input")
	p.AllowAttrs("checked", "disabled").Matching(regexp.MustCompile(`^$`)).OnElements("input")
	return p
})

// markdown renders a text that people wrote in r as HTML that is safe to show.
func (r *repo) markdown(text string) template.HTML {
	text = strings.ToValidUTF8(text[:min(len(text), markdownSize)], "\uFFFD")
	var out bytes.Buffer
	context := parser.NewContext()
	context.Set(mentionRoot, "/"+r.fullName())
	if err := markdownParser().Convert([]byte(text), &out, parser.WithContext(context)); err != nil {
		return template.HTML(template.HTMLEscapeString(text)) //nolint:gosec // escaped
	}
	return template.HTML(markdownPolicy().SanitizeBytes(out.Bytes())) //nolint:gosec // sanitized
}
