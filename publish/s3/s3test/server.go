package s3test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Server is a running S3 server that listens on loopback.
type Server struct {
	URL       string // http://127.0.0.1:PORT
	AccessKey string
	SecretKey string
	Dir       string // each bucket is a folder in it

	home  string // for its socket
	cmd   *exec.Cmd
	stdin io.WriteCloser
	port  net.Listener
	ended chan struct{} // closed when the process is gone
}

// Env are the variables that lead programs to the server.
func (s *Server) Env() []string {
	return []string{
		"AWS_ACCESS_KEY_ID=" + s.AccessKey, "AWS_SECRET_ACCESS_KEY=" + s.SecretKey, "AWS_REGION=us-east-1", "AWS_ENDPOINT_URL=" + s.URL,
	}
}

// Start runs a server until the test ends.
func Start(t testing.TB) *Server {
	t.Helper()
	s, err := Run(t.Context(), filepath.Join(t.TempDir(), "buckets"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// Run runs a server on a folder, which it makes; Close ends it.
func Run(ctx context.Context, dir string) (*Server, error) {
	program, err := Program(ctx)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("run S3 server: %w", err)
	}
	s := &Server{AccessKey: "bots", SecretKey: "key-" + rand.Text(), Dir: dir, ended: make(chan struct{})}
	if s.home, err = os.MkdirTemp("", "s3test-"); err != nil { // a socket's path is short
		return nil, fmt.Errorf("run S3 server: %w", err)
	}
	if err := s.run(ctx, program); err != nil {
		return nil, fmt.Errorf("run S3 server: %w", errors.Join(err, os.RemoveAll(s.home)))
	}
	return s, nil
}

// guard runs a program until its own input ends: when whoever started it dies,
// in whatever way, the program does too.
const guard = `"$@" </dev/null & read -r _; kill -9 $!; wait`

// run starts the program, and a port that leads to it.
func (s *Server) run(ctx context.Context, program string) (err error) {
	s.cmd = exec.Command("sh", "-c", guard, "sh", program, "--quiet", "--port", s.socket(), "--access", s.AccessKey, "--secret", s.SecretKey, "posix", s.Dir)
	s.cmd.Env = append(os.Environ(), "HOME="+s.home)
	var said strings.Builder
	s.cmd.Stdout, s.cmd.Stderr = &said, &said
	if s.stdin, err = s.cmd.StdinPipe(); err != nil {
		return err
	}
	if s.port, err = new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0"); err != nil {
		return err
	}
	s.URL = "http://" + s.port.Addr().String()
	if err := s.cmd.Start(); err != nil {
		return errors.Join(err, s.port.Close())
	}
	go func() {
		_ = s.cmd.Wait()
		close(s.ended)
	}()
	go s.relay()
	for {
		if err := s.asks(ctx); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			s.Close()
			return fmt.Errorf("%w; it said: %s", ctx.Err(), said.String())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (s *Server) socket() string { return filepath.Join(s.home, "s3") }

// relay passes connections on to the server's socket. A port of the server's own
// could be taken by somebody between our choice and its listening.
func (s *Server) relay() {
	for {
		from, err := s.port.Accept()
		if err != nil {
			return
		}
		go func() {
			defer from.Close()
			to, err := net.Dial("unix", s.socket())
			if err != nil {
				return
			}
			defer to.Close()
			go func() {
				_, _ = io.Copy(to, from)
				_ = to.(*net.UnixConn).CloseWrite()
			}()
			_, _ = io.Copy(from, to)
		}()
	}
}

// asks sees whether the server answers.
func (s *Server) asks(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// Close ends the server.
func (s *Server) Close() {
	s.port.Close()
	s.stdin.Close()
	<-s.ended
	os.RemoveAll(s.home)
}

// Program is the server's executable: what $CYBORG_S3_SERVER names, or else the go command builds it if need be.
func Program(ctx context.Context) (string, error) {
	if program := os.Getenv("CYBORG_S3_SERVER"); program != "" {
		return program, nil // built before, for an ordinary user who cannot
	}
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, "go", "tool", "-modfile="+filepath.Join(root, ".ci", "s3.mod"), "-n", "versitygw")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOFLAGS=") // the race detector is not for it
	var problem strings.Builder
	cmd.Stderr = &problem
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("build the S3 server (make s3server does the same): %w\n%s", err, problem.String())
	}
	return strings.TrimSpace(string(out)), nil
}

// moduleRoot is the folder with the project's go.mod, above a test's folder.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	for ; err == nil && dir != "/"; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, ".ci", "s3.mod")); err == nil {
			return dir, nil
		}
	}
	return "", fmt.Errorf("find .ci/s3.mod above the working directory: %w", os.ErrNotExist)
}
