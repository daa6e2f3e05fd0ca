package fakehub

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// The services of git's smart protocol.
const (
	uploadPack  = "git-upload-pack"  // clone and fetch
	receivePack = "git-receive-pack" // push
)

// A gitService is one request of git's smart protocol, already let in.
type gitService struct {
	name      string // uploadPack or receivePack
	advertise bool   // GET info/refs, the list of references; else POST
	user      string // who, for git's own log
	body      io.Reader
	size      int64 // of the body; -1 if not known
}

// gitProtocol is what a client may say in its Git-Protocol header. The value
// reaches the environment of git, so all else is dropped.
var gitProtocol = regexp.MustCompile(`^version=[0-9](:[a-z0-9=-]{1,40}){0,4}$`)

// backend runs `git http-backend` for one request and streams its answer. The
// standard library's CGI handler is not used since it refuses chunked bodies,
// which git sends for every push above a megabyte.
func (d *diskGit) backend(ctx context.Context, w http.ResponseWriter, r *http.Request, svc gitService) error {
	call := gitCall{Args: []string{"http-backend"}, Env: d.cgiEnv(r, svc), In: svc.body}
	cmd := d.git.command(ctx, call)
	cmd.Dir = d.dir
	var diag limitedBuffer
	diag.limit = 16 << 10
	cmd.Stderr = &diag
	out, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("serve %s: %w", svc.name, err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("serve %s: %w", svc.name, err)
	}
	copyErr := copyCGI(w, out)
	if copyErr != nil { // the client is gone: git may not block on it
		_, _ = io.Copy(io.Discard, out)
	}
	waitErr := cmd.Wait()
	switch {
	case waitErr != nil:
		return fmt.Errorf("serve %s: %w: %s", svc.name, waitErr, strings.TrimSpace(diag.buf.String()))
	case copyErr != nil:
		return fmt.Errorf("serve %s: %w", svc.name, copyErr)
	}
	return nil
}

// cgiEnv is what the CGI standard and git-http-backend(1) ask for. The path is
// made of our own words, never of the request's.
func (d *diskGit) cgiEnv(r *http.Request, svc gitService) []string {
	path, query := "/"+svc.name, ""
	if svc.advertise {
		path, query = "/info/refs", "service="+svc.name
	}
	env := []string{
		"GIT_PROJECT_ROOT=" + filepath.Dir(d.dir),
		"GIT_HTTP_EXPORT_ALL=1",
		"PATH_INFO=/" + filepath.Base(d.dir) + path,
		"QUERY_STRING=" + query,
		"REQUEST_METHOD=" + r.Method,
		"REMOTE_USER=" + svc.user,
		"REMOTE_ADDR=127.0.0.1",
		"CONTENT_TYPE=application/x-" + svc.name + "-request",
	}
	if svc.size >= 0 {
		env = append(env, "CONTENT_LENGTH="+strconv.FormatInt(svc.size, 10))
	}
	switch r.Header.Get("Content-Encoding") {
	case "gzip", "x-gzip":
		env = append(env, "HTTP_CONTENT_ENCODING=gzip")
	}
	if v := r.Header.Get("Git-Protocol"); gitProtocol.MatchString(v) {
		env = append(env, "GIT_PROTOCOL="+v)
	}
	return env
}

// copyCGI reads the header of a CGI answer and streams what follows.
func copyCGI(w http.ResponseWriter, out io.Reader) error {
	in := bufio.NewReader(out)
	header, status, err := readCGIHeader(in)
	if err != nil {
		http.Error(w, "Server Error", http.StatusInternalServerError)
		return fmt.Errorf("read answer of git: %w", err)
	}
	for key, values := range header {
		w.Header()[key] = values
	}
	w.WriteHeader(status)
	_, err = io.Copy(flushWriter{w}, in)
	return err
}

// readCGIHeader reads the header of a CGI answer; its status is a line of it.
func readCGIHeader(in *bufio.Reader) (textproto.MIMEHeader, int, error) {
	header, err := textproto.NewReader(in).ReadMIMEHeader()
	if err != nil {
		return nil, 0, err
	}
	status := http.StatusOK
	if line := header.Get("Status"); line != "" {
		code, _, _ := strings.Cut(line, " ")
		if status, err = strconv.Atoi(code); err != nil || status < 200 || status > 599 {
			return nil, 0, fmt.Errorf("parse status %.50q", line)
		}
	}
	header.Del("Status")
	return header, status, nil
}

// A flushWriter sends each piece at once: git's progress is a side band of the
// answer, and a long fetch must not look dead.
type flushWriter struct{ w http.ResponseWriter }

// Write implements [io.Writer].
func (f flushWriter) Write(p []byte) (int, error) {
	n, err := f.w.Write(p)
	if err != nil {
		return n, err
	}
	// A writer that cannot flush still delivers at the end.
	_ = http.NewResponseController(f.w).Flush()
	return n, nil
}
