package fakehub

import (
	"net/http"
	"time"
)

// Rooms that are being built; each builder takes his lines out of here.

func releaseRoutes() []route { return nil } // F3: rest_releases.go
func appRoutes() []route     { return nil } // F3: rest_apps.go
func contentRoutes() []route { return nil } // F2: contents, branches, commits, compare, forks, tags

// serveWeb answers the pages for people.
func (s *Server) serveWeb(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) } // F3

// authenticateApp checks an App's own JSON web token.
func (s *Server) authenticateApp(jwt string, now time.Time) (actor, bool) { return actor{}, false } // F3

func metaRoutes() []route    { return nil }
func userRoutes() []route    { return nil }
func repoRoutes() []route    { return nil }
func issueRoutes() []route   { return nil }
func commentRoutes() []route { return nil }
func labelRoutes() []route   { return nil }
func eventRoutes() []route   { return nil }
func statusRoutes() []route  { return nil }
func pullRoutes() []route    { return nil }
func searchRoutes() []route  { return nil }

func (s *Server) defaultLabels() []*label                                      { return nil }
func (s *Server) noteRefs(now time.Time, r *repo, by *user, moved []refChange) {}

func (s *Server) noteIssue(now time.Time, is *issue, by *user, kind string) {}
