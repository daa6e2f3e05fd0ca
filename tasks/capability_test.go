package tasks

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestMissing(t *testing.T) {
	tests := []struct {
		name, needs, has string
		want             []string
	}{
		{"nothing needed", "", "kvm", nil},
		{"all there", "kvm memory=4G arch=amd64", "kvm memory=24G arch=amd64", nil},
		{"exactly enough", "memory=4G", "memory=4096M", nil},
		{"kvm is more than vm", "vm", "kvm", nil},
		{"vm is less than kvm", "kvm", "vm", []string{"needs kvm"}},
		{"too little", "memory=4G disk=80G", "memory=2G disk=10G", []string{"needs memory=4G, has 2G", "needs disk=80G, has 10G"}},
		{"none at all", "memory=4G", "", []string{"needs memory=4G"}},
		{"other machine", "arch=arm64", "arch=amd64", []string{"needs arch=arm64, has amd64"}},
		{"one network of two", "network=lab network=redhat", "network=internet network=lab", []string{"needs network=redhat, has internet lab"}},
		{"secrets are not told", "secret=NPM", "secret=KOJI", []string{"needs secret=NPM"}},
		{"odd sizes", "memory=24G", "memory=24427631K", []string{"needs memory=24G, has 23G"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			needs, err := ParseCapabilities(strings.Fields(test.needs))
			if err != nil {
				t.Fatal(err)
			}
			has, err := ParseCapabilities(strings.Fields(test.has))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(test.want, needs.Missing(has), cmpopts.EquateEmpty()); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			if needs.String() != test.needs {
				t.Errorf("%q prints as %q", test.needs, needs)
			}
		})
	}
}

func TestRequires(t *testing.T) {
	h := Header{In: Place{Kind: InVM}, Needs: Capabilities{{Name: "kvm"}, {Name: "secret", Value: "A"}}, Secrets: []string{"A", "B"}}
	if got := h.Requires().String(); got != "kvm secret=A vm secret=B" {
		t.Errorf("requires %s", got)
	}
	if len(h.Needs) != 2 {
		t.Errorf("the header's own needs changed: %v", h.Needs)
	}
}

func TestSizesAndDurations(t *testing.T) {
	for text, want := range map[string]string{"4G": "4G", "512M": "512M", "1024K": "1M", "2 GiB": "2G", "1tb": "1T", "1536M": "1536M"} {
		n, err := ParseSize(text)
		if got := FormatSize(n); err != nil || got != want {
			t.Errorf("size %q is %s, error %v, want %s", text, got, err, want)
		}
	}
	for text, want := range map[string]string{"7 days": "7 days", "2h": "2 hours", "90 minutes": "90 minutes", "1h30m": "90 minutes",
		"1 day 12 hours": "36 hours", "60 Minutes": "1 hour", "2 weeks": "14 days", "1s": "1 second", "61 s": "61 seconds"} {
		d, err := ParseDuration(text)
		if got := FormatDuration(d); err != nil || got != want {
			t.Errorf("duration %q is %s, error %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "h", "1", "1.5h", "-1h", "1h-", "1 month", "0s", "9999999999h", "1h 1", "1h,2m"} {
		if d, err := ParseDuration(text); err == nil {
			t.Errorf("duration %q is %s", text, d)
		}
	}
	for _, text := range []string{"", "G", "4", "4.5G", "-4G", "4P", "4G4G", "0G", "4096T", "9223372036854775807T"} {
		if n, err := ParseSize(text); err == nil {
			t.Errorf("size %q is %d", text, n)
		}
	}
}

func TestSuggest(t *testing.T) {
	for word, want := range map[string]string{"imge": "image", "iamge": "image", "IMAGE": "image", "tiemout": "timeout",
		"flavour": "", "o": "on", "i": "in", "xx": "", strings.Repeat("x", 100): "", "secret": "secrets", "need": "needs"} {
		if got := suggest(word, keyNames()); got != want {
			t.Errorf("for %q suggests %q, want %q", word, got, want)
		}
	}
}
