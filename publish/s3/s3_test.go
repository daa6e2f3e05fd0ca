package s3_test

import (
	"testing"

	"github.com/cyborg-bots/cyborg/publish"
	"github.com/cyborg-bots/cyborg/publish/publishtest"
	"github.com/cyborg-bots/cyborg/publish/s3"
	"github.com/cyborg-bots/cyborg/publish/s3/s3test"
)

// options lead to a server.
func options(server *s3test.Server) s3.Options {
	return s3.Options{
		Bucket: "logs", Prefix: "team/bots+1", Endpoint: server.URL, AccessKey: server.AccessKey,
		SecretKey: publish.Secret{Name: "AWS_SECRET_ACCESS_KEY", Value: server.SecretKey},
	}
}

// open opens a store and sets it up.
func open(t testing.TB, o s3.Options) *s3.Store {
	t.Helper()
	s, err := s3.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Init(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStore(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t)
	publishtest.Suite(t, func(t *testing.T) publish.Store { return open(t, options(server)) })
}
