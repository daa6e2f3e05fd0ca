package fakehub

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"time"
)

const (
	// pushLimit is the largest push, GitHub's own: 2 GiB.
	pushLimit = 2 << 30
	// pushTimeout is how long git may work on a push once it has arrived.
	pushTimeout = 10 * time.Minute
)

// openDisk makes the git side of a new repository under Options.Dir. The
// folder is named by the repository's id, so no name that a client chooses
// decides where anything is written, and a new name moves nothing.
func (s *Server) openDisk(ctx context.Context, r *repo) (repository, error) {
	git, err := findGit(ctx)
	if err != nil {
		return nil, err
	}
	name := fmt.Sprintf("%d-%s.git", r.id, r.name)
	if !filepath.IsLocal(name) || strings.ContainsAny(name, `/\`) {
		return nil, fmt.Errorf("make repository: %q is no name of a folder", name)
	}
	d, err := newDiskGit(ctx, git, filepath.Join(s.options.Dir, name), r.defaultBranch)
	if err != nil {
		return nil, err
	}
	return d, nil
}

// gitPath takes the path of a request of git's smart protocol apart:
// /OWNER/NAME[.git]/info/refs?service=S, or a POST to …/S. The dumb protocol
// is not spoken, as on GitHub.
func gitPath(r *http.Request) (fullName, service string, ok bool) {
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if len(parts) < 3 {
		return "", "", false
	}
	fullName = parts[0] + "/" + strings.TrimSuffix(parts[1], ".git")
	switch rest := strings.Join(parts[2:], "/"); {
	case rest == "info/refs" && r.Method == http.MethodGet:
		service = r.URL.Query().Get("service")
	case r.Method == http.MethodPost:
		service = rest
	}
	return fullName, service, service == uploadPack || service == receivePack
}

// isGit reports whether a request is one of git's smart protocol.
func isGit(r *http.Request) bool {
	_, _, ok := gitPath(r)
	return ok
}

// serveGit answers git's smart protocol. Fetches stream; pushes of one
// repository are run one after the other, each together with all that follows
// from it, so that a client whose push has ended reads its effects.
func (s *Server) serveGit(w http.ResponseWriter, r *http.Request) {
	name, service, ok := gitPath(r)
	if !ok {
		http.Error(w, "Not Found", http.StatusNotFound)
		return
	}
	who, rp, refusal := s.admitGit(r, name, service)
	if refusal != nil {
		refusal.write(w)
		return
	}
	svc := gitService{name: service, advertise: r.Method == http.MethodGet, user: who.login(), body: r.Body, size: r.ContentLength}
	var err error
	if service == receivePack && !svc.advertise {
		err = s.servePush(w, r, rp, who, svc)
	} else {
		err = rp.git.(*diskGit).backend(r.Context(), w, r, svc)
	}
	if err != nil && r.Context().Err() == nil {
		s.log.WarnContext(r.Context(), "git request failed", "repo", name, "service", service, "error", err)
	}
}

// A gitRefusal is an answer of plain text, which git shows to its user after
// "remote: ".
type gitRefusal struct {
	status int
	text   string
}

func (g *gitRefusal) write(w http.ResponseWriter) {
	if g.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="GitHub"`)
	}
	http.Error(w, g.text, g.status)
}

// admitGit finds the repository and decides whether the request may go on, with
// GitHub's texts. Somebody without credentials is asked for them where a
// repository is private, unknown, or is pushed to.
func (s *Server) admitGit(r *http.Request, name, service string) (actor, *repo, *gitRefusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if now.Before(s.faults.OutageUntil) {
		return actor{}, nil, &gitRefusal{http.StatusServiceUnavailable, "Service unavailable"}
	}
	who, good := s.authenticate(r, now)
	if !good {
		return who, nil, &gitRefusal{http.StatusUnauthorized, "Invalid username or token. Password authentication is not supported for Git operations."}
	}
	rp := s.repos[strings.ToLower(name)]
	if rp == nil || rp.gone || s.allowed(who, rp, right{area: "contents", need: Read}, false) != nil {
		if who.user == nil {
			return who, nil, &gitRefusal{http.StatusUnauthorized, "No anonymous access."}
		}
		return who, nil, &gitRefusal{http.StatusNotFound, "Repository not found."}
	}
	if service == receivePack {
		if who.user == nil {
			return who, nil, &gitRefusal{http.StatusUnauthorized, "No anonymous write access."}
		}
		if s.allowed(who, rp, right{area: "contents", need: Write, denied: "denied"}, true) != nil {
			return who, nil, &gitRefusal{http.StatusForbidden, fmt.Sprintf("Permission to %s.git denied to %s.", rp.fullName(), who.login())}
		}
	}
	d, onDisk := rp.git.(*diskGit)
	if !onDisk {
		return who, nil, &gitRefusal{http.StatusNotImplemented, "The repositories of this server are virtual: it was started without a directory for git."}
	}
	if err := d.setHead(r.Context(), rp.defaultBranch); err != nil {
		s.gitTrouble(r.Context(), rp, "set head", err)
	}
	return who, rp, nil
}

// servePush takes the whole push in, runs it, and lets the model follow before
// the last byte of the answer is sent.
func (s *Server) servePush(w http.ResponseWriter, r *http.Request, rp *repo, who actor, svc gitService) error {
	d := rp.git.(*diskGit)
	body, err := newSpool(http.MaxBytesReader(w, r.Body, pushLimit), d.dir)
	if err != nil {
		if _, tooBig := errors.AsType[*http.MaxBytesError](err); tooBig {
			http.Error(w, "Pack exceeds maximum allowed size (2.00 GiB)", http.StatusRequestEntityTooLarge)
		}
		return err
	}
	defer func() { _ = body.Close() }() // nothing was promised about a file without a name
	svc.body, svc.size = body, body.size
	// From here on the push is carried through, even if its sender goes away.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), pushTimeout)
	defer cancel()
	if err := d.enter(ctx); err != nil {
		return err
	}
	defer d.leave()
	served := d.backend(ctx, w, r, svc)
	return errors.Join(served, s.afterPush(ctx, rp, who))
}

// afterPush compares the references of git with those of the model and lets the
// model follow.
func (s *Server) afterPush(ctx context.Context, rp *repo, who actor) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	have, err := rp.git.refs(ctx)
	if err != nil {
		return fmt.Errorf("record push to %s: %w", rp.fullName(), err)
	}
	now := time.Now()
	var changes []refChange
	for name, sha := range have {
		if rp.refAt(name, now) != sha {
			changes = append(changes, refChange{name: name, new: sha})
		}
	}
	for name := range rp.refs {
		if have[name] == "" && rp.refAt(name, now) != "" {
			changes = append(changes, refChange{name: name, new: zeroOID})
		}
	}
	sortChanges(changes)
	s.recordRefs(ctx, now, rp, who.user, changes)
	return nil
}
