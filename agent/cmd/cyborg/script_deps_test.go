package main

import (
	"net/http/httptest"
	"os"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/cyborg-bots/cyborg/tasks/deps/depstest"
)

// wordModules serves the modules in a folder as a module proxy, and puts its address into $PROXY.
func wordModules(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 1, "modules FOLDER")
	server := httptest.NewServer(depstest.GoProxy(os.DirFS(ts.MkAbs(args[0]))))
	ts.Defer(server.Close)
	ts.Setenv("PROXY", server.URL)
}
