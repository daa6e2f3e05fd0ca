package main

import (
	"errors"
	"flag"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/cyborg-bots/cyborg/publish"
	"github.com/cyborg-bots/cyborg/publish/dir"
	"github.com/cyborg-bots/cyborg/publish/s3"
)

// logsFlags say where logs and results go. They are the same for every command that reads or writes there.
type logsFlags struct {
	logs      string
	publicURL string
	style     string
}

func (f *logsFlags) register(fs *flag.FlagSet) {
	fs.StringVar(&f.logs, "logs", "", "publish logs in `DIR`, or in the bucket of s3://BUCKET/FOLDER (default $CYBORG_LOGS, or logs in the\n"+
		"state folder); for a bucket AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT_URL and\n"+
		"AWS_CA_BUNDLE are honoured, and AWS_PROFILE of AWS_SHARED_CREDENTIALS_FILE or ~/.aws/credentials")
	fs.StringVar(&f.publicURL, "public-url", "", "`URL` under which people find what is in --logs (default $CYBORG_PUBLIC_URL, or the bucket's own address)")
	fs.StringVar(&f.style, "s3-style", "", "put the bucket's name into the `path` of addresses, or into the host (default $CYBORG_S3_STYLE,\n"+
		"or host at the big providers and path elsewhere)")
}

// where is what --logs or the environment says; empty: nothing.
func (f *logsFlags) where(env *environment) string {
	if f.logs != "" {
		return f.logs
	}
	return env.Getenv("CYBORG_LOGS")
}

// public is where readers find the logs; empty: at the store's own address, or nowhere.
func (f *logsFlags) public(env *environment) string {
	if f.publicURL != "" {
		return f.publicURL
	}
	return env.Getenv("CYBORG_PUBLIC_URL")
}

// openStore opens the state folder and the store of logs, for commands that need no bot.
func (f *runFlags) openStore() (state string, store publish.Store, err error) {
	if state, err = f.stateDir(); err != nil {
		return "", nil, err
	}
	store, err = f.store(state)
	return state, store, err
}

// store opens where logs go.
func (f *runFlags) store(state string) (publish.Store, error) {
	where := f.where(f.env)
	if strings.HasPrefix(where, "s3:") {
		return f.bucket(where)
	}
	if strings.Contains(where, "://") {
		return nil, &exitError{Code: exitUsage, Err: fmt.Errorf("open --logs %s: neither a folder nor a bucket", where),
			Hint: "write a bucket as s3://BUCKET/FOLDER; its server's address goes into AWS_ENDPOINT_URL"}
	}
	if where == "" {
		where = filepath.Join(state, "logs")
	}
	store, err := dir.Open(where, dir.Options{PublicURL: f.public(f.env)})
	if err != nil {
		return nil, &exitError{Code: exitInfra, Err: err, Hint: "give --logs DIR with a folder on a disk that has room"}
	}
	return store, nil
}

// bucket opens a bucket with the variables that all programs for S3 know.
func (f *runFlags) bucket(where string) (*s3.Store, error) {
	env := f.env.Getenv
	either := func(names ...string) string {
		for _, n := range names {
			if v := env(n); v != "" {
				return v
			}
		}
		return ""
	}
	bucket, prefix, err := s3.ParseURL(where)
	if err != nil {
		return nil, &exitError{Code: exitUsage, Err: fmt.Errorf("open --logs: %w", err)}
	}
	o := s3.Options{
		Bucket: bucket, Prefix: prefix, Version: buildVersion(),
		Endpoint: either("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"), Region: either("AWS_REGION", "AWS_DEFAULT_REGION"),
		Style: f.style, PublicURL: f.public(f.env), CA: env("AWS_CA_BUNDLE"),
	}
	if o.Style == "" {
		o.Style = env("CYBORG_S3_STYLE")
	}
	keys, err := f.bucketKeys()
	if e, ok := errors.AsType[*exitError](err); ok {
		e.Err = fmt.Errorf("open %s: %w", where, e.Err)
		return nil, e
	}
	if err != nil {
		return nil, err
	}
	o.AccessKey, o.SecretKey, o.Session = keys.Access, keys.Secret, keys.Session
	store, err := s3.Open(o)
	if err != nil {
		return nil, &exitError{Code: exitUsage, Err: err, Hint: "see cyborg help run on --logs"}
	}
	return store, nil
}

// private lists the served repositories that are not public.
func (b *bot) private() map[string]bool {
	list := map[string]bool{}
	for name, r := range b.names {
		list[name] = r.Private
	}
	return list
}
