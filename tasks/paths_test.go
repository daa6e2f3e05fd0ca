package tasks

import "testing"

func TestMayChange(t *testing.T) {
	for _, row := range []struct {
		paths []string
		file  string
		want  bool
	}{
		{nil, "anything", true},
		{[]string{"po/"}, "po/de.po", true},
		{[]string{"po/"}, "po/sub/de.po", true},
		{[]string{"po/"}, "po", false},
		{[]string{"po/"}, "po.txt", false},
		{[]string{"po/"}, "src/po/de.po", false},
		{[]string{"po"}, "po/de.po", true},
		{[]string{"go.mod", "go.sum"}, "go.sum", true},
		{[]string{"go.mod", "go.sum"}, "sub/go.sum", false},
		{[]string{"*.txt"}, "a.txt", true},
		{[]string{"*.txt"}, "sub/a.txt", false},
		{[]string{"**/*.txt"}, "sub/a.txt", true},
	} {
		h := &Header{Paths: row.paths}
		if got := h.MayChange(row.file); got != row.want {
			t.Errorf("paths %q let change %q: %v", row.paths, row.file, got)
		}
	}
}
