package selftest

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSecrets(t *testing.T) {
	const shows = "a secret that must not be seen"
	for _, test := range []struct {
		all  map[string]string
		err  error
		want Result
		can  string
	}{
		{all: map[string]string{"NPM_TOKEN": shows, "COPR": shows}, want: Result{OK: true, Finding: "COPR, NPM_TOKEN"}, can: "secret=COPR secret=NPM_TOKEN"},
		{all: map[string]string{"NPM_TOKEN": shows, "COPR": ""}, can: "secret=NPM_TOKEN",
			want: Result{OK: true, Finding: "NPM_TOKEN; nothing is in COPR", Hint: "write the secret into its file, or remove the file"}},
		{all: map[string]string{"COPR": ""}, want: Result{Finding: "nothing is in COPR", Hint: "write the secret into its file, or remove the file"}},
		{want: Result{Finding: "there is none", Hint: "CYBORG_SECRETS is a folder with a file for each secret, named as headers name it"}},
		{err: errors.New("read CYBORG_SECRETS: open /run/secrets: permission denied"), want: Result{
			Finding: "read CYBORG_SECRETS: open /run/secrets: permission denied", Hint: "CYBORG_SECRETS is a folder with a file for each secret, named as headers name it"}},
	} {
		got, can := answer(t, Secrets(func() (map[string]string, error) { return test.all, test.err }))
		test.want.Name = "secrets"
		if diff := cmp.Diff(test.want, got); diff != "" || strings.Join(can, " ") != test.can {
			t.Errorf("%v: capabilities %q (-want +got):\n%s", test.all, can, diff)
		}
	}
}

// A network is there while somebody in it answers.
func TestNetwork(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	got, can := answer(t, Network("lab", address))
	if !got.OK || got.Finding != "in lab: "+address+" answers" || strings.Join(can, " ") != "network=lab" {
		t.Errorf("inside: %+v, %q", got, can)
	}
	l.Close()
	got, can = answer(t, Network("lab", address))
	if got.OK || got.Finding != "not in lab: "+address+" refuses" || len(can) > 0 || !strings.HasPrefix(got.Hint, "connect this machine to the network lab") {
		t.Errorf("outside: %+v, %q", got, can)
	}
	if text := unreached(t.Context(), "wiki.lab:443", &net.DNSError{Name: "wiki.lab", IsNotFound: true}); text != "nobody knows wiki.lab" {
		t.Errorf("no such name: %q", text)
	}
	late, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	if text := unreached(late, "10.0.0.1:443", errors.New("dial tcp 10.0.0.1:443: i/o timeout")); text != "10.0.0.1:443 does not answer within 5s" {
		t.Errorf("silence: %q", text)
	}
}
