package s3

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/cyborg-bots/cyborg/publish"
)

// Large objects: read in ranges, written once. Which of them are whole is the business of who reads them: they have
// their sum in their name.
const (
	maxParts  = 9000            // of an upload; the protocol allows 10000
	largePart = int64(16 << 20) // at least
	side      = 4               // parts at the same time
)

// Size tells how many bytes an object has. The error matches fs.ErrNotExist if there is none, and fs.ErrPermission if
// these keys may not know.
func (s *Store) Size(ctx context.Context, name string) (int64, error) {
	key, err := s.key(name)
	if err != nil {
		return 0, err
	}
	info, err := s.client.StatObject(ctx, s.o.Bucket, key, minio.StatObjectOptions{})
	if err != nil {
		return 0, s.explain(ctx, "look at", name, refused(err))
	}
	return info.Size, nil
}

// Open reads n bytes of an object from off on, unchecked; the caller closes it.
func (s *Store) Open(ctx context.Context, name string, off, n int64) (io.ReadCloser, error) {
	key, err := s.key(name)
	if err != nil {
		return nil, err
	}
	var o minio.GetObjectOptions
	if err := o.SetRange(off, off+n-1); err != nil {
		return nil, fmt.Errorf("get %s: %w", name, err)
	}
	body, _, _, err := s.core.GetObject(ctx, s.o.Bucket, key, o)
	if err != nil {
		return nil, s.explain(ctx, "get", name, refused(err))
	}
	return body, nil
}

// Create stores an object unless there is one of that name: then, and if somebody else was quicker, the error matches
// fs.ErrExist. Readers see all of it or nothing.
func (s *Store) Create(ctx context.Context, name string, body io.ReaderAt, size int64, sum [sha256.Size]byte) error {
	key, err := s.key(name)
	if err != nil {
		return err
	}
	// A long upload would be refused at its end only.
	if _, err := s.client.StatObject(ctx, s.o.Bucket, key, minio.StatObjectOptions{}); err == nil {
		return s.explain(ctx, "create", name, fs.ErrExist)
	}
	o := minio.PutObjectOptions{
		ContentType: "application/octet-stream", CacheControl: "public, max-age=31536000, immutable",
		UserMetadata: map[string]string{sumKey: hex.EncodeToString(sum[:])},
	}
	o.SetMatchETagExcept("*")
	if size > largePart {
		return s.explain(ctx, "create", name, refused(s.createParts(ctx, key, body, size, o)))
	}
	o.DisableMultipart = true
	o.UserMetadata["X-Amz-Checksum-Sha256"] = base64.StdEncoding.EncodeToString(sum[:])
	_, err = s.client.PutObject(ctx, s.o.Bucket, key, &window{body: io.NewSectionReader(body, 0, size), sent: publish.Watched(ctx)}, size, o)
	return s.explain(ctx, "create", name, refused(err))
}

// createParts uploads side by side, and asks for the object at the end only, where it is decided who was first: the
// library's own uploads in parts do not say that the object must be new.
func (s *Store) createParts(ctx context.Context, key string, body io.ReaderAt, size int64, o minio.PutObjectOptions) (err error) {
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	id, err := s.core.NewMultipartUpload(ctx, s.o.Bucket, key, minio.PutObjectOptions{
		ContentType: o.ContentType, CacheControl: o.CacheControl, UserMetadata: o.UserMetadata,
	})
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
			defer cancel()
			_ = s.core.AbortMultipartUpload(ctx, s.o.Bucket, key, id) // the server forgets it some day
		}
	}()
	length := max(largePart, (size/maxParts/(1<<20)+1)<<20)
	parts := make([]minio.CompletePart, (size+length-1)/length)
	var next atomic.Int64
	sent := together(publish.Watched(ctx))
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var all sync.WaitGroup
	for range side {
		all.Go(func() {
			for n := next.Add(1); int(n) <= len(parts) && ctx.Err() == nil; n = next.Add(1) {
				off := (n - 1) * length
				part, err := s.createPart(ctx, key, id, int(n), &window{
					body: io.NewSectionReader(body, off, min(length, size-off)), size: min(length, size-off), sent: sent(),
				})
				if err != nil {
					cancel(err)
				}
				parts[n-1] = part
			}
		})
	}
	all.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	_, err = s.core.CompleteMultipartUpload(ctx, s.o.Bucket, key, id, parts, o)
	return err
}

// together makes watchers of parts that are sent side by side, which tell the watcher of the whole.
func together(whole func(int64)) func() func(int64) {
	var sum atomic.Int64
	return func() func(int64) {
		var before int64
		return func(at int64) {
			whole(sum.Add(at - before))
			before = at
		}
	}
}

// createPart uploads one part, with its MD5, which the server checks.
func (s *Store) createPart(ctx context.Context, key, id string, n int, body *window) (minio.CompletePart, error) {
	sum := md5.New()
	if _, err := io.Copy(sum, body.body); err != nil {
		return minio.CompletePart{}, err
	}
	if _, err := body.Seek(0, io.SeekStart); err != nil {
		return minio.CompletePart{}, err
	}
	part, err := s.core.PutObjectPart(ctx, s.o.Bucket, key, id, n, body, body.size, minio.PutObjectPartOptions{
		Md5Base64: base64.StdEncoding.EncodeToString(sum.Sum(nil)),
	})
	return minio.CompletePart{PartNumber: n, ETag: part.ETag}, err
}

// refused gives the answers of a server that callers act upon the names that they know.
func refused(err error) error {
	r, ok := errors.AsType[minio.ErrorResponse](err)
	switch {
	case !ok:
		return err
	case r.StatusCode == http.StatusPreconditionFailed || r.StatusCode == http.StatusConflict:
		return errors.Join(fs.ErrExist, err)
	case r.StatusCode == http.StatusForbidden || r.StatusCode == http.StatusUnauthorized:
		return errors.Join(fs.ErrPermission, err)
	}
	return err
}
