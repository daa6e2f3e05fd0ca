package hub

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"text/template"
)

func TestSecretIsNeverPrinted(t *testing.T) {
	const value = "ghp_Zq9x"
	type holder struct {
		Token Secret
		Map   map[string]Secret
		Ptr   *Secret
	}
	s := Secret(value)
	h := holder{Token: s, Map: map[string]Secret{"k": s}, Ptr: &s}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "% x", "%10s", "%-20q", "%T %v"} {
		if verb == "%T %v" {
			fmt.Fprintf(&out, verb, s, s)
			continue
		}
		fmt.Fprintf(&out, verb, s)
		fmt.Fprintf(&out, verb, h)
		fmt.Fprintf(&out, verb, []Secret{s})
	}
	for _, v := range []any{s, h} {
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(data)
	}
	data, err := xml.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(data)
	slog.New(slog.NewTextHandler(&out, nil)).Info("m", "token", s, "holder", h)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "token", s, "holder", h)
	if err := template.Must(template.New("").Parse("{{.Token}}")).Execute(&out, h); err != nil {
		t.Fatal(err)
	}
	client, err := New(Options{Token: s})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&out, "%v %+v %#v %s", client, client, client, []*Client{client})
	slog.New(slog.NewTextHandler(&out, nil)).Info("m", "client", client)
	fmt.Fprint(&out, Options{Token: s, App: &App{Key: s}}, fmt.Errorf("x %w", fmt.Errorf("%v", s)))
	for _, form := range []string{value, fmt.Sprintf("%x", value), fmt.Sprintf("%X", value), fmt.Sprintf("% x", value)} {
		if strings.Contains(out.String(), form) {
			t.Errorf("%q is in the output:\n%s", form, out.String())
		}
	}
	if s.Reveal() != value || Secret("").String() != "" {
		t.Error("Reveal or the empty secret is wrong")
	}
}
