package tasks

import (
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSplitWords(t *testing.T) {
	tests := []struct {
		line string
		want []string
		err  string // part of the error
	}{
		{"", nil, ""},
		{"  \t ", nil, ""},
		{"image-refresh debian-13", []string{"image-refresh", "debian-13"}, ""},
		{"a  b\tc ", []string{"a", "b", "c"}, ""},
		{"a ''", []string{"a", ""}, ""},
		{`a 'b c' "d e" f\ g`, []string{"a", "b c", "d e", "f g"}, ""},
		{`a'b'"c"\d`, []string{"abcd"}, ""},
		{`'it'\''s'`, []string{"it's"}, ""},
		{`"a\"b\\c\$d\x"`, []string{`a"b\c$d\x`}, ""},
		{`'$HOME' '*' '#'`, []string{"$HOME", "*", "#"}, ""},
		{"größe ü", []string{"größe", "ü"}, ""},
		{`\ü`, []string{"ü"}, ""},
		{"a=b x,y:z @%+/._-", []string{"a=b", "x,y:z", "@%+/._-"}, ""},
		{"a $HOME", nil, `"$" means something to a shell`},
		{"a `id`", nil, "means something"},
		{"a; rm -rf /", nil, `";" means something`},
		{"a && b", nil, "means something"},
		{"a > /etc/passwd", nil, "means something"},
		{"a *", nil, "means something"},
		{"a ~", nil, "means something"},
		{"a #b", nil, "begins with #"},
		{"a b#c HEAD^", []string{"a", "b#c", "HEAD^"}, ""},
		{"a {b,c}", nil, "means something"},
		{`a "$HOME"`, nil, "even inside"},
		{`a "b`, nil, `a " is not closed`},
		{`a 'b`, nil, "a ' is not closed"},
		{`a \`, nil, `nothing behind the last \`},
		{"a\nb", nil, "control character U+000A"},
		{"a\x00b", nil, "control character U+0000"},
		{"a \u202e b", nil, "control character U+202E"},
		{"a \xff", nil, "not UTF-8"},
		{strings.Repeat("a", MaxLine+1), nil, "at most 4096"},
		{strings.Repeat("a ", MaxWords+2), nil, "more than 64 words"},
	}
	for _, test := range tests {
		got, err := SplitWords(test.line)
		if test.err != "" {
			if err == nil || !strings.Contains(err.Error(), test.err) {
				t.Errorf("%q: got %q and error %v, want error with %q", test.line, got, err, test.err)
			}
			continue
		}
		if err != nil || !cmp.Equal(got, test.want) {
			t.Errorf("%q: got %q and error %v, want %q", test.line, got, err, test.want)
		}
	}
}

// TestWordsAsShell asks a real shell whether it reads lines as SplitWords does: all that is accepted must mean the same.
func TestWordsAsShell(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	pieces := []string{"a", "b-c", " ", "  ", "\t", "'", "'", `"`, `"`, `\`, "$", "`", "*", "?", "[", "~", "#", "!", "}", "]", "=", "%",
		"ü", "''", `\'`, `\"`, `\\`, "$x", "{a,b}", ";", "&", "|", "<", ">", "(", ")", "^", "'x y'", `"x y"`, `"\$"`, ","}
	var script strings.Builder
	var want []string
	for len(want) < 2000 {
		var line strings.Builder
		for range 1 + random.IntN(12) {
			line.WriteString(pieces[random.IntN(len(pieces))])
		}
		words, err := SplitWords(line.String())
		if err != nil {
			continue
		}
		fmt.Fprintf(&script, "p %s\n", line.String())
		want = append(want, fmt.Sprintf("%d%q", len(words), words))
	}
	for _, shell := range []string{"sh", "bash"} {
		// A word a line, with its length, and an empty line behind each set of words.
		cmd := exec.CommandContext(t.Context(), shell, "-c", `p() { echo "$#"; for w; do printf '%s\n' "$w"; done; }`+"\n"+script.String())
		cmd.Dir = t.TempDir()
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("seed %d: %s: %v\n%s", seed, shell, err, out)
		}
		lines := strings.Split(string(out), "\n")
		for i, w := range want {
			n := 0
			fmt.Sscan(lines[0], &n)
			got := fmt.Sprintf("%d%q", n, lines[1:1+n])
			if got != w {
				t.Fatalf("seed %d: line %d: %s reads %s, we read %s\n%s", seed, i, shell, got, w, strings.Split(script.String(), "\n")[i])
			}
			lines = lines[1+n:]
		}
	}
}

func TestParseLine(t *testing.T) {
	sha := strings.Repeat("0123456789", 4)
	tests := []struct {
		text string
		want Line
		item string // what Item prints; "" is text itself
	}{
		{"image-refresh debian-13", Line{Task: "image-refresh", Args: []string{"debian-13"}}, ""},
		{"cyborg image-refresh debian-13", Line{Task: "image-refresh", Args: []string{"debian-13"}}, "image-refresh debian-13"},
		{"verify --pull 42 --context verify/fedora-42", Line{Task: "verify", Pull: 42, Context: "verify/fedora-42"}, ""},
		{"verify --context=verify --pull=#42", Line{Task: "verify", Pull: 42, Context: "verify"}, "verify --pull 42 --context verify"},
		{"verify x --pull 42 y", Line{Task: "verify", Pull: 42, Args: []string{"x", "y"}}, "verify --pull 42 x y"},
		{"verify --repo acme/widget.js --sha " + sha + " --publish --shell", Line{Task: "verify", Repo: "acme/widget.js", SHA: sha, Publish: true, Shell: true}, ""},
		{"po-refresh --issue 7 --publish", Line{Task: "po-refresh", Issue: 7, Publish: true}, ""},
		{"x -- --all -v", Line{Task: "x", Args: []string{"--all", "-v"}}, ""},
		{"x -- a", Line{Task: "x", Args: []string{"a"}}, "x a"},
		{"x -", Line{Task: "x", Args: []string{"-"}}, ""},
		{"x 'fix it; now' ''", Line{Task: "x", Args: []string{"fix it; now", ""}}, ""},
	}
	for _, test := range tests {
		got, err := ParseLine(test.text)
		if err != nil || !cmp.Equal(got, test.want) {
			t.Errorf("%s: error %v (-want +got):\n%s", test.text, err, cmp.Diff(test.want, got))
			continue
		}
		want := test.item
		if want == "" {
			want = test.text
		}
		if got.Item() != want || got.String() != "cyborg "+want {
			t.Errorf("%s: prints %q and %q", test.text, got.Item(), got.String())
		}
		if bare := !strings.Contains(test.text, "--") || test.text[0] == 'x'; got.Bare() != bare {
			t.Errorf("%s: bare is %v", test.text, got.Bare())
		}
	}
}

func TestBadLines(t *testing.T) {
	tests := []struct{ text, want string }{
		{"", "no task named"},
		{"cyborg", "no task named"},
		{"cyborg cyborg", `"cyborg" is the program`},
		{"../verify", `bad task name "../verify"`},
		{"Verify", `bad task name "Verify" (small letters`},
		{"--pull 3", `bad task name "--pull"`},
		{"verify --pul 3", `unknown option --pul: did you mean "--pull"?, or write -- before the task's own options`},
		{"verify --all", "unknown option --all: "},
		{"verify -x", "unknown option -x: "},
		{"verify --pull", "option --pull wants a value"},
		{"verify --pull x", "option --pull x: write a number"},
		{"verify --pull -3", "option --pull -3: write a number"},
		{"verify --pull 0", "write a number"},
		{"verify --pull '#'", "write a number"},
		{"verify --pull 99999999999", "write a number"},
		{"verify --pull 3 --pull 4", "option --pull is given twice"},
		{"verify --pull 3 --issue 4", "--pull and --issue exclude each other"},
		{"verify --publish=yes", "option --publish takes no value"},
		{"verify --sha abc", "write the full commit id"},
		{"verify --repo acme", "write OWNER/NAME"},
		{"verify --repo acme/..", "write OWNER/NAME"},
		{"verify --repo '-x/y'", "write OWNER/NAME"},
		{"verify --context po/x", `context "po/x" is not one of the task "verify"`},
		{"verify --context verify/../x", "write a context"},
		{"verify; id", `read line "verify; id": ";" means something`},
	}
	for _, test := range tests {
		got, err := ParseLine(test.text)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %+v and error %v, want error with %q", test.text, got, err, test.want)
		}
	}
}

func FuzzParseLine(f *testing.F) {
	for _, s := range []string{"image-refresh debian-13", "verify --pull 42 --context verify/fedora-42", `x 'a b' "c\"d" e\ f -- --g`,
		"x --repo a/b --sha 0123456789012345678901234567890123456789 --publish --shell", "x $(id)", "x --issue=#3 -"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		l, err := ParseLine(text)
		if err != nil {
			return
		}
		for _, printed := range []string{l.String(), l.Item()} {
			again, err := ParseLine(printed)
			if len(printed) > MaxLine && err != nil {
				continue // quotes may make a line longer than is read
			}
			if err != nil {
				t.Fatalf("%q printed %q: %v", text, printed, err)
			}
			if d := cmp.Diff(l, again); d != "" {
				t.Errorf("%q printed %q (-first +again):\n%s", text, printed, d)
			}
		}
	})
}
