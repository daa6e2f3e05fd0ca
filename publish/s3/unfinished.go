package s3

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Sweep aborts uploads in parts that were begun below the store's folder before
// a time, some hours ago, and never completed: a bot died in the middle of one.
// Their parts are in no listing, and cost what objects cost. It tells how many
// there were.
func (s *Store) Sweep(ctx context.Context, before time.Time) (int, error) {
	prefix := s.o.Prefix
	if prefix != "" {
		prefix += "/"
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	swept, errs := 0, []error(nil)
	for u := range s.client.ListIncompleteUploads(ctx, s.o.Bucket, prefix, true) {
		if u.Err != nil {
			errs = append(errs, u.Err)
			break
		}
		if !u.Initiated.Before(before) {
			continue
		}
		if err := s.core.AbortMultipartUpload(ctx, s.o.Bucket, u.Key, u.UploadID); err != nil && !missing(err) { // another bot may sweep too
			errs = append(errs, err)
			continue
		}
		swept++
	}
	if err := errors.Join(errs...); err != nil {
		return swept, fmt.Errorf("sweep unfinished uploads in %s: %w", s, err)
	}
	return swept, nil
}
