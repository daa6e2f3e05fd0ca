package vmimage

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Limits of a list of packages, which comes out of a guest.
const (
	maxPackages = 20_000
	maxWord     = 200
)

// A Package is something that is installed in a disk.
type Package struct{ Name, Version string }

// Packages are all that is installed, by name and version.
type Packages []Package

// ParsePackages reads lines "NAME VERSION".
func ParsePackages(text []byte) (Packages, error) {
	var list Packages
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if len(words) > 2 || len(words[0]) > maxWord || len(words[len(words)-1]) > maxWord || strings.ContainsFunc(line, func(r rune) bool { return r < ' ' && r != '\n' || r > '~' }) {
			return nil, fmt.Errorf("read packages: %.100q is no line NAME VERSION", line)
		}
		if len(list) == maxPackages {
			return nil, fmt.Errorf("read packages: more than %d", maxPackages)
		}
		list = append(list, Package{words[0], strings.Join(words[1:], "")})
	}
	slices.SortFunc(list, func(a, b Package) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version)) })
	return slices.Compact(list), nil
}

// String is what ParsePackages reads.
func (p Packages) String() string {
	var b strings.Builder
	for _, one := range p {
		fmt.Fprintf(&b, "%s %s\n", one.Name, one.Version)
	}
	return b.String()
}

// A Change is what became of a package. Old is empty for one that is new, New for one that is gone.
type Change struct{ Name, Old, New string }

// Difference tells what became of the packages of one disk in the next. A package may be there in several versions, as
// kernels are.
func Difference(old, next Packages) []Change {
	versions := func(list Packages) map[string][]string {
		m := map[string][]string{}
		for _, p := range list {
			m[p.Name] = append(m[p.Name], p.Version)
		}
		return m
	}
	before, after := versions(old), versions(next)
	var names []string
	for _, list := range []map[string][]string{before, after} {
		for name := range list {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var changes []Change
	for _, name := range slices.Compact(names) {
		if a, b := strings.Join(before[name], ", "), strings.Join(after[name], ", "); a != b {
			changes = append(changes, Change{name, a, b})
		}
	}
	return changes
}

// maxShown is how many changes a text for people has; GitHub refuses one of more than 65536 characters.
const maxShown = 300

// Describe is a difference for people, in Markdown: what changed, in a table, and how much more there is.
func Describe(changes []Change) string {
	if len(changes) == 0 {
		return "No package changed.\n"
	}
	var b strings.Builder
	b.WriteString("| package | was | is |\n|---|---|---|\n")
	for _, c := range changes[:min(len(changes), maxShown)] {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", quote(c.Name), quote(c.Old), quote(c.New))
	}
	if more := len(changes) - maxShown; more > 0 {
		fmt.Fprintf(&b, "\nand %d more.\n", more)
	}
	return b.String()
}

// quote keeps Markdown from taking signs of a version for its own. The text has no control characters, see ParsePackages.
func quote(text string) string {
	if text == "" {
		return ""
	}
	return "`" + strings.NewReplacer("`", "'", "|", `\|`).Replace(text) + "`"
}
