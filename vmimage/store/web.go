package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Web is a folder of a web server; a public bucket is one too.
type Web struct {
	base   *url.URL
	client *http.Client
}

var _ Source = (*Web)(nil)

// NewWeb is the folder at an http or https address. With a nil transport it has one of its own.
func NewWeb(address string, transport http.RoundTripper) (*Web, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("read address of images: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Fragment != "" {
		return nil, fmt.Errorf("read address of images %q: want http(s)://HOST/PATH", u.Redacted())
	}
	if transport == nil {
		transport = &http.Transport{
			Proxy: http.ProxyFromEnvironment, DisableCompression: true, MaxIdleConnsPerHost: 16, ReadBufferSize: 64 << 10,
			ResponseHeaderTimeout: time.Minute, TLSHandshakeTimeout: 20 * time.Second, IdleConnTimeout: time.Minute,
		}
	}
	u.Path = strings.TrimRight(u.Path, "/")
	return &Web{base: u, client: &http.Client{Transport: transport}}, nil
}

// String implements Source.
func (w *Web) String() string {
	shown := *w.base
	shown.RawQuery = "" // it may sign the request
	return shown.Redacted()
}

// A StatusError is an answer of a web server that is not what was asked for.
type StatusError struct {
	Name   string
	Status int
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("get %s: the server says %d %s", e.Name, e.Status, http.StatusText(e.Status))
}

// Is implements errors.Is for those that say what os errors say.
func (e *StatusError) Is(target error) bool {
	switch e.Status {
	case http.StatusNotFound, http.StatusGone:
		return target == fs.ErrNotExist
	case http.StatusUnauthorized, http.StatusForbidden:
		return target == fs.ErrPermission
	}
	return false
}

// passing reports whether the same request may succeed later.
func (e *StatusError) passing() bool {
	return e.Status >= 500 || e.Status == http.StatusTooManyRequests || e.Status == http.StatusRequestTimeout
}

// Size implements Source. It asks for the first byte, because not every server answers HEAD, and a signed address is
// good for one method only.
func (w *Web) Size(ctx context.Context, name string) (int64, error) {
	resp, err := w.get(ctx, name, 0, 1)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusOK {
		if resp.ContentLength < 0 {
			return 0, fmt.Errorf("get %s: the server does not say how long it is", name)
		}
		return resp.ContentLength, nil
	}
	_, total, ok := strings.Cut(resp.Header.Get("Content-Range"), "/")
	size, err := strconv.ParseInt(total, 10, 64)
	if !ok || err != nil || size < 0 {
		return 0, fmt.Errorf("get %s: the server does not say how long it is", name)
	}
	return size, nil
}

// Open implements Source. From a server that knows no ranges it skips what lies before.
func (w *Web) Open(ctx context.Context, name string, off, n int64) (io.ReadCloser, error) {
	resp, err := w.get(ctx, name, off, n)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusOK && off > 0 {
		if _, err := io.CopyN(io.Discard, resp.Body, off); err != nil {
			resp.Body.Close()
			return nil, fmt.Errorf("get %s: %w", name, err)
		}
	} else if got := resp.Header.Get("Content-Range"); resp.StatusCode == http.StatusPartialContent && !strings.HasPrefix(got, fmt.Sprintf("bytes %d-", off)) {
		resp.Body.Close()
		return nil, fmt.Errorf("get %s: asked for bytes from %d on, got %.100q", name, off, got)
	}
	return resp.Body, nil
}

func (w *Web) get(ctx context.Context, name string, off, n int64) (*http.Response, error) {
	at := *w.base
	at.Path += "/" + name
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", name, err)
	}
	req.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", off, off+n-1))
	resp, err := w.client.Do(req)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err // its text has the address, which may be signed
		}
		return nil, fmt.Errorf("get %s: %w", name, err)
	}
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusPartialContent {
		resp.Body.Close()
		return nil, &StatusError{Name: name, Status: resp.StatusCode}
	}
	return resp, nil
}
