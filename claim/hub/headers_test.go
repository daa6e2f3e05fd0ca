package hub

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var noon = time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)

func TestParseRetryAfter(t *testing.T) {
	for _, row := range []struct {
		in   string
		want time.Duration
		ok   bool
	}{
		{"60", time.Minute, true},
		{" 1 ", time.Second, true},
		{noon.Add(90 * time.Second).Format(http.TimeFormat), 90 * time.Second, true}, // hub4j AbuseLimitHandlerTest
		{"", 0, false},
		{"0", 0, false},
		{"-5", 0, false},
		{"soon", 0, false},
		{"1.5", 0, false},
		{noon.Add(-time.Minute).Format(http.TimeFormat), 0, false},
		{"999999999999", longestWait, true},
		{"99999999999999999999999", 0, false},
		{noon.AddDate(10, 0, 0).Format(http.TimeFormat), longestWait, true},
	} {
		if got, ok := parseRetryAfter(row.in, noon); got != row.want || ok != row.ok {
			t.Errorf("parseRetryAfter(%q) = %v, %v; want %v, %v", row.in, got, ok, row.want, row.ok)
		}
	}
}

func TestParseReset(t *testing.T) {
	at := func(d time.Duration) string { return strconv.FormatInt(noon.Add(d).Unix(), 10) }
	for _, row := range []struct {
		in   string
		want time.Duration
		ok   bool
	}{
		{at(10 * time.Minute), 10*time.Minute + time.Second, true},
		{at(-time.Minute), time.Second, true},
		{at(48 * time.Hour), longestWait, true},
		{"", 0, false},
		{"0", 0, false},
		{"x", 0, false},
		{"9223372036854775807", 0, false},
	} {
		if got, ok := parseReset(row.in, noon); got != row.want || ok != row.ok {
			t.Errorf("parseReset(%q) = %v, %v; want %v, %v", row.in, got, ok, row.want, row.ok)
		}
	}
}

func TestParseLink(t *testing.T) {
	for _, row := range []struct {
		name, in string
		want     map[string]int
	}{
		{
			"the recorded form, by the repository's number",
			`<https://api.github.com/repositories/1000/issues?per_page=3&page=2>; rel="next", <https://api.github.com/repositories/1000/issues?per_page=3&page=5>; rel="last"`,
			map[string]int{"next": 2, "last": 5},
		},
		{"other parameters and case", `<https://h/x?page=7&a=,b>;title="a";REL="Prev"`, map[string]int{}}, // a comma in an address is not taken apart wrongly: nothing
		{"no quotes", `<https://h/x?page=7>; rel=prev`, map[string]int{"prev": 7}},
		{"no page", `<https://h/x?after=abc>; rel="next"`, map[string]int{}},
		{"page 0 or less", `<https://h/x?page=0>; rel="next", <https://h/x?page=-1>; rel="prev"`, map[string]int{}},
		{"page out of range", `<https://h/x?page=99999999999999999999>; rel="next"`, map[string]int{}},
		{"nonsense", `<<>>;;,,rel="next"`, map[string]int{}},
		{"nothing", "", map[string]int{}},
	} {
		if diff := cmp.Diff(row.want, parseLink(row.in)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.name, diff)
		}
	}
}

func TestParseRate(t *testing.T) {
	h := http.Header{}
	for k, v := range map[string]string{"Limit": "5000", "Remaining": "4987", "Reset": "1785585600", "Resource": "core"} {
		h.Set("X-RateLimit-"+k, v)
	}
	resource, r, ok := parseRate(h, noon)
	want := Rate{Limit: 5000, Remaining: 4987, Reset: time.Unix(1785585600, 0).UTC(), Seen: noon}
	if diff := cmp.Diff(want, r); diff != "" || resource != "core" || !ok {
		t.Errorf("%s %v (-want +got):\n%s", resource, ok, diff)
	}
	for k, v := range map[string]string{"Limit": "0", "Remaining": "-1", "Reset": "x"} {
		bad := h.Clone()
		bad.Set("X-RateLimit-"+k, v)
		if _, r, ok := parseRate(bad, noon); ok {
			t.Errorf("%s: %s is taken: %v", k, v, r)
		}
	}
}

func FuzzHeaders(f *testing.F) {
	f.Add("60", "1785585600", `<https://h/x?page=2>; rel="next"`, "5000")
	f.Add("Sat, 01 Aug 2026 12:01:30 GMT", "-1", `<;rel=>,<`, "")
	f.Fuzz(func(t *testing.T, retry, reset, link, number string) {
		if d, ok := parseRetryAfter(retry, noon); ok && (d <= 0 || d > longestWait) {
			t.Errorf("Retry-After %q gives %v", retry, d)
		}
		if d, ok := parseReset(reset, noon); ok && (d <= 0 || d > longestWait) {
			t.Errorf("reset %q gives %v", reset, d)
		}
		for rel, page := range parseLink(link) {
			if page < 1 {
				t.Errorf("Link %q gives %s page %d", link, rel, page)
			}
		}
		h := http.Header{}
		h.Set("X-RateLimit-Limit", number)
		h.Set("X-RateLimit-Remaining", retry)
		h.Set("X-RateLimit-Reset", reset)
		if _, r, ok := parseRate(h, noon); ok && (r.Limit <= 0 || r.Remaining < 0 || r.Remaining > r.Limit) {
			t.Errorf("rate %v", r)
		}
	})
}
