package publish

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const token = "ghp_16C7e42F292c6912E7710c838347Ae178B4a"

const pem = `-----BEGIN PRIVATE KEY-----
MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj
MzEfYyjiWA4R4/M2bS1GB4t7NXp98C3SC6dVMvDuictGeurT8jNbvJZHtCSuYEvu
oO7HzVqP0QN3xlw=
-----END PRIVATE KEY-----
`

// What programs print of a secret, made by those programs' own encoders.
func TestTextHidesEveryForm(t *testing.T) {
	tricky := `p&ss<w>rd"/ ü's+%=\x`
	js, err := json.Marshal(map[string]string{"k": "a " + tricky})
	if err != nil {
		t.Fatal(err)
	}
	jsjs, err := json.Marshal(string(js))
	if err != nil {
		t.Fatal(err)
	}
	var markup bytes.Buffer
	if err := xml.EscapeText(&markup, []byte(tricky)); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(pem, "\n")
	b64 := base64.StdEncoding.EncodeToString
	for name, tt := range map[string]struct{ in, want string }{
		"nothing":               {"no secrets here", "no secrets here"},
		"plain":                 {"remote: https://x:" + token + "@github.com/", "remote: https://x:[secret]@github.com/"},
		"twice":                 {token + token, mark + mark},
		"base64 of user:token":  {"Authorization: Basic " + b64([]byte("x-access-token:"+token)), "Authorization: Basic eC1hY2Nlc3MtdG9rZW46[secret]"},
		"base64 behind 1 byte":  {b64([]byte("?" + token + "???")), "P2[secret]/Pz8="},
		"base64 behind 2 bytes": {b64([]byte("??" + token + "???")), "Pz9[secret]Pz8/"},
		"base64 url":            {base64.URLEncoding.EncodeToString([]byte("x" + tricky)), ""},
		"query":                 {"?t=" + url.QueryEscape(tricky) + "&x", "?t=[secret]&x"},
		"path":                  {"/" + url.PathEscape(tricky) + "/x", "/[secret]/x"},
		"lower case query":      {lowerPercent(url.QueryEscape(tricky)), mark},
		"userinfo":              {url.UserPassword("u", tricky).String(), "u:[secret]"},
		"json":                  {string(js), `{"k":"a [secret]"}`},
		"json in json":          {string(jsjs), `"{\"k\":\"a [secret]\"}"`},
		"xml":                   {markup.String(), mark},
		"set -x":                {`+ curl -u 'p&ss<w>rd"/ ü'\''s+%=\x'`, "+ curl -u '[secret]'"},
		"hex":                   {hex.EncodeToString([]byte("a" + token + "b")), "61[secret]62"},
		"key":                   {pem, "[secret]\n\n\n\n\n"},
		"line of a key":         {"  | " + lines[2] + " |", "  | [secret] |"},
		"last line of a key":    {"log: " + lines[3], "log: [secret]"},
		"armour is no secret":   {lines[0], lines[0]},
		"base64 -w0 of a key":   {b64([]byte(pem)), mark},
		"trimmed":               {"$(cat file) is x-trimmed-x", "$(cat file) is [secret]"},
		"half a token":          {token[:20], token[:20]},
	} {
		r, refused := NewRedactor(Secret{"TOKEN", token}, Secret{"TRICKY", tricky}, Secret{"KEY", pem}, Secret{"FILE", "x-trimmed-x\n"})
		if len(refused) != 0 {
			t.Fatalf("refused %q", refused)
		}
		got := r.Text(tt.in)
		if tt.want != "" && got != tt.want {
			t.Errorf("%s:\n in  %s\n got %s\nwant %s", name, tt.in, got, tt.want)
		}
		if tt.want == "" && !strings.Contains(got, mark) {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// base64(1) breaks lines; no line of the output may show a piece of the key.
func TestWrappedBase64(t *testing.T) {
	r, _ := NewRedactor(Secret{"KEY", pem})
	text := base64.StdEncoding.EncodeToString([]byte(pem))
	for _, width := range []int{64, 76} {
		var in strings.Builder
		for i := 0; i < len(text); i += width {
			fmt.Fprintf(&in, "%s\n", text[i:min(i+width, len(text))])
		}
		if got := strings.ReplaceAll(r.Text(in.String()), mark, ""); strings.Trim(got, "\n=") != "" {
			t.Errorf("width %d leaves %q", width, got)
		}
	}
}

func TestShortSecretsAreRefused(t *testing.T) {
	r, refused := NewRedactor(Secret{"A", "12345"}, Secret{"B", "123456"}, Secret{"C", ""}, Secret{"D", "  abc  \n"}, Secret{"E", "äöüäö"})
	if diff := cmp.Diff([]string{"A", "C", "D", "E"}, refused); diff != "" {
		t.Errorf("refused (-want +got):\n%s", diff)
	}
	if got := r.Text("12345 123456"); got != "12345 [secret]" {
		t.Error(got)
	}
	none, _ := NewRedactor(Secret{"A", "short"})
	for _, r := range []*Redactor{nil, none} {
		if !r.Empty() || r.Text("short") != "short" || r.Has([]byte("short")) {
			t.Error("something was found without secrets")
		}
	}
}

// Line numbers in results must stay true, whatever was hidden.
func TestNewlinesStay(t *testing.T) {
	r, _ := NewRedactor(Secret{"KEY", pem})
	in := "1\n" + pem + "7\n"
	if got := r.Text(in); strings.Count(got, "\n") != strings.Count(in, "\n") || !strings.HasSuffix(got, "\n7\n") {
		t.Errorf("got %q", got)
	}
}

func TestSecretPrintsAsItsName(t *testing.T) {
	s := Secret{"TOKEN", token}
	js, err := json.Marshal(struct{ S Secret }{s})
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("begun", "secret", s, "all", []Secret{s})
	for _, got := range []string{fmt.Sprint(s), fmt.Sprintf("%v %+v %#v %q %s %x", s, s, s, s, s, s), fmt.Sprint([]Secret{s}), string(js), log.String()} {
		if strings.Contains(got, token) || strings.Contains(got, hex.EncodeToString([]byte(token))) || !strings.Contains(got, "TOKEN") {
			t.Error(got)
		}
	}
}

// covered is what must be hidden, found by trying every form at every place.
func covered(list []string, in []byte) []bool {
	hide := make([]bool, len(in))
	for _, f := range list {
		for at := 0; ; at++ {
			n := bytes.Index(in[at:], []byte(f))
			if n < 0 {
				break
			}
			at += n
			for i := range len(f) {
				hide[at+i] = true
			}
		}
	}
	return hide
}

// checkRedaction writes in cut in pieces and compares with the slow way.
func checkRedaction(t *testing.T, r *Redactor, list []string, in []byte, cut func() int) {
	t.Helper()
	var stars, marks bytes.Buffer
	ws, wm := r.Stars(&stars), r.Writer(&marks)
	for rest := in; len(rest) > 0; {
		n := min(max(1, cut()), len(rest))
		for _, w := range []io.Writer{ws, wm} {
			if _, err := w.Write(rest[:n]); err != nil {
				t.Fatal(err)
			}
		}
		rest = rest[n:]
	}
	if err := ws.Close(); err != nil {
		t.Fatal(err)
	}
	if err := wm.Close(); err != nil {
		t.Fatal(err)
	}
	want := bytes.Clone(in)
	for i, hidden := range covered(list, in) {
		if hidden && in[i] != '\n' {
			want[i] = '*'
		}
	}
	if !bytes.Equal(stars.Bytes(), want) {
		t.Fatalf("in   %q\ngot  %q\nwant %q", in, stars.Bytes(), want)
	}
	if whole := r.Text(string(in)); marks.String() != whole {
		t.Fatalf("in    %q\nparts %q\nwhole %q", in, marks.Bytes(), whole)
	}
}

// noise makes text in which forms, and beginnings of forms, lie close together.
func noise(rnd *rand.Rand, list []string, size int) []byte {
	var b []byte
	for len(b) < size {
		f := list[rnd.IntN(len(list))]
		switch rnd.IntN(5) {
		case 0:
			b = append(b, f...)
		case 1:
			b = append(b, f[:rnd.IntN(len(f))]...)
		case 2:
			b = append(b, f[rnd.IntN(len(f)):]...)
		case 3:
			b = append(b, "abc\n"[:rnd.IntN(5)]...)
		default:
			b = append(b, byte(rnd.IntN(256)))
		}
	}
	return b
}

func TestRedactorAgainstTheSlowWay(t *testing.T) {
	seed := rand.Uint64()
	rnd := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)
	for _, values := range [][]string{
		{"aaaaaa", "aaaaaaaab", "abaaba"}, // overlap themselves and each other
		{"secret", "[secret]", "crets-"},  // look like the mark
		{"\n\n\n\n\n\nx\n\ny", "one\ntwo-two\nthree-three"},
		{token, token[:30], token[10:], pem},
	} {
		var secrets []Secret
		var list []string
		for _, v := range values {
			secrets = append(secrets, Secret{"S", v})
			if len([]rune(strings.TrimSpace(v))) >= minSecret {
				list = append(list, forms(v)...)
			}
		}
		r, _ := NewRedactor(secrets...)
		for range 150 {
			in := noise(rnd, list, rnd.IntN(600))
			most := 1 + rnd.IntN(40)
			checkRedaction(t, r, list, in, func() int { return rnd.IntN(most) + 1 })
		}
	}
}

func FuzzRedactor(f *testing.F) {
	f.Add("secret", "xx secret yy", uint8(3))
	f.Add("aaaaaab", "aaaaaaaaaaaab", uint8(1))
	f.Add("line one\nline two", "line one\nline two", uint8(5))
	f.Add("ü\"&<>'%\\/ ", "{\"\\u00fc\\\"\\u0026\"}", uint8(2))
	f.Fuzz(func(t *testing.T, value, in string, step uint8) {
		if len(value) > 200 || len(in) > 2000 {
			return
		}
		r, refused := NewRedactor(Secret{"S", value})
		if len(refused) > 0 {
			return
		}
		list := forms(value)
		for _, form := range list {
			if len(form) < minSecret {
				t.Fatalf("form %q of %q is too short", form, value)
			}
		}
		checkRedaction(t, r, list, []byte(in+value+in+list[len(in)%len(list)]), func() int { return int(step) })
	})
}

// fifty is as many secrets as a well-furnished bot holds.
func fifty(rnd *rand.Rand) []Secret {
	var list []Secret
	for n := range 50 {
		value := make([]byte, 20+rnd.IntN(60))
		for i := range value {
			value[i] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/_-&% "[rnd.IntN(69)]
		}
		list = append(list, Secret{fmt.Sprint("S", n), "x" + string(value) + "x"})
	}
	return list
}

// BenchmarkRedactor is the speed on one core with 50 secrets, on text like a
// log's and on the worst that jobs print in earnest, base64. 200 MB/s are
// promised; the quickest round counts, so that others' work does not.
func BenchmarkRedactor(b *testing.B) {
	rnd := rand.New(rand.NewPCG(1, 2))
	r, _ := NewRedactor(fifty(rnd)...)
	binary := make([]byte, 750_000)
	for i := range binary {
		binary[i] = byte(rnd.Uint32())
	}
	line := "ok 1234 - verify/TestStorage.testPartitions # duration 12s, no problem at all in /usr/lib/cockpit\n"
	for name, data := range map[string][]byte{
		"log":    bytes.Repeat([]byte(line), 10_000),
		"base64": []byte(base64.StdEncoding.EncodeToString(binary)),
	} {
		for _, step := range []int{100, 32 << 10} {
			b.Run(fmt.Sprintf("%s/%d", name, step), func(b *testing.B) {
				b.SetBytes(int64(len(data)))
				best := time.Hour
				for b.Loop() {
					began := time.Now()
					w := r.Writer(io.Discard)
					for rest := data; len(rest) > 0; rest = rest[min(step, len(rest)):] {
						if _, err := w.Write(rest[:min(step, len(rest))]); err != nil {
							b.Fatal(err)
						}
					}
					best = min(best, time.Since(began))
				}
				speed := float64(len(data)) / 1e6 / best.Seconds()
				b.ReportMetric(speed, "MB/s-best")
				if speed < 200 {
					b.Errorf("a promise is broken: %.0f MB/s, at least 200", speed)
				}
			})
		}
	}
}

// BenchmarkPlacements places a form of one of 50 secrets at a random place
// between random cuts, b.N times, and fails at the first leak:
//
//	go test ./publish -run '^$' -bench Placements -benchtime 10000000x
func BenchmarkPlacements(b *testing.B) {
	rnd := rand.New(rand.NewPCG(rand.Uint64(), 3))
	secrets := fifty(rnd)
	r, _ := NewRedactor(secrets...)
	all := make([][]string, len(secrets))
	for i, s := range secrets {
		all[i] = forms(s.Value)
	}
	var out bytes.Buffer
	w := r.Stars(&out)
	buf := make([]byte, 0, 1024)
	for b.Loop() {
		list := all[rnd.IntN(len(all))]
		form := list[rnd.IntN(len(list))]
		buf = append(buf[:0], "0123456789 GET /path\n 0123456789"[:rnd.IntN(32)]...)
		at := len(buf)
		buf = append(append(buf, form...), "...\n0123456789"[:rnd.IntN(14)]...)
		out.Reset()
		one := rnd.IntN(len(buf) + 1)
		two := one + rnd.IntN(len(buf)+1-one)
		for _, part := range [][]byte{buf[:one], buf[one:two], buf[two:]} {
			if _, err := w.Write(part); err != nil {
				b.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			b.Fatal(err)
		}
		if got := out.Bytes()[at : at+len(form)]; len(bytes.Trim(got, "*\n")) > 0 {
			b.Fatalf("%q shows %q of %q", buf, got, form)
		}
	}
}
