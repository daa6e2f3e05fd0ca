package publish_test

import (
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/cyborg-bots/cyborg/publish"
)

// picture writes a small picture that looks like a window.
func picture(t testing.TB, path string) {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, 480, 300))
	for y := range 300 {
		for x := range 480 {
			c := color.RGBA{240, 242, 245, 255}
			if y < 40 {
				c = color.RGBA{20, 80, 160, 255}
			} else if x < 120 {
				c = color.RGBA{30, 34, 40, 255}
			}
			m.Set(x, y, c)
		}
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, m); err != nil {
		t.Fatal(err)
	}
}

// suite is a run of tests as people know it: most pass, some do not.
func suite(t testing.TB, a *publish.Attempt) (report publish.Report) {
	t.Helper()
	fmt.Fprintf(a, "\x1b[1mChecking out\x1b[0m 6dcb09b5b57875f334f61aebed695e2e4193db5e merged with main\n")
	report = publish.Report{Planned: 48, Offset: a.Lines()}
	line := 0
	say := func(format string, args ...any) {
		fmt.Fprintf(a, format+"\n", args...)
		line++
	}
	for n := range 46 {
		name := fmt.Sprintf("test/verify/check-%s TestSuite.test%02d", []string{"storage", "networking", "users", "services"}[n%4], n)
		test := publish.Test{Name: name, Status: publish.Passed, Duration: time.Duration(n*n+1) * 90 * time.Millisecond, Line: line + 1}
		say("# ----------------------------------------------------------------------")
		say("# %s", name)
		say("\x1b[36m%02d:10:%02d\x1b[0m > info: mounting \x1b[34m/dev/vda%d\x1b[0m on /mnt/data", n%24, n, n)
		switch {
		case n%17 == 5:
			say("Traceback (most recent call last):")
			say("  File \"test/verify/check-storage\", line %d, in testResize", 100+n)
			say("    b.wait_in_text(\"#size\", \"%d GB\")", n)
			say("\x1b[31;1mtestlib.Error: timeout\x1b[0m waiting for \x1b[33m\"#size\"\x1b[0m to be \"%d GB\", it is <empty>", n)
			test.Status, test.Message = publish.Failed, fmt.Sprintf("testlib.Error: timeout waiting for \"#size\" to be \"%d GB\", it is <empty>", n)
			test.Retries = n % 3
		case n == 30:
			test.Status, test.Message, test.Issue = publish.Failed, "audit: denied { read } for comm=\"systemd-resolve\"", 20483
		case n%19 == 8:
			test.Status, test.Message = publish.Skipped, "no TPM in this machine"
		case n == 40:
			test.Status, test.Message = publish.Todo, "resize of LUKS is not implemented"
		case n%20 == 9:
			test.Retries = 1
		}
		say("%s %d - %s # duration: %d s", map[bool]string{true: "\x1b[32mok\x1b[0m", false: "\x1b[31mnot ok\x1b[0m"}[test.Status != publish.Failed], n+1, name, n)
		test.End = line
		report.Tests = append(report.Tests, test)
	}
	return report
}

