package publish

import (
	"context"
	"io"
)

// watchKey is that of a context's watcher.
type watchKey struct{}

// Watch gives a context with which a store tells sent how many bytes of an object are on their way, as a whole: the number
// falls back when the store tries again. It may be called often, and by several goroutines.
func Watch(ctx context.Context, sent func(bytes int64)) context.Context {
	return context.WithValue(ctx, watchKey{}, sent)
}

// Watched is for stores: what to tell of a body that is sent with this context. It is never nil.
func Watched(ctx context.Context) func(bytes int64) {
	if sent, ok := ctx.Value(watchKey{}).(func(int64)); ok {
		return sent
	}
	return func(int64) {}
}

// Patient is a body for stores whose writing does not look at a context: it ends with its own, and tells whoever watches
// that how far it was read.
func Patient(ctx context.Context, body io.Reader) io.Reader {
	return &patient{ctx: ctx, body: body, sent: Watched(ctx)}
}

type patient struct {
	ctx  context.Context
	body io.Reader
	at   int64
	sent func(int64)
}

// Read implements io.Reader.
func (p *patient) Read(b []byte) (int, error) {
	if p.ctx.Err() != nil {
		return 0, context.Cause(p.ctx)
	}
	n, err := p.body.Read(b)
	p.at += int64(n)
	p.sent(p.at)
	return n, err
}
