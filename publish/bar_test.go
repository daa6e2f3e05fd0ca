package publish

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestBar(t *testing.T) {
	for _, tt := range []struct {
		terminal bool
		want     string
	}{
		{false, "waiting\n" +
			"fetching debian  50 % 100 MB of 200 MB\n" +
			"fetching debian  75 % 150 MB of 200 MB, 5.0 MB/s, 10s left\n" +
			"fetching debian 100 % 200 MB of 200 MB, 6.7 MB/s\n"},
		{true, "\rwaiting\x1b[K\n" +
			"\rfetching debian  50 % [============            ] 100 MB of 200 MB\x1b[K" +
			"\rfetching debian  62 % [===============         ] 125 MB of 200 MB, 5.0 MB/s, 15s left\x1b[K" +
			"\rfetching debian  75 % [==================      ] 150 MB of 200 MB, 5.0 MB/s, 10s left\x1b[K" +
			"\rfetching debian 100 % [========================] 200 MB of 200 MB, 6.7 MB/s\x1b[K\n"},
	} {
		synctest.Test(t, func(t *testing.T) {
			var out bytes.Buffer
			b := NewBar(&out, tt.terminal)
			b.Show(Step{"waiting", 0, 0})
			for _, done := range []int64{100e6, 125e6, 150e6, 200e6} {
				b.Show(Step{"fetching debian", done, 200e6})
				<-time.After(5 * time.Second)
			}
			b.Close()
			if diff := cmp.Diff(tt.want, out.String()); diff != "" {
				t.Errorf("terminal %v (-want +got):\n%s", tt.terminal, diff)
			}
		})
	}
}
