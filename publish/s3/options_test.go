package s3_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cyborg-bots/cyborg/publish"
	"github.com/cyborg-bots/cyborg/publish/s3"
)

func TestParseURL(t *testing.T) {
	for address, want := range map[string][2]string{
		"s3://logs": {"logs", ""}, "s3://logs/": {"logs", ""}, "s3://a.b-c/team/bots/": {"a.b-c", "team/bots"},
	} {
		bucket, prefix, err := s3.ParseURL(address)
		if err != nil || bucket != want[0] || prefix != want[1] {
			t.Errorf("%s: %q, %q, %v", address, bucket, prefix, err)
		}
	}
	for _, bad := range []string{"", "logs", "s3:logs", "s3://", "s3://x", "s3://UPPER/x", "s3://a_b", "https://logs/x", "s3://logs/../x", "s3://logs/a//b", "s3://user:pw@logs/x"} {
		if _, _, err := s3.ParseURL(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestAddresses(t *testing.T) {
	base := s3.Options{Bucket: "logs", Prefix: "team", AccessKey: "a", SecretKey: publish.Secret{Value: "b"}}
	for _, tt := range []struct {
		change func(*s3.Options)
		want   string
	}{
		{func(*s3.Options) {}, "https://logs.s3.us-east-1.amazonaws.com/team/a%20b/%2B%3C%25.txt"},
		{func(o *s3.Options) { o.Region = "eu-central-1" }, "https://logs.s3.eu-central-1.amazonaws.com/team/a%20b/%2B%3C%25.txt"},
		{func(o *s3.Options) { o.Bucket = "a.b" }, "https://s3.us-east-1.amazonaws.com/a.b/team/a%20b/%2B%3C%25.txt"},
		{func(o *s3.Options) { o.Style = "path" }, "https://s3.us-east-1.amazonaws.com/logs/team/a%20b/%2B%3C%25.txt"},
		{func(o *s3.Options) { o.Endpoint = "http://h:1/" }, "http://h:1/logs/team/a%20b/%2B%3C%25.txt"},
		{func(o *s3.Options) { o.Endpoint, o.Style, o.Prefix = "http://h:1", "host", "" }, "http://logs.h:1/a%20b/%2B%3C%25.txt"},
		{func(o *s3.Options) { o.PublicURL = "https://logs.example.org/x/" }, "https://logs.example.org/x/a%20b/%2B%3C%25.txt"},
	} {
		o := base
		tt.change(&o)
		s, err := s3.Open(o)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.URL("a b/+<%.txt"); got != tt.want {
			t.Errorf("%+v: got %s, want %s", o, got, tt.want)
		}
	}
}

func TestBadOptions(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		change func(*s3.Options)
		want   string
	}{
		{func(o *s3.Options) { o.Endpoint = "logs.example.org" }, "want http(s)://HOST[:PORT]"},
		{func(o *s3.Options) { o.Endpoint = "https://h/bucket" }, "want http(s)://HOST[:PORT]"},
		{func(o *s3.Options) { o.AccessKey = "" }, "go together"},
		{func(o *s3.Options) { o.Style = "virtual" }, "want path or host"},
		{func(o *s3.Options) { o.PublicURL = "javascript:alert(1)" }, "want http(s)://HOST/PATH"},
		{func(o *s3.Options) { o.CA = "/nowhere/ca.pem" }, "no such file"},
		{func(o *s3.Options) { o.CA = empty }, "none in PEM form"},
	} {
		o := s3.Options{Bucket: "logs", AccessKey: "name", SecretKey: publish.Secret{Name: "KEY", Value: "hush-hush"}}
		tt.change(&o)
		if _, err := s3.Open(o); err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "hush") {
			t.Errorf("got %v, want %s", err, tt.want)
		}
	}
}
