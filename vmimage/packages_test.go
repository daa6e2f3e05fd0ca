package vmimage

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDifference(t *testing.T) {
	parse := func(text string) Packages {
		p, err := ParsePackages([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	old := parse("zlib1g 1:1.2.13.dfsg-1\nbash 5.2-1\nkernel-core 6.1-1\nkernel-core 6.2-1\ngone 1\n")
	next := parse("bash 5.2-2\nkernel-core 6.2-1\nkernel-core 6.3-1\nzlib1g 1:1.2.13.dfsg-1\nnew 2|3`~1\n\n")
	changes := Difference(old, next)
	want := []Change{
		{"bash", "5.2-1", "5.2-2"}, {"gone", "1", ""}, {"kernel-core", "6.1-1, 6.2-1", "6.2-1, 6.3-1"}, {"new", "", "2|3`~1"},
	}
	if diff := cmp.Diff(want, changes); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	if text := Describe(changes); !strings.Contains(text, "| `new` |  | `2\\|3'~1` |\n") {
		t.Errorf("it is described as\n%s", text)
	}
	if text := Describe(nil); text != "No package changed.\n" {
		t.Errorf("nothing is described as %q", text)
	}
	var many strings.Builder
	for n := range 5000 {
		fmt.Fprintf(&many, "package%d %s\n", n, strings.Repeat("1", 60))
	}
	if text := Describe(Difference(nil, parse(many.String()))); len(text) > 60_000 || !strings.Contains(text, "and 4700 more") {
		t.Errorf("a long difference has %d characters", len(text))
	}
}

// FuzzParsePackages: a guest's list never becomes more than names and versions.
func FuzzParsePackages(f *testing.F) {
	f.Add([]byte("bash 5.2\n"))
	f.Add([]byte("a b c\n"))
	f.Add([]byte("[x](http://y) <img>\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		list, err := ParsePackages(text)
		if err != nil {
			return
		}
		again, err := ParsePackages([]byte(list.String()))
		if err != nil || cmp.Diff(list, again) != "" {
			t.Errorf("%q is read as %q, and again as %q, %v", text, list, again, err)
		}
	})
}
