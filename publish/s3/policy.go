package s3

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/minio/minio-go/v7"
)

// readers is the name of our statement in the bucket's policy.
const readers = "CyborgReaders"

// ErrNoPolicy says that a server knows no bucket policies; it has another way
// of letting everybody read, or none.
var ErrNoPolicy = errors.New("this server knows no bucket policies")

// Init makes the bucket if it is not there, and lets everybody read the objects
// below the store's folder, but not list them: an address that nobody was told
// stays unknown. Other statements of the bucket's policy stay as they are.
// It may be called again at any time.
func (s *Store) Init(ctx context.Context) error {
	there, err := s.client.BucketExists(ctx, s.o.Bucket)
	if err == nil && !there {
		err = s.client.MakeBucket(ctx, s.o.Bucket, minio.MakeBucketOptions{Region: s.o.Region})
		if r, ok := errors.AsType[minio.ErrorResponse](err); ok && r.Code == "BucketAlreadyOwnedByYou" {
			err = nil // another bot was quicker
		}
	}
	if err != nil {
		return fmt.Errorf("make bucket %s: %w", s.o.Bucket, err)
	}
	old, err := s.client.GetBucketPolicy(ctx, s.o.Bucket)
	if err == nil {
		var policy string
		if policy, err = withReaders(old, s.o.Bucket, s.o.Prefix); err == nil && policy != old {
			err = s.client.SetBucketPolicy(ctx, s.o.Bucket, policy)
		}
	}
	if r, ok := errors.AsType[minio.ErrorResponse](err); ok && (r.Code == "NotImplemented" || r.StatusCode == http.StatusNotImplemented) {
		err = ErrNoPolicy
	}
	if err != nil {
		return fmt.Errorf("let everybody read %s: %w", s, err)
	}
	return nil
}

// withReaders adds our statement to a policy, or renews it. What it does not
// know of the policy stays as it is.
func withReaders(old, bucket, prefix string) (string, error) {
	policy := map[string]json.RawMessage{"Version": json.RawMessage(`"2012-10-17"`)}
	var statements []json.RawMessage
	if old != "" {
		if err := json.Unmarshal([]byte(old), &policy); err != nil {
			return "", fmt.Errorf("read the bucket's policy: %w", err)
		}
		var err error
		if statements, err = statementsOf(policy["Statement"]); err != nil {
			return "", err
		}
	}
	resource := "arn:aws:s3:::" + strings.TrimRight(bucket+"/"+prefix, "/") + "/*"
	mine, err := json.Marshal(map[string]any{
		"Sid": sid(prefix), "Effect": "Allow", "Principal": map[string]any{"AWS": []string{"*"}}, "Action": []string{"s3:GetObject"}, "Resource": []string{resource},
	})
	if err != nil {
		return "", fmt.Errorf("write the bucket's policy: %w", err)
	}
	statements = slices.DeleteFunc(statements, func(s json.RawMessage) bool {
		var head struct{ Sid string }
		return json.Unmarshal(s, &head) == nil && head.Sid == sid(prefix)
	})
	if policy["Statement"], err = json.Marshal(append(statements, mine)); err != nil {
		return "", fmt.Errorf("write the bucket's policy: %w", err)
	}
	data, err := json.Marshal(policy)
	return string(data), err
}

// statementsOf reads statements: a list, or a single one without a list.
func statementsOf(raw json.RawMessage) (list []json.RawMessage, err error) {
	if len(raw) == 0 {
		return nil, nil
	}
	if raw[0] == '{' {
		return []json.RawMessage{raw}, nil
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("read the bucket's policy: %w", err)
	}
	return list, nil
}

// sid names our statement: letters and digits only, one for each folder.
func sid(prefix string) string {
	var b strings.Builder
	b.WriteString(readers)
	for i := range len(prefix) {
		if c := prefix[i]; 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "X%02X", c)
		}
	}
	return b.String()
}
