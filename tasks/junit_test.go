package tasks

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cyborg-bots/cyborg/container"
	"github.com/cyborg-bots/cyborg/publish"
)

// collect reads the JUnit files that match the patterns below a folder.
func collect(t testing.TB, dir string, patterns ...string) publish.Report {
	t.Helper()
	r := NewResults(Format{Kind: JUnit, Files: patterns})
	if _, err := r.Write([]byte("output is of no interest\n")); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(r.Collect(dir), r.Close()); err != nil {
		t.Fatal(err)
	}
	return r.Report()
}

// put writes a file below a folder.
func put(t testing.TB, dir, name, text string) {
	t.Helper()
	name = filepath.Join(dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), 0o644)); err != nil {
		t.Fatal(err)
	}
}

func TestJUnit(t *testing.T) {
	const head = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"
	tests := []struct{ name, text, want string }{
		{"every result", head + `<testsuites tests="5"><testsuite name="s" timestamp="x"><properties><property name="a" value="b"/></properties>
<testcase classname="c.D" name="ok" time="1.5"/>
<testcase classname="c.D" name="bad"><failure message="it is &lt;bad&gt;" type="E">at line 3
in <![CDATA[<f>]]></failure><system-out>noise</system-out></testcase>
<testcase classname="c.D" name="broken"><error type="E">boom</error></testcase>
<testcase name="skip"><skipped message="no disk"/></testcase>
<testcase name="skip"><skipped/></testcase>
</testsuite></testsuites>`,
			"passed \"ok (c.D)\"\nfailed \"bad (c.D)\" \"it is <bad>\\nat line 3\\nin <f>\"\nfailed \"broken (c.D)\" \"boom\"\nskipped \"skip (s)\" \"no disk\"\nskipped \"skip (s) #2\"\n"},
		{"a suite alone, suites in suites", `<testsuite name="a"><testcase name="x"/><testsuite name="b"><testcase name="y"><failure/></testcase></testsuite></testsuite>`,
			"passed \"x (a)\"\nfailed \"y (b)\"\n"},
		{"retries of surefire", `<testsuite name="s"><testcase name="a"><flakyFailure message="m" type="t"><stackTrace>x</stackTrace><system-out>y</system-out></flakyFailure><flakyError/></testcase>` +
			`<testcase name="b"><failure message="no">no, really</failure><rerunFailure><stackTrace/></rerunFailure></testcase></testsuite>`,
			"passed \"a (s)\" retries 2\nfailed \"b (s)\" retries 1 \"no, really\"\n"},
		{"retries that are none", `<testsuite name="s"><testcase name="a" cyborg-retries="-7"/></testsuite>`, "passed \"a (s)\"\n"},
		{"no tests", head + `<testsuites/>`, ""},
		{"Latin-1", "<?xml version='1.0' encoding='ISO-8859-1'?><testsuite name='s'><testcase name='gr\xf6\xdfe'/></testsuite>", "passed \"größe (s)\"\n"},
		{"colours", "<testsuite name='s'><testcase name='a\x1b[31m'><failure>\x1b[1mno\x00</failure></testcase></testsuite>", "failed \"a?[31m (s)\" \"?[1mno?\"\n"},
		{"name spaces", `<n:testsuite xmlns:n="urn:x" n:name="no" name="s"><n:testcase name="a"/></n:testsuite>`, "passed \"a (s)\"\n"},
		{"a document type", `<!DOCTYPE testsuite><testsuite name="s"><testcase name="a"/></testsuite>`, "passed \"a (s)\"\n"},

		{"empty", "", "problem: read a.xml: no <testsuite> in it\n"},
		{"no XML", "hello", "problem: read a.xml: no <testsuite> in it\n"},
		{"other XML", "<html><testcase name='x'/></html>", "problem: read a.xml: no <testsuite> in it\n"},
		{"cut short", "<testsuite name='s'><testcase name='a'/><testcase name='b'>", "problem: read a.xml: the document ends inside <testcase>\n"},
		{"cut within a tag", "<testsuite name='s'><testcase nam", "problem: read a.xml: XML syntax error on line 1: unexpected EOF\n"},
		{"crossed", "<testsuite><testcase></testsuite></testcase>", "problem: read a.xml: </testsuite> ends nothing\n"},
		{"no end", "<testsuite></testsuite></testsuite>", "problem: read a.xml: </testsuite> ends nothing\n"},
		{"UTF-16", "<?xml version='1.0' encoding='UTF-16'?><testsuite/>", "problem: read a.xml: xml: opening charset \"UTF-16\": encoding \"UTF-16\" is not read, write UTF-8\n"},
		{"laughs", `<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><testsuite name="&b;"/>`, "problem: read a.xml: declares entities\n"},
		{"foreign file", `<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><testsuite name="&a;"/>`, "problem: read a.xml: declares entities\n"},
		{"unknown entity", `<testsuite name="&a;"/>`, "problem: read a.xml: XML syntax error on line 1: invalid character entity &a;\n"},
		{"deep", strings.Repeat("<testsuite>", 100_000), "problem: read a.xml: elements are nested more than 12 deep\n"},
		{"deep and hidden", "<testsuite>" + strings.Repeat("<x>", 100_000), "problem: read a.xml: elements are nested more than 12 deep\n"},
		{"many", "<testsuite>" + strings.Repeat("<x/>", 500_001), "problem: read a.xml: more than 500000 elements\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			put(t, dir, "a.xml", test.text)
			report := collect(t, dir, "*.xml")
			if d := cmp.Diff(test.want, summary(report)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			v := Judge(report, container.Result{}, DefaultTimeout)
			if bad := strings.Contains(test.want, "problem") || strings.Contains(test.want, "failed"); bad != (v.State == publish.StateFailure) {
				t.Errorf("verdict %+v", v)
			}
		})
	}
}

