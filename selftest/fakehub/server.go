package fakehub

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"time"
)

// Options is how a server is made. The zero value is a working one.
type Options struct {
	// Dir is where the bare repositories live. Empty: git is virtual, all
	// objects stay in memory and no process is ever started.
	Dir string
	// Seed of all chance.
	Seed uint64
	// Faults to begin with; see [Server.SetFaults].
	Faults Faults
	// Limits to begin with. The zero value is an Enterprise server: none but
	// those which are part of the data. See [GitHubLimits].
	Limits Limits
	// Log is the server's own log; nil discards.
	Log *slog.Logger
}

// A Server is a GitHub. Make it with [New].
type Server struct {
	options Options
	log     *slog.Logger
	routes  *router
	common  http.Header // of every answer
	watch   watch       // open pages, see web_events.go

	mu       sync.Mutex // guards all below and all of the model
	rand     *rand.Rand
	faults   Faults
	limits   Limits
	freshest [domainCount]time.Time // how far reads have come, per domain
	ids      int64                  // the last id given out
	served   int64                  // requests, for their ids
	journal  []Entry

	users     map[string]*user // by lower-case login
	tokens    map[string]*token
	apps      map[int64]*app
	installed map[int64]*installation
	repos     map[string]*repo // by lower-case full name, former names included
	byID      map[int64]*repo
	strangers map[string]*budget      // of the anonymous, by address
	objects   map[string]object       // of virtual git, shared by all repositories
	prepared  map[string]*gqlPrepared // by body of the request
}

var _ http.Handler = (*Server)(nil)

// New makes an empty GitHub. The error says which option is wrong.
func New(o Options) (*Server, error) {
	s := &Server{
		options:   o,
		log:       o.Log,
		routes:    routes(),
		common:    commonHeader(),
		rand:      rand.New(rand.NewPCG(o.Seed, 0x66616b65687562)), // faults are to be repeatable
		limits:    o.Limits,
		ids:       1000,
		users:     map[string]*user{},
		tokens:    map[string]*token{},
		apps:      map[int64]*app{},
		installed: map[int64]*installation{},
		repos:     map[string]*repo{},
		byID:      map[int64]*repo{},
		strangers: map[string]*budget{},
		objects:   map[string]object{},
		prepared:  map[string]*gqlPrepared{},
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if err := s.SetFaults(o.Faults); err != nil {
		return nil, err
	}
	return s, nil
}

// Close ends what the server keeps open for its repositories. It does not
// remove [Options.Dir].
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, r := range s.byID {
		if c, ok := r.git.(interface{ Close() error }); ok {
			errs = append(errs, c.Close())
		}
	}
	return errors.Join(errs...)
}

// Serve answers on l until ctx ends, then lets running requests finish for a
// few seconds. It closes l.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	h := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: 30 * time.Second,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
		BaseContext:       func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	h.RegisterOnShutdown(s.watch.stop) // else open pages keep it waiting
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
		defer cancel()
		if h.Shutdown(grace) != nil {
			_ = h.Close()
		}
	})
	err := h.Serve(l)
	if !stop() {
		<-ended
	}
	if !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve %s: %w", l.Addr(), err)
	}
	return nil
}

// nextID gives out the next id; there is one rising series for everything.
func (s *Server) nextID() int64 {
	s.ids++
	return s.ids
}
