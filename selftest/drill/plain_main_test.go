//go:build drill && !vm

package drill

import (
	"fmt"
	"os"
	"testing"
)

// TestMain lets the test program also be go's build cache in a sandbox.
func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == cacheWord {
		if err := cacheProgram(os.Args[2], os.Args[3], os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "go-cache:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}
