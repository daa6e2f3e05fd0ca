package hub

import (
	"net"
	"net/http"
	"time"
)

// newTransport gives the connections. The times are well below the 10 seconds of a request, so that a machine that does not answer is
// told apart from GitHub that does not. Certificates are checked as Go does everywhere: SSL_CERT_FILE and SSL_CERT_DIR count.
func newTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialer.DialContext,
		TLSHandshakeTimeout:    5 * time.Second,
		ResponseHeaderTimeout:  requestTime,
		ExpectContinueTimeout:  time.Second,
		IdleConnTimeout:        45 * time.Second, // below what load balancers keep, or a reused one is dead
		MaxIdleConns:           32,
		MaxIdleConnsPerHost:    8,
		MaxConnsPerHost:        32, // GitHub allows 100 for an account
		MaxResponseHeaderBytes: 256 << 10,
		ForceAttemptHTTP2:      true,
		HTTP2: &http.HTTP2Config{
			SendPingTimeout: 15 * time.Second, // a dead connection is noticed before the next write uses it
			PingTimeout:     5 * time.Second,
		},
	}
}
