package s3test

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Server is a running S3 server that listens on loopback.
type Server struct {
	URL       string // http://127.0.0.1:PORT
	AccessKey string
	SecretKey string
	Dir       string // each bucket is a folder in it
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
	s := &Server{AccessKey: "bots", SecretKey: "key-" + rand.Text(), Dir: filepath.Join(t.TempDir(), "buckets")}
	if err := os.Mkdir(s.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	program := Program(t)
	for range 5 { // somebody may take the port between our look and the server's
		port := freePort(t)
		s.URL = "http://" + port
		cmd := exec.Command(program, "--quiet", "--port", port, "--access", s.AccessKey, "--secret", s.SecretKey, "posix", s.Dir)
		cmd.Env = append(os.Environ(), "HOME="+s.Dir)
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		var said strings.Builder
		cmd.Stdout, cmd.Stderr = &said, &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		if s.answers(t, ended) {
			t.Cleanup(func() {
				_ = cmd.Process.Kill()
				<-ended
			})
			return s
		}
		t.Logf("the S3 server ended at once:\n%s", said.String())
	}
	t.Fatal("no S3 server could be started")
	return nil
}

// answers waits until the server does, or has ended.
func (s *Server) answers(t testing.TB, ended chan error) bool {
	for {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			resp.Body.Close()
		}
		cancel()
		if err == nil {
			return true
		}
		select {
		case err := <-ended:
			ended <- err
			return false
		case <-time.After(20 * time.Millisecond):
		case <-t.Context().Done():
			return false
		}
	}
}

// freePort is an address that was free a moment ago.
func freePort(t testing.TB) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// Program is the server's executable; the go command builds it if need be.
func Program(t testing.TB) string {
	t.Helper()
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "tool", "-modfile="+filepath.Join(root, ".ci", "s3.mod"), "-n", "versitygw")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOFLAGS=") // the race detector is not for it
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("build the S3 server (make s3server does the same): %v", err)
	}
	return strings.TrimSpace(string(out))
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
