package s3_test

import (
	"testing"

	"github.com/cyborg-bots/cyborg/publish/publishtest"
	"github.com/cyborg-bots/cyborg/publish/s3/s3test"
)

// BenchmarkEightJobs is one bot with eight jobs that print 1 MB a second each
// for twelve seconds, on a real server that runs beside it.
func BenchmarkEightJobs(b *testing.B) {
	publishtest.Load(b, open(b, options(s3test.Start(b))))
}
