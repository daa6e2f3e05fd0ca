package main

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/cyborg-bots/cyborg/publish"
	"github.com/cyborg-bots/cyborg/publish/s3"
)

// bucketKeys finds the keys of buckets where all programs for S3 do: in the environment, and else in the profile that
// $AWS_PROFILE names of the file $AWS_SHARED_CREDENTIALS_FILE. The error names all places.
func (f *hubFlags) bucketKeys() (s3.Keys, error) {
	keys := s3.Keys{Access: f.env.Getenv("AWS_ACCESS_KEY_ID")}
	for name, to := range map[string]*publish.Secret{"AWS_SECRET_ACCESS_KEY": &keys.Secret, "AWS_SESSION_TOKEN": &keys.Session} {
		value, err := f.secret(name)
		if err != nil {
			return s3.Keys{}, err
		}
		*to = publish.Secret{Name: name, Value: value}
	}
	const hint = "set AWS_ACCESS_KEY_ID, and AWS_SECRET_ACCESS_KEY or AWS_SECRET_ACCESS_KEY_FILE; or write both into a profile of a credentials file"
	switch {
	case keys.Access != "" && keys.Secret.Value != "":
		return keys, nil
	case keys.Access != "":
		return s3.Keys{}, &exitError{Code: exitUsage, Err: errors.New("no keys: AWS_ACCESS_KEY_ID is set, and AWS_SECRET_ACCESS_KEY is not"), Hint: hint}
	case keys.Secret.Value != "":
		return s3.Keys{}, &exitError{Code: exitUsage, Err: errors.New("no keys: AWS_SECRET_ACCESS_KEY is set, and AWS_ACCESS_KEY_ID is not"), Hint: hint}
	}
	keys, err := f.sharedKeys()
	if err != nil {
		return s3.Keys{}, &exitError{Code: exitUsage, Err: fmt.Errorf("no keys: neither AWS_ACCESS_KEY_ID nor AWS_SECRET_ACCESS_KEY is set: %w", err), Hint: hint}
	}
	return keys, nil
}

// sharedKeys are those of the credentials file.
func (f *hubFlags) sharedKeys() (s3.Keys, error) {
	file := f.env.Getenv("AWS_SHARED_CREDENTIALS_FILE")
	if file == "" {
		home := f.env.Getenv("HOME")
		if home == "" {
			return s3.Keys{}, errors.New("neither is AWS_SHARED_CREDENTIALS_FILE, nor HOME")
		}
		file = filepath.Join(home, ".aws", "credentials")
	}
	return s3.SharedKeys(file, cmp.Or(f.env.Getenv("AWS_PROFILE"), "default"))
}