// TestJUnitFiles has the folder of a job that does what it likes.
func TestJUnitFiles(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	one := func(name string) string { return "<testsuite name='s'><testcase name='" + name + "'/></testsuite>" }
	put(t, outside, "secret.xml", one("secret"))
	put(t, dir, "reports/a.xml", one("a"))
	put(t, dir, "reports/deep/er/b.xml", one("b"))
	put(t, dir, "reports/c.txt", one("c"))
	put(t, dir, "other/d.xml", one("d"))
	put(t, dir, "closed/e.xml", one("e"))
	if err := errors.Join(
		os.Symlink(filepath.Join(outside, "secret.xml"), filepath.Join(dir, "reports/link.xml")),
		os.Symlink("../other/d.xml", filepath.Join(dir, "reports/inner.xml")),
		os.Symlink(outside, filepath.Join(dir, "reports/dir")),
		os.Symlink(".", filepath.Join(dir, "reports/circle")),
		syscall.Mkfifo(filepath.Join(dir, "reports/pipe.xml"), 0o644),
		os.Chmod(filepath.Join(dir, "closed"), 0),
		os.Mkdir(filepath.Join(dir, "reports/folder.xml"), 0o755),
	); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(filepath.Join(dir, "closed"), 0o755) })
	tests := []struct {
		patterns []string
		want     string
	}{
		{[]string{"reports/*.xml"}, "passed \"a (s)\"\n"},
		{[]string{"reports/**"}, "passed \"a (s)\"\npassed \"c (s)\"\npassed \"b (s)\"\n"},
		{[]string{"**/*.xml"}, ""}, // compared below
		{[]string{"reports/a.xml", "reports/a.*"}, "passed \"a (s)\"\n"},
		{[]string{"*/d.xml"}, "passed \"d (s)\"\n"},
		{[]string{"nowhere/*.xml"}, "problem: no file matches nowhere/*.xml\n"},
		{[]string{"reports/a.xml", "reports/z.xml"}, "passed \"a (s)\"\nproblem: no file matches reports/z.xml\n"},
		{[]string{"reports/link.xml"}, "problem: no file matches reports/link.xml\n"},
		{[]string{"reports/dir/secret.xml"}, "problem: no file matches reports/dir/secret.xml\n"},
		{[]string{"reports/pipe.xml"}, "problem: no file matches reports/pipe.xml\n"},
	}
	for _, test := range tests {
		got := summary(collect(t, dir, test.patterns...))
		if test.patterns[0] == "**/*.xml" {
			if strings.Contains(got, "secret") || !strings.Contains(got, `"a (s)"`) || !strings.Contains(got, `"b (s)"`) || strings.Count(got, `"d (s)`) != 1 {
				t.Errorf("%s: got\n%s", test.patterns, got)
			}
			continue
		}
		if got != test.want {
			t.Errorf("%s: got\n%s\nwant\n%s", test.patterns, got, test.want)
		}
	}
	if err := NewResults(Format{Kind: JUnit, Files: []string{"*"}}).Collect(filepath.Join(dir, "gone")); err == nil {
		t.Error("no error without the folder")
	}
}

