package world

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/cyborg-bots/cyborg/publish/dir"
)

// LogsPath is where a log folder is served beside the emulator.
const LogsPath = "/_logs"

// Beside serves a log folder below LogsPath and the emulator everywhere else. It is no ServeMux, which would clean paths
// with redirects: GitHub takes them as they are.
func Beside(hub http.Handler, logs *dir.Store) http.Handler {
	files := http.StripPrefix(LogsPath, logs.Handler())
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, LogsPath+"/") {
			files.ServeHTTP(rw, r)
			return
		}
		hub.ServeHTTP(rw, r)
	})
}

// Serve answers on l until ctx ends, and closes it. Answers under way are given a second.
func Serve(ctx context.Context, l net.Listener, h http.Handler) error {
	server := &http.Server{Handler: h, ReadHeaderTimeout: 30 * time.Second}
	stopped := context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if server.Shutdown(grace) != nil {
			_ = server.Close() // pages that listen for news end only like this
		}
	})
	defer stopped()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve %s: %w", l.Addr(), err)
	}
	return nil
}
