package publish_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cyborg-bots/cyborg/publish"
)

// Who waits for the end of a big attempt is told how far it is, from all that is left to all that is there; of a small one
// nothing is said.
func TestProgress(t *testing.T) {
	for name, row := range map[string]struct {
		log, file int
		told      bool
	}{
		"big log": {3e6, 100, true}, "big artifact": {100, 3e6, true}, "both": {2e6, 2e6, true}, "small": {1000, 1000, false},
	} {
		t.Run(name, func(t *testing.T) {
			var steps []publish.Step
			i := info(t)
			over := make(chan struct{}) // the job is; artifacts wait for that
			i.Progress = func(s publish.Step) {
				if len(steps) == 0 {
					close(over)
				}
				steps = append(steps, s)
			}
			a := begin(t, &weather{Store: openDir(t), storm: func(_ context.Context, name string) error {
				if row.told && strings.Contains(name, "/files/") {
					<-over
				}
				return nil
			}}, i)
			_, _ = a.Write([]byte(strings.Repeat("0123456789abcde\n", row.log/16)))
			path := filepath.Join(t.TempDir(), "core")
			if err := os.WriteFile(path, bytes.Repeat([]byte{1}, row.file), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := a.Artifact(t.Context(), "core", path); err != nil {
				t.Fatal(err)
			}
			finish(t, a, publish.StateSuccess, "")
			if !row.told {
				if len(steps) > 0 {
					t.Errorf("told of %v", steps)
				}
				return
			}
			if len(steps) < 3 {
				t.Fatalf("told only %v", steps)
			}
			last := steps[len(steps)-1]
			if least := int64(row.log - 200); last.Done != last.Total || last.Total < least || steps[0].Done == last.Total {
				t.Errorf("told from %v to %v, the log alone has %d", steps[0], last, least)
			}
			for n := 1; n < len(steps); n++ {
				if steps[n].Done < steps[n-1].Done || steps[n].Total != last.Total {
					t.Errorf("after %v came %v", steps[n-1], steps[n])
				}
			}
		})
	}
}