// shots adds two pictures and a journal of a failed test, and one of nobody.
func shots(t testing.TB, a *publish.Attempt) {
	t.Helper()
	folder := t.TempDir()
	for _, name := range []string{"check-networking-TestSuite-test05.png", "desktop.png", "desktop-expected.png", "desktop-actual.png", "desktop-diff.png"} {
		picture(t, filepath.Join(folder, name))
	}
	for _, name := range []string{"TestSuite-test05-fedora-42.log", "journal.txt", "report.html"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(strings.Repeat("a line of the journal\n", 500)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Artifacts(t.Context(), folder); err != nil {
		t.Fatal(err)
	}
}

// sample is a page with everything on it.
func sample(t testing.TB, s publish.Store) *publish.Attempt {
	t.Helper()
	i := info(t)
	i.Previous = "https://logs.example.org/acme/widget/before/log.html"
	a := begin(t, s, i)
	report := suite(t, a)
	a.Report(report)
	shots(t, a)
	o := publish.Outcome{State: publish.StateFailure, Description: "3 tests failed", Finished: i.Started.Add(17*time.Minute + 4*time.Second)}
	if err := a.Finish(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	return a
}

// TestPageLooksGood takes pictures to look at:
//
//	go test ./publish -run TestPageLooksGood -artifacts -outputdir DIR
func TestPageLooksGood(t *testing.T) {
	a := sample(t, serve(t))
	b := openBrowser(t)
	b.open(a.URL())
	b.until(`page.over && document.images.length > 0`)
	b.until(`[...document.querySelectorAll("#tests img")].every(i => i.complete)`)
	for _, theme := range []string{"light", "dark"} {
		b.theme(theme)
		b.run(`scrollTo(0, 0)`)
		b.shoot(theme)
		b.run(`document.getElementById("files").scrollIntoView()`)
		b.until(`[...document.querySelectorAll("#files img")].every(i => i.complete && i.naturalWidth > 0)`)
		b.shoot(theme + "-log")
	}
	if got := value[string](b, `[...document.querySelectorAll(".pair figcaption")].map(c => c.textContent).join()`); got != "expected,actual,difference" {
		t.Errorf("pictures side by side: %s", got)
	}
	b.open(value[string](b, `[...document.querySelectorAll("a")].find(a => a.textContent === "all attempts").href`))
	b.until(`document.title === "acme/widget: pull 7"`)
	b.shoot("index")
	b.open(value[string](b, `document.querySelector("h1 a").href`))
	b.until(`document.title === "acme/widget"`)
	b.theme("dark")
	b.shoot("index-dark")
	b.open(value[string](b, `document.querySelector("td a").href`))
	b.until(`page.over`)
	b.do(chromedp.EmulateViewport(390, 800))
	b.run(`scrollTo(0, 0)`)
	b.shoot("phone")
	if wide := value[int](b, `document.documentElement.scrollWidth`); wide > 390 {
		t.Errorf("on a phone the page is %d wide", wide)
	}
	b.content()
}

// What a reader came for is on top, open, with its picture and its part of the log.
func TestFailureOnTop(t *testing.T) {
	a := sample(t, serve(t))
	b := openBrowser(t)
	b.open(a.URL())
	b.until(`page.over`)
	first := `document.querySelector(".test")`
	for what, expression := range map[string]string{
		"the first test is the failed one": first + `.dataset.name.endsWith("TestSuite.test05")`,
		"it is open":                       first + `.open`,
		"its message is shown":             first + `.textContent.includes('to be "5 GB", it is <empty>')`,
		"and its part of the log":          first + `.querySelector(".around").textContent.includes("Traceback")`,
		"and its picture":                  first + `.querySelector("img").src.endsWith("/files/check-networking-TestSuite-test05.png")`,
		"and its journal":                  first + `.querySelector("a[href$='TestSuite-test05-fedora-42.log']") !== null`,
		"three are open":                   `document.querySelectorAll(".test[open]").length === 3`,
		"a known issue is told apart":      `document.querySelector(".t-known.test .tag").textContent === "known issue #20483"`,
		"the outcome":                      `document.getElementById("state").textContent.includes("3 tests failed")`,
		"the title":                        `document.title === "✗ 3 tests failed · verify/fedora-42 · acme/widget"`,
		"the duration":                     `document.getElementById("took").textContent === "17 min 04 s"`,
		"the line that repeats it":         `document.querySelector(".repeat code").textContent === "cyborg verify --pull 7 fedora-42"`,
		"the pull request":                 `document.querySelector(".subject a[href='https://github.com/acme/widget/pull/7']") !== null`,
		"the attempt before":               `document.querySelector(".facts a[href^='https://logs.example.org']") !== null`,
		"the plan":                         `document.querySelector(".sum").textContent.includes("2 of the plan did not run")`,
		"a page among the artifacts":       `document.querySelector("#files a[href$='report_html.txt'], #files a[href$='report.html.txt']") !== null`,
	} {
		if !value[bool](b, expression) {
			t.Errorf("not so: %s", what)
		}
	}
	b.content()
}

func TestReaderFindsTheWay(t *testing.T) {
	a := sample(t, serve(t))
	b := openBrowser(t)
	inView := func(selector string) string {
		return `(() => { const e = document.querySelector("` + selector + `"); if (!e) return false; const r = e.getBoundingClientRect(); return r.bottom > 0 && r.top < innerHeight; })()`
	}
	b.open(a.URL() + "#L150-L152")
	b.until(inView("#L150.target") + `&& document.querySelectorAll(".l.target").length === 3`)
	b.run(`location.hash = "#test=" + encodeURIComponent("test/verify/check-storage TestSuite.test08")`)
	b.until(inView(".t-skipped.target[open]"))
	b.run(`location.hash = "#test=%"`) // broken, must not throw
	b.do(chromedp.KeyEvent("g"), chromedp.KeyEvent("n"))
	b.until(inView(".t-failed.target"))
	b.do(chromedp.KeyEvent("/"), chromedp.KeyEvent("VDA12"), chromedp.KeyEvent("\r"))
	b.until(`log.found.length === 1 && ` + inView(".l.found.target"))
	b.run(`document.getElementById("all").click()`)
	b.until(`document.querySelectorAll(".test").length === 46`)
	b.run(`tests.input.value = "networking"; tests.input.dispatchEvent(new Event("input"))`)
	b.until(`document.querySelectorAll(".test").length === 12`)
	b.run(`[...document.querySelectorAll(".chip")].find(c => c.textContent.startsWith("Failed")).click()`)
	b.until(`document.querySelectorAll(".test").length === 1`)
	b.content()
}

// Without JavaScript there is the outcome, what failed, and the plain log.
func TestWithoutJavaScript(t *testing.T) {
	a := sample(t, serve(t))
	b := openBrowser(t)
	b.scripts(false)
	b.open(a.URL())
	text, err := chromedp.Run(b.ctx, chromedp.Text("noscript"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"verify/fedora-42: 3 tests failed", "acme/widget, pull request 7", "TestSuite.test05", "it is <empty>", "The log as plain text"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
	b.shoot("noscript")
	b.content()
}

// A directory of logs that somebody opens on a disk.
func TestOpenedFromDisk(t *testing.T) {
	s := serve(t)
	a := sample(t, s)
	b := openBrowser(t)
	b.open("file://" + s.Path(a.Prefix()+"/log.html"))
	b.until(`log.blocks.length > 0`)
	b.run(`document.getElementById("log").scrollIntoView()`)
	b.until(`document.querySelectorAll(".l").length > 100 && document.querySelector(".around pre") !== null`)
	b.until(`document.querySelector("#tests img").complete && document.querySelector("#tests img").naturalWidth > 0`)
	if got := value[string](b, `document.getElementById("L1").textContent`); got != "cyborg verify --pull 7 fedora-42" {
		t.Errorf("line 1 is %q", got)
	}
	b.shoot("disk")
}
