package s3

import (
	"errors"
	"fmt"

	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/cyborg-bots/cyborg/publish"
)

// Keys let a program into a bucket.
type Keys struct {
	Access  string // the key's name; empty: there are none
	Secret  publish.Secret
	Session publish.Secret // empty: the keys last
}

// SharedKeys reads the keys of a profile from a file that all programs for S3 share, as `aws configure` writes it. They
// are read once, so that everything that hides secrets knows all that are used: a profile whose keys come from somewhere
// else and expire is refused. The error of a file that is not there matches fs.ErrNotExist.
func SharedKeys(file, profile string) (Keys, error) {
	v, err := credentials.NewFileAWSCredentials(file, profile).GetWithContext(nil)
	if err == nil {
		switch {
		case v.AccessKeyID == "" || v.SecretAccessKey == "":
			err = errors.New("it has no aws_access_key_id and aws_secret_access_key")
		case !v.Expiration.IsZero():
			err = errors.New("its keys expire; what is used for long needs keys of its own")
		}
	}
	if err != nil {
		return Keys{}, fmt.Errorf("read profile %q in %s: %w", profile, file, err)
	}
	of := " of profile " + profile
	return Keys{
		Access: v.AccessKeyID, Secret: publish.Secret{Name: "aws_secret_access_key" + of, Value: v.SecretAccessKey},
		Session: publish.Secret{Name: "aws_session_token" + of, Value: v.SessionToken},
	}, nil
}
