package hub

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestWireSignsAndReadsWhole(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", "Sat, 01 Aug 2026 12:00:00 GMT")
		fmt.Fprint(w, r.Header.Get("User-Agent"), "|", r.Header.Get("X-GitHub-Api-Version"))
	}))
	defer srv.Close()
	c := &clock{}
	l := &wire{next: newTransport(), agent: "cyborg/1.2", most: 100, clock: c}
	resp, err := l.RoundTrip(request(t, "GET", srv.URL, ""))
	if err != nil {
		t.Fatal(err)
	}
	if got := readAll(t, resp); got != "cyborg/1.2|2022-11-28" || string(peek(resp)) != got {
		t.Errorf("got %q", got)
	}
	if now := c.now(); now.Before(noon) || now.After(noon.Add(time.Minute)) {
		t.Errorf("GitHub's time is %v", now)
	}
}

func TestWireBoundsAnswers(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusCreated)
		fmt.Fprint(w, strings.Repeat("x", 101))
	}))
	defer srv.Close()
	l := &wire{next: newTransport(), most: 100, clock: &clock{}}
	_, err := l.RoundTrip(request(t, "POST", srv.URL, "{}"))
	if e, ok := errors.AsType[*brokenError](err); !ok || !errors.Is(err, errTooLong) || e.status != 201 {
		t.Errorf("got %v", err)
	}
	if got := kindOf(lostWrite(request(t, "POST", srv.URL, "{}"), err)); got != "ambiguous" {
		t.Errorf("for a write that is %s", got)
	}
}

// What broke before there was a connection was not sent; what broke after it may have been.
func TestWireKnowsWhatWasNeverSent(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := "http://" + listener.Addr().String()
	_ = listener.Close()
	broken := func(after string) string {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.ReadAll(r.Body)
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = conn.Write([]byte(after))
			_ = conn.Close()
		}))
		t.Cleanup(srv.Close)
		return srv.URL
	}
	for _, row := range []struct{ name, url, want string }{
		{"nobody listens", closed, "not sent"},
		{"no such name", "http://no-such-host.invalid", "not sent"},
		{"closed without an answer", broken(""), "ambiguous"},
		{"closed within the header", broken("HTTP/1.1 201 Crea"), "ambiguous"},
		{"closed within the body", broken("HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n{\"id\":"), "ambiguous"},
	} {
		t.Run(row.name, func(t *testing.T) {
			l := verdict{&wire{next: newTransport(), most: 100, clock: &clock{}}}
			_, err := l.RoundTrip(request(t, "POST", row.url, "{}"))
			if got := kindOf(err); got != row.want {
				t.Errorf("%s (%v), want %s", got, err, row.want)
			}
		})
	}
}

// A transport of somebody else's tells it by its errors alone; ours also knows when the time was over before there was a connection.
func TestWireNeverConnected(t *testing.T) {
	for _, err := range []error{
		&net.OpError{Op: "dial", Err: errors.New("refused")}, &net.OpError{Op: "proxyconnect", Err: errors.New("refused")},
		&net.DNSError{Err: "no such host"}, &tls.CertificateVerificationError{Err: errors.New("unknown authority")},
	} {
		l := &wire{next: roundTrip(func(*http.Request) (*http.Response, error) { return nil, err }), clock: &clock{}}
		if _, err := l.RoundTrip(request(t, "POST", "https://h/", "{}")); kindOf(err) != "not sent" {
			t.Errorf("got %v", err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	base := newTransport()
	base.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		cancel()
		<-ctx.Done()
		return nil, ctx.Err()
	}
	_, err := verdict{&wire{next: base, clock: &clock{}}}.RoundTrip(request(t, "POST", "http://h/", "{}").WithContext(ctx))
	if kindOf(err) != "not sent" || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestTransportSpeaksHTTP2(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Proto) }))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	defer srv.Close()
	base := newTransport()
	base.TLSClientConfig = srv.Client().Transport.(*http.Transport).TLSClientConfig
	resp, err := (&wire{next: base, most: 100, clock: &clock{}}).RoundTrip(request(t, "GET", srv.URL, ""))
	if err != nil {
		t.Fatal(err)
	}
	if got := readAll(t, resp); got != "HTTP/2.0" {
		t.Errorf("spoke %s", got)
	}
	base.CloseIdleConnections()
}

func TestWireCertificate(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.NotFoundHandler())
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // it tells of the handshake that fails
	srv.StartTLS()
	defer srv.Close()
	l := verdict{&wire{next: newTransport(), most: 100, clock: &clock{}}}
	_, err := l.RoundTrip(request(t, "POST", srv.URL, "{}"))
	if kindOf(err) != "not sent" || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("got %v", err)
	}
}
