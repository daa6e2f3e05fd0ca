//go:build engines

package main

import (
	"os"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/cyborg-bots/cyborg/container/containertest"
)

// TestEngineScripts are the scripts that are about containers of an engine, of each that CYBORG_ENGINES names; see make engines.
func TestEngineScripts(t *testing.T) {
	image := containertest.MakeImage(t)
	for _, program := range strings.Fields(os.Getenv("CYBORG_ENGINES")) {
		t.Run(program, func(t *testing.T) {
			containertest.Import(t, program, image)
			p := params(t, program, "s|PLACE|container "+containertest.Image+"|")
			p.Files = []string{"testdata/script/secrets-sandbox.txtar"}
			testscript.Run(t, p)
		})
	}
}
