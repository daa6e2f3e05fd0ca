package deps

import (
	"cmp"
	"strconv"
	"strings"
)

// A version is a semantic version, as Go writes it (with v) and npm (without).
type version struct {
	numbers [3]uint64
	pre     string // "rc.1"; empty for a release
	build   string // "incompatible"
}

// parseVersion reads "v1.2.3-rc.1+incompatible" and "1.2.3". Ranges and shorter forms are no versions.
func parseVersion(text string) (v version, ok bool) {
	rest, build, _ := strings.Cut(strings.TrimPrefix(text, "v"), "+")
	rest, pre, _ := strings.Cut(rest, "-")
	v.pre, v.build = pre, build
	parts := strings.Split(rest, ".")
	if len(parts) != len(v.numbers) {
		return v, false
	}
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 10, 63)
		if err != nil || part[0] == '+' || len(part) > 1 && part[0] == '0' {
			return v, false
		}
		v.numbers[i] = n
	}
	return v, true
}

// compare orders two versions as semver.org does; the build does not count.
func (v version) compare(o version) int {
	for i := range v.numbers {
		if c := cmp.Compare(v.numbers[i], o.numbers[i]); c != 0 {
			return c
		}
	}
	switch {
	case v.pre == o.pre:
		return 0
	case v.pre == "":
		return 1
	case o.pre == "":
		return -1
	}
	return comparePre(strings.Split(v.pre, "."), strings.Split(o.pre, "."))
}

// comparePre orders the parts of two prereleases: numbers before words, and a shorter list before a longer one.
func comparePre(a, b []string) int {
	for i := range min(len(a), len(b)) {
		x, xerr := strconv.ParseUint(a[i], 10, 64)
		y, yerr := strconv.ParseUint(b[i], 10, 64)
		var c int
		switch {
		case xerr == nil && yerr == nil:
			c = cmp.Compare(x, y)
		case xerr == nil:
			c = -1
		case yerr == nil:
			c = 1
		default:
			c = cmp.Compare(a[i], b[i])
		}
		if c != 0 {
			return c
		}
	}
	return cmp.Compare(len(a), len(b))
}

// newer tells whether next is a release that may follow v: a later one, of the same major version unless major is set, and
// no prerelease. strict is npm's rule, by which below 1 a minor version is a major one.
func (v version) newer(next version, major, strict bool) bool {
	switch {
	case next.compare(v) <= 0 || next.pre != "":
		return false
	case next.build != "" && next.build != v.build: // +incompatible is a step back to before modules
		return false
	case major:
		return true
	case next.numbers[0] != v.numbers[0]:
		return false
	}
	return !strict || v.numbers[0] > 0 || next.numbers[1] == v.numbers[1]
}
