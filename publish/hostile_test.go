package publish_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cyborg-bots/cyborg/publish"
)

// attacks are texts that would run, load or break something if they were ever
// taken for markup, for a part of the script, or for an address.
var attacks = []string{
	`<script>window.pwned = 1; alert(1)</script>`,
	`<img src=x onerror="window.pwned=2;alert(2)">`,
	`"><svg onload=alert(3)><a href="javascript:alert(4)">x</a>`,
	`</script><script>window.pwned=5</script><!--`,
	`</title><iframe srcdoc="<script>parent.pwned=6</script>">`,
	`' onmouseover='alert(7)' x='`,
	`javascript:alert(8)`,
	`{{.}}${alert(9)}` + "`${alert(10)}`",
	"\u2028alert(11)//\u2029</style><style>*{display:none}</style>",
	`<!--<script>`,
	`<base href="https://evil.example/"><meta http-equiv=refresh content="0;url=https://evil.example/">`,
	"\x1b]8;;javascript:alert(12)\x07link\x1b]8;;\x07\x1b[31;99999999999999m<b>\x1b[38;5;300mx\x1b[38;2;1e9;;mx",
	"\x1b[38;5;<script>alert(13)</script>m", "\u202egnp.exe", "constructor", "__proto__",
}

// attack puts every attack wherever a job or a stranger can put text.
func attack(t *testing.T, s publish.Store) *publish.Attempt {
	t.Helper()
	all := strings.Join(attacks, " ")
	i := info(t)
	i.Context, i.Title, i.Bot, i.Host, i.Version, i.Nonce, i.SHA, i.Base, i.Branch, i.Line = all, all, all, all, all, all, all, all, all, all
	i.Repo, i.Web, i.Previous = "acme/"+attacks[1], "https://evil.example/\"><script>alert(20)</script>", "javascript:alert(21)"
	a := begin(t, s, i)
	folder := t.TempDir()
	report := publish.Report{Problem: all, Offset: a.Lines()}
	for n, text := range attacks {
		fmt.Fprintf(a, "%s\n", text)
		status := []publish.Status{publish.Failed, publish.Passed, publish.Skipped, publish.Todo, publish.Running, publish.Status(text)}[n%6]
		file := strings.ReplaceAll(text, "/", "_") + []string{".png", ".html", ".svg", ".js", ""}[n%5]
		report.Tests = append(report.Tests, publish.Test{Name: text, Status: status, Message: text + "\n" + text, Line: n + 1, Artifacts: []string{file}},
			publish.Test{Name: "failed " + text, Status: publish.Failed, Message: all, Line: n + 1, End: n + 1, Issue: n % 3})
		if err := os.WriteFile(filepath.Join(folder, strings.Trim(file, "\x00")), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	a.Report(report)
	if err := a.Artifacts(t.Context(), folder); err != nil {
		t.Error(err)
	}
	finish(t, a, publish.StateFailure, all)
	return a
}

func TestNothingForeignRuns(t *testing.T) {
	s := serve(t)
	a := attack(t, s)
	b := openBrowser(t)
	b.open(a.URL())
	b.until(`page.over`)
	b.run(`for (const d of document.querySelectorAll("details")) d.open = true`)
	b.until(`document.querySelectorAll("details[open] .body").length === document.querySelectorAll("details").length`)
	b.run(`document.getElementById("log").scrollIntoView()`)
	b.until(`document.querySelectorAll(".l").length > 10`)
	for what, want := range map[string]string{
		"window.pwned": `undefined`,
		`[...document.querySelectorAll("script, iframe, svg, object, embed, base, style, form, meta[http-equiv=refresh]")].map(e => e.tagName + (e.type || "")).join()`: "STYLE,SCRIPTapplication/json,SCRIPT",
		`[...document.querySelectorAll("a[href]")].filter(a => !/^https?:$/.test(a.protocol)).length`:                                                                   "0",
		`[...document.querySelectorAll("*")].filter(e => [...e.attributes].some(a => a.name.startsWith("on"))).length`:                                                  "0",
		`web("javascript:alert(1)", "x").tagName + web("data:text/html,x", "x").tagName + web("https://x/", "x").tagName`:                                               "SPANSPANA",
		`document.querySelectorAll(".test").length`:                                                            fmt.Sprint(2 * len(attacks)),
		`document.querySelector("#log").textContent.includes('<img src=x onerror="window.pwned=2;alert(2)">')`: "true",
	} {
		if got := value[string](b, "String("+what+")"); got != want {
			t.Errorf("%s is %s, want %s", what, got, want)
		}
	}
	b.shoot("attacked")
	b.content()

	files := 0
	for e, err := range s.List(t.Context(), a.Prefix()+"/files/") {
		if err != nil {
			t.Fatal(err)
		}
		files++
		if strings.HasSuffix(e.Name, ".bin") {
			continue // a browser saves it
		}
		b.open(s.URL(e.Name))
		if got := value[string](b, `[window.pwned, document.scripts.length, origin].join()`); got != ",0,null" {
			t.Errorf("%s: opened on its own it has %s", e.Name, got)
		}
	}
	if files != len(attacks) {
		t.Errorf("%d artifacts were published, want %d", files, len(attacks))
	}
}
