package main

import (
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/cyborg-bots/cyborg/publish/s3/s3test"
)

// wordS3 starts a real S3 server, and a way to it that `weather` can trouble. Logs go to the folder team of its bucket logs
// from then on; the bucket is not there yet.
func wordS3(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 0, "s3")
	s := scriptOf(ts)
	server, err := s3test.Run(s.ctx, ts.MkAbs("buckets"))
	ts.Check(err)
	ts.Defer(server.Close)
	s.way, err = s3test.NewProxy(server.URL, 1)
	ts.Check(err)
	ts.Defer(s.way.Close)
	for _, pair := range server.Env() {
		name, value, _ := strings.Cut(pair, "=")
		ts.Setenv(name, value)
	}
	ts.Setenv("AWS_ENDPOINT_URL", s.way.URL)
	ts.Setenv("CYBORG_LOGS", "s3://logs/team")
	ts.Setenv("CYBORG_PUBLIC_URL", "")
}

// wordWeather changes the way to the S3 server.
func wordWeather(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 1, "weather fair|bad|gone|kept")
	way := scriptOf(ts).way
	switch args[0] {
	case "fair":
		way.Set(s3test.Weather{})
	case "bad":
		way.Set(s3test.Weather{Fail: 0.1, Lost: 0.05})
	case "kept":
		way.Set(s3test.Weather{Kept: true})
	case "gone":
		way.Set(s3test.Weather{Gone: true})
	default:
		ts.Fatalf("no such weather: %s", args[0])
	}
}

// wordDays says how many days later it is, by GitHub's clock.
func wordDays(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 1, "days N")
	n, err := strconv.ParseInt(args[0], 10, 64)
	ts.Check(err)
	scriptOf(ts).days.Store(n)
}

// ahead is a server whose answers are dated some days later.
func ahead(days *atomic.Int64, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n := days.Load(); n > 0 {
			w = &dated{w, time.Duration(n) * 24 * time.Hour}
		}
		next.ServeHTTP(w, r)
	})
}

// dated is an answer with another date.
type dated struct {
	http.ResponseWriter
	ahead time.Duration
}

// WriteHeader implements http.ResponseWriter.
func (d *dated) WriteHeader(status int) {
	d.Header().Set("Date", time.Now().Add(d.ahead).UTC().Format(http.TimeFormat))
	d.ResponseWriter.WriteHeader(status)
}

// wordWeb reads an address as anybody may; the answer is in the file answer.
func wordWeb(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, len(args) == 1, "[!] web URL")
	req, err := http.NewRequestWithContext(scriptOf(ts).ctx, http.MethodGet, args[0], nil)
	ts.Check(err)
	resp, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	ts.Check(errors.Join(err, os.WriteFile(ts.MkAbs("answer"), data, 0o600)))
	if good := resp.StatusCode == http.StatusOK; good == neg {
		ts.Fatalf("GET %s: %s", args[0], resp.Status)
	}
}
