package s3

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/cyborg-bots/cyborg/publish"
)

// sumKey is the metadata that holds the SHA-256 of an object, in hexadecimal.
const sumKey = "Sha256"

// key is the name of an object in the bucket.
func (s *Store) key(name string) (string, error) {
	if err := publish.CheckName(name); err != nil {
		return "", err
	}
	key := path.Join(s.o.Prefix, name)
	if len(key) > publish.MaxObjectName {
		return "", fmt.Errorf("check object name %.40q…: %d bytes with the store's folder, the limit is %d: %w", name, len(key), publish.MaxObjectName, fs.ErrInvalid)
	}
	return key, nil
}

// explain names the object and the store, and makes the library's errors ones
// that callers know.
func (s *Store) explain(ctx context.Context, verb, name string, err error) error {
	if err == nil {
		return nil
	}
	if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
		err = cause // the library tells a cancelled context in words of its own
	}
	switch {
	case missing(err):
		err = fs.ErrNotExist
	case denied(err):
		err = deniedError{err}
	}
	return fmt.Errorf("%s %s in %s: %w", verb, name, s, err)
}

func missing(err error) bool {
	r, ok := errors.AsType[minio.ErrorResponse](err)
	return ok && (r.Code == "NoSuchKey" || r.StatusCode == http.StatusNotFound && r.Code != "NoSuchBucket")
}

// denied tells whether the keys are good for something else.
func denied(err error) bool {
	r, ok := errors.AsType[minio.ErrorResponse](err)
	return ok && r.StatusCode == http.StatusForbidden && r.Code == "AccessDenied"
}

// A deniedError is fs.ErrPermission in the server's words.
type deniedError struct{ error }

func (e deniedError) Unwrap() error        { return e.error }
func (e deniedError) Is(target error) bool { return target == fs.ErrPermission }

// Put implements [publish.Store].
func (s *Store) Put(ctx context.Context, name string, body io.ReadSeeker, meta publish.Meta) error {
	key, err := s.key(name)
	if err != nil {
		return err
	}
	w, err := measure(ctx, body)
	if err == nil {
		w.sent = publish.Watched(ctx)
		err = s.put(ctx, key, w, meta)
	}
	return s.explain(ctx, "put", name, err)
}

func (s *Store) put(ctx context.Context, key string, w *window, meta publish.Meta) error {
	o := minio.PutObjectOptions{
		ContentType: meta.Type, CacheControl: meta.Cache, PartSize: partSize, NumThreads: 1,
		UserMetadata: map[string]string{sumKey: hex.EncodeToString(w.sum[:])},
	}
	if o.ContentType == "" {
		o.ContentType = publish.TypeOf(key)
	}
	if meta.Attachment {
		o.ContentDisposition = "attachment"
	}
	if w.size > partSize {
		o.SendContentMd5 = true
		select {
		case s.slots <- struct{}{}:
			defer func() { <-s.slots }()
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	} else {
		o.UserMetadata["X-Amz-Checksum-Sha256"] = base64.StdEncoding.EncodeToString(w.sum[:])
	}
	for n := 1; ; n++ {
		_, err := s.client.PutObject(ctx, s.o.Bucket, key, w, w.size, o)
		if !conflict(err) || n == tries {
			return err
		}
		if _, err := w.Seek(0, io.SeekStart); err != nil {
			return err
		}
		if err := pause(ctx, time.Duration(n)*20*time.Millisecond); err != nil {
			return err
		}
	}
}

// conflict tells whether somebody else wrote at the same time, in a way that the
// server could not sort out. Servers on a file system say so when the last
// object of a folder goes while another comes.
func conflict(err error) bool {
	r, ok := errors.AsType[minio.ErrorResponse](err)
	return ok && r.StatusCode == http.StatusConflict
}

// pause waits for d, unless ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// window is a body from where it stood. The library starts bodies anew for each
// try, and closes those that it can close.
type window struct {
	body  io.ReadSeeker
	start int64
	size  int64
	sum   [sha256.Size]byte
	at    int64
	sent  func(int64) // is told at
}

// measure reads a body once, for its size and sum.
func measure(ctx context.Context, body io.ReadSeeker) (*window, error) {
	start, err := body.Seek(0, io.SeekCurrent)
	if err != nil {
		return nil, err
	}
	w := &window{body: body, start: start, sent: func(int64) {}}
	hash, buf := sha256.New(), make([]byte, 64<<10)
	for {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		n, err := body.Read(buf)
		w.size += int64(n)
		hash.Write(buf[:n])
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
	}
	hash.Sum(w.sum[:0])
	_, err = w.Seek(0, io.SeekStart)
	return w, err
}

func (w *window) Read(p []byte) (int, error) {
	n, err := w.body.Read(p)
	w.at += int64(n)
	w.sent(w.at)
	return n, err
}

// Seek counts from where the body stood.
func (w *window) Seek(offset int64, whence int) (int64, error) {
	if whence == io.SeekStart {
		offset += w.start
	}
	at, err := w.body.Seek(offset, whence)
	w.at = at - w.start
	return w.at, err
}

// Get implements [publish.Store]. The reader's last Read gives an error in place
// of io.EOF when what came is not what was put.
func (s *Store) Get(ctx context.Context, name string) (io.ReadCloser, error) {
	key, err := s.key(name)
	if err != nil {
		return nil, err
	}
	body, info, _, err := s.core.GetObject(ctx, s.o.Bucket, key, minio.GetObjectOptions{})
	if err != nil {
		return nil, s.explain(ctx, "get", name, err)
	}
	want, _ := hex.DecodeString(info.UserMetadata[sumKey]) // objects of others have none
	return &checked{body: body, name: name, hash: sha256.New(), want: want}, nil
}

// Delete implements [publish.Store].
func (s *Store) Delete(ctx context.Context, name string) error {
	key, err := s.key(name)
	if err != nil {
		return err
	}
	if err = s.client.RemoveObject(ctx, s.o.Bucket, key, minio.RemoveObjectOptions{}); missing(err) {
		return nil
	}
	return s.explain(ctx, "delete", name, err)
}

// List implements [publish.Store]. Objects whose names no store of ours accepts
// are somebody else's and not listed.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[publish.Entry, error] {
	return func(yield func(publish.Entry, error) bool) {
		root := ""
		if s.o.Prefix != "" {
			root = s.o.Prefix + "/"
		}
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		for o := range s.client.ListObjectsIter(ctx, s.o.Bucket, minio.ListObjectsOptions{Prefix: root + prefix, Recursive: true}) {
			if o.Err != nil {
				yield(publish.Entry{}, s.explain(ctx, "list", prefix, o.Err))
				return
			}
			name, ok := strings.CutPrefix(o.Key, root)
			if !ok || publish.CheckName(name) != nil {
				continue
			}
			if !yield(publish.Entry{Name: name, Size: o.Size, Modified: o.LastModified}, nil) {
				return
			}
		}
		if err := context.Cause(ctx); err != nil {
			yield(publish.Entry{}, s.explain(ctx, "list", prefix, err))
		}
	}
}
