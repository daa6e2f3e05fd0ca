package tasks

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestParseChecklist(t *testing.T) {
	tests := []struct {
		name, body string
		want       []Item
	}{
		{"every kind of box", `Text before.

 * [ ] image-refresh fedora-42
- [ ] po-refresh
* [x] example-task
- [X] npm-update: all
   * [ ] FAIL: naughty-prune
- [x] FAIL: learn-tests
text after`, []Item{
			{"image-refresh fedora-42", 3, false, false},
			{"po-refresh", 4, false, false},
			{"example-task", 5, true, false},
			{"npm-update: all", 6, true, false},
			{"naughty-prune", 7, false, true},
			{"learn-tests", 8, true, true},
		}},
		{"CR LF", " * [ ] a\r\n * [x] b\r\n", []Item{{"a", 1, false, false}, {"b", 2, true, false}}},
		{"no boxes", "* [] a\n*[ ] b\n+ [ ] c\n1. [ ] d\n* [y] e\n* [ ]f\n* [ ] \n* [ ] FAIL: \ntext * [ ] g\n", nil},
		{"what GitHub does not show as boxes", "```\n * [ ] a\n```\n~~~ sh\n* [ ] b\n```\n* [ ] c\n~~~\n" +
			"<!-- * [ ] d\n* [ ] e\n--> \n* [ ] f\n<!-- x --> <!-- y\n* [ ] g\n--> <!--\n* [ ] h\n-->\n* [ ] i\n````\n```\n* [ ] j",
			[]Item{{"f", 12, false, false}, {"i", 18, false, false}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if d := cmp.Diff(test.want, ParseChecklist(test.body), cmpopts.EquateEmpty()); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestNextItem(t *testing.T) {
	item, ok := NextItem(ParseChecklist("* [x] a\n* [ ] FAIL: b\n* [ ] c\n* [ ] d\n"))
	if !ok || item.Text != "c" {
		t.Errorf("next is %+v, %v", item, ok)
	}
	if item, ok := NextItem(ParseChecklist("* [x] a\n* [ ] FAIL: b\n")); ok {
		t.Errorf("next is %+v", item)
	}
}

func TestCheck(t *testing.T) {
	tests := []struct {
		name, body, item string
		ok               bool
		want, err        string
	}{
		{"ok", "a\n * [ ] x y\nb", "x y", true, "a\n * [x] x y\nb", ""},
		{"failed", "a\n * [ ] x y\nb", "x y", false, "a\n * [ ] FAIL: x y\nb", ""},
		{"CR LF, no last line ending, blanks", "a  \r\n- [ ]   x \r\n\r\n- [ ] y", "x", true, "a  \r\n- [x]   x \r\n\r\n- [ ] y", ""},
		{"CR LF failed", "- [ ]   x \r\nb\r\n", "x", false, "- [ ] FAIL: x \r\nb\r\n", ""},
		{"the first open one of several", "* [x] x\n* [ ] FAIL: x\n* [ ] x\n* [ ] x\n", "x", true, "* [x] x\n* [ ] FAIL: x\n* [x] x\n* [ ] x\n", ""},
		{"not a longer one", "* [ ] x y\n* [ ] x\n", "x", true, "* [ ] x y\n* [x] x\n", ""},
		{"not in code", "```\n* [ ] x\n```\n* [ ] x\n", "x", true, "```\n* [ ] x\n```\n* [x] x\n", ""},
		{"gone", "* [ ] y\n", "x", true, "", `find item "x": it is not in the text any more`},
		{"ticked by hand", "* [x] x\n", "x", true, "", `find item "x": it is ticked already`},
		{"failed already", "* [ ] FAIL: x\n", "x", false, "", `find item "x": it is marked FAIL already`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := Check(test.body, test.item, test.ok)
			if test.err != "" {
				if _, typed := errors.AsType[*NoItemError](err); !typed || err.Error() != test.err || got != test.body {
					t.Errorf("got %q and error %v", got, err)
				}
				return
			}
			if err != nil || got != test.want {
				t.Errorf("got %q and error %v, want %q", got, err, test.want)
			}
		})
	}
}

func FuzzCheck(f *testing.F) {
	f.Add("a\r\n * [ ] x y\r\n```\n- [ ] x y\n", true)
	f.Add("<!-- - [ ] x -->\n* [ ]  FAIL: x\n* [ ]  x\t\n", false)
	f.Fuzz(func(t *testing.T, body string, ok bool) {
		before := ParseChecklist(body)
		next, open := NextItem(before)
		if !open {
			return
		}
		got, err := Check(body, next.Text, ok)
		if err != nil {
			t.Fatal(err)
		}
		after := ParseChecklist(got)
		want := append([]Item(nil), before...)
		for i := range want {
			if want[i] == next {
				want[i].Checked, want[i].Failed = ok, !ok
			}
		}
		if d := cmp.Diff(want, after); d != "" {
			t.Errorf("%q became %q (-want +got):\n%s", body, got, d)
		}
		old, now := strings.Split(body, "\n"), strings.Split(got, "\n")
		if len(old) != len(now) {
			t.Fatalf("%q became %q: other number of lines", body, got)
		}
		for i := range old {
			if i != next.Line-1 && old[i] != now[i] {
				t.Errorf("line %d changed from %q to %q", i+1, old[i], now[i])
			}
		}
	})
}
