package publish_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cyborg-bots/cyborg/publish"
)

// weather is a real store behind a bad line. Its times are those of synctest.
type weather struct {
	publish.Store
	storm func(ctx context.Context, name string) error // before every write

	mu      sync.Mutex
	sent    map[string]int64 // bytes by name
	indexes []publish.Index  // all versions of log.json
}

func (w *weather) Put(ctx context.Context, name string, body io.ReadSeeker, meta publish.Meta) error {
	if err := w.storm(ctx, name); err != nil {
		return err
	}
	size, err := body.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if _, err := body.Seek(0, io.SeekStart); err != nil {
		return err
	}
	w.mu.Lock()
	if w.sent == nil {
		w.sent = map[string]int64{}
	}
	w.sent[name] += size
	w.mu.Unlock()
	if err := w.Store.Put(ctx, name, body, meta); err != nil || !strings.HasSuffix(name, "/log.json") {
		return err
	}
	var index publish.Index
	if _, err := body.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := json.NewDecoder(body).Decode(&index); err != nil {
		return err
	}
	w.mu.Lock()
	w.indexes = append(w.indexes, index)
	w.mu.Unlock()
	return nil
}

// needed tells whether a reader of this log.json, or of the one before it while
// the job runs, still wants the object.
func (w *weather) needed(name string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for n, index := range slices.Backward(w.indexes) {
		if n < len(w.indexes)-2 || n < len(w.indexes)-1 && w.indexes[n+1].State != publish.StateRunning {
			break
		}
		for _, c := range index.Chunks {
			if strings.HasSuffix(name, "/"+c.Name()) {
				return true
			}
		}
	}
	return false
}

func (w *weather) Delete(ctx context.Context, name string) error {
	if w.needed(name) {
		return fmt.Errorf("%s is deleted while readers need it", name)
	}
	if err := w.storm(ctx, name); err != nil {
		return err
	}
	return w.Store.Delete(ctx, name)
}

// bytes are those sent for the log itself.
func (w *weather) bytes() (n int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for name, size := range w.sent {
		if strings.HasSuffix(name, ".txt") {
			n += size
		}
	}
	return n
}

var errWeather = errors.New("503 Slow Down")

// pause lets time pass, or ctx end.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