// TestJUnitSwapped has a file that became something else after it was listed.
func TestJUnitSwapped(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "big.xml", "<testsuite>"+strings.Repeat(" ", 1000))
	if err := errors.Join(syscall.Mkfifo(filepath.Join(dir, "pipe.xml"), 0o644), os.Symlink("/etc/passwd", filepath.Join(dir, "link.xml"))); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for name, want := range map[string]string{"pipe.xml": "not a regular file", "big.xml": "1011 bytes, at most 100 are read", "link.xml": "", "gone.xml": "no such file"} {
		var r recorder
		if _, err := r.junitFile(root, name, 100); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %s", name, err, want)
		}
	}
}

// TestJUnitMemory has the document that makes the library keep its text once for each element around it.
func TestJUnitMemory(t *testing.T) {
	dir := t.TempDir()
	text := strings.Repeat("<testsuite name='s'>", 10) + "<testcase name='a'><failure>" + strings.Repeat("&#65;", 2<<20) + "</failure><system-out>" +
		strings.Repeat("x", 16<<20) + "</system-out></testcase>" + strings.Repeat("</testsuite>", 10)
	put(t, dir, "a.xml", text)
	before := heap()
	report := collect(t, dir, "a.xml")
	if used := int64(heap()) - int64(before); used > 8<<20 {
		t.Errorf("holds %d MB", used>>20)
	}
	if len(report.Tests) != 1 || report.Tests[0].Status != publish.Failed || len(report.Tests[0].Message) > maxMessage+10 || report.Problem != "" {
		t.Errorf("%d tests, problem %q", len(report.Tests), report.Problem)
	}
}

// TestBatsJUnit reads what the real program writes.
func TestBatsJUnit(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "a.bats", "@test \"a <b> & c\" { true; }\n@test \"fails\" { echo why; false; }\n@test \"skips\" { skip \"no disk\"; }\n")
	cmd := exec.CommandContext(t.Context(), "bats", "--report-formatter", "junit", "--output", ".", "a.bats")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 1 {
		t.Fatalf("bats ended with %v\n%s", err, out)
	}
	report := collect(t, dir, "report.xml")
	got := summary(report)
	for _, part := range []string{"passed \"a <b> & c (a.bats)\"\n", "failed \"fails (a.bats)\" ", "why", "skipped \"skips (a.bats)\" \"no disk\"\n"} {
		if !strings.Contains(got, part) {
			t.Errorf("no %q in\n%s", part, got)
		}
	}
	if v := Judge(report, container.Result{Code: 1}, DefaultTimeout); v.Description != "1 test failed" {
		t.Errorf("verdict %+v", v)
	}
}

func FuzzJUnit(f *testing.F) {
	f.Add([]byte(`<testsuites><testsuite name="s"><testcase classname="c" name="a" time="-1e300"><failure message="m">b</failure></testcase></testsuite></testsuites>`))
	f.Add([]byte("<?xml version='1.0' encoding='latin1'?><testsuite name='\xff'><testcase><skipped/><flakyError/></testcase><testsuite/></testsuite>"))
	f.Add([]byte(`<!DOCTYPE x><n:testsuite><![CDATA[x]]><!-- y --><testcase name="&#x202e;"><error>]]&gt;</error></testcase></n:testsuite>`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var r recorder
		err := r.junit(strings.NewReader(string(data)))
		names := map[string]bool{}
		for _, one := range r.report().Tests {
			if names[one.Name] || one.Name == "" || one.Duration < 0 || one.Retries < 0 || one.Status == "" {
				t.Errorf("bad test %+v", one)
			}
			names[one.Name] = true
		}
		if err != nil && strings.Contains(err.Error(), "fake-root") {
			t.Errorf("what was written anew is not read: %v", err)
		}
	})
}

// TestPlainJUnit wants that what is written anew has the same tests as the original, for random documents.
func TestPlainJUnit(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for range 200 {
		var text, want strings.Builder
		text.WriteString("<testsuites>")
		for i := range random.IntN(4) {
			fmt.Fprintf(&text, "<testsuite name='s%d'><properties><x>y</x></properties>", i)
			for j := range random.IntN(5) {
				kind := random.IntN(3)
				fmt.Fprintf(&text, "<testcase name='%d-%d &lt;'>%s<system-err>z</system-err></testcase>", i, j, []string{"", "<failure>a &amp; b</failure>", "<skipped message='c'/>"}[kind])
				fmt.Fprintf(&want, "%s \"%d-%d < (s%d)\"%s\n", []string{"passed", "failed", "skipped"}[kind], i, j, i, []string{"", ` "a & b"`, ` "c"`}[kind])
			}
			text.WriteString("</testsuite>")
		}
		text.WriteString("</testsuites>")
		var r recorder
		if err := r.junit(strings.NewReader(text.String())); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want.String(), summary(r.report())); d != "" {
			t.Fatalf("%s (-want +got):\n%s", text.String(), d)
		}
	}
}
