package publish

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"strings"
)

// The page is one file that needs nothing but what lies beside it. Its script
// makes everything of elements and text; it never sets markup. The policy
// allows that script and that style by their hashes and no other, no requests
// but to the page's own origin, no forms and no frames.
//
//go:embed page
var pageFiles embed.FS

// carried is the end of the log within the finished page.
type carried struct {
	Text  string `json:"text"`
	First int    `json:"first"` // number of its first line
	Size  int64  `json:"size"`  // of the whole log
}

// livePage is the page of a job that has begun.
func livePage(results Results) (*bytes.Reader, error) { return page(results, nil) }

// finalPage carries the results and the end of the log, for readers who find
// it on a disk.
func finalPage(results Results, tail []byte, first int, size int64) (*bytes.Reader, error) {
	return page(results, &carried{Text: strings.ToValidUTF8(string(tail), "\uFFFD"), First: first, Size: size})
}

func page(results Results, log *carried) (*bytes.Reader, error) {
	files := map[string]string{}
	for _, name := range []string{"log.html", "log.css", "dom.js", "ansi.js", "lines.js", "tests.js", "head.js", "main.js"} {
		data, err := pageFiles.ReadFile("page/" + name)
		if err != nil {
			return nil, fmt.Errorf("make page: %w", err)
		}
		files[name] = string(data)
	}
	style := files["log.css"]
	script := files["dom.js"] + files["ansi.js"] + files["lines.js"] + files["tests.js"] + files["head.js"] + files["main.js"]
	// json.Marshal escapes < > & and the line separators of JavaScript, so
	// that no text can end the element that holds it.
	data, err := json.Marshal(struct {
		Results Results  `json:"results"`
		Log     *carried `json:"log,omitempty"`
	}{results, log})
	if err != nil {
		return nil, fmt.Errorf("make page: %w", err)
	}
	t, err := template.New("page").Parse(files["log.html"])
	if err != nil {
		return nil, fmt.Errorf("make page: %w", err)
	}
	var out bytes.Buffer
	err = t.Execute(&out, map[string]any{
		"Policy": policy(style, script), "Style": template.CSS(style), "Script": template.JS(script),
		"Data": template.JS(data), "Results": results, "Failed": results.failed(),
	})
	if err != nil {
		return nil, fmt.Errorf("make page: %w", err)
	}
	return bytes.NewReader(out.Bytes()), nil
}

// policy is the page's content security policy. Pictures may also be data,
// which is the page's own icon.
func policy(style, script string) string {
	hash := func(text string) string {
		sum := sha256.Sum256([]byte(text))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return "default-src 'none'; script-src " + hash(script) + "; style-src " + hash(style) +
		"; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'"
}

// stylePolicy is the policy of a page without any script.
func stylePolicy(style string) string {
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; img-src data:; base-uri 'none'; form-action 'none'"
}

// failed are the failures, for readers without JavaScript.
func (r Results) failed() (list []TestResult) {
	for _, t := range r.Tests {
		if t.Status == Failed {
			list = append(list, t)
		}
	}
	return list
}
