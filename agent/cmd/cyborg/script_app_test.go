package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"strconv"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/cyborg-bots/cyborg/selftest/fakehub"
)

// wordApp makes the GitHub App "cyborg", installs it on acme/widget with what a bot needs, and signs bots in with it: its
// tokens are good for LIFE, of which the last minute is not used.
func wordApp(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 1, "app LIFE")
	life, err := time.ParseDuration(args[0])
	ts.Check(err)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	ts.Check(err)
	server := scriptOf(ts).server
	id, err := server.AddApp(fakehub.App{Slug: "cyborg", Owner: "acme", Key: &key.PublicKey, TokenLife: life})
	ts.Check(err)
	installation, err := server.Install(id, map[string]fakehub.Permission{
		"contents": fakehub.Read, "pull_requests": fakehub.Read, "issues": fakehub.Read, "statuses": fakehub.Write,
	}, widget)
	ts.Check(err)
	text := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	ts.Check(os.WriteFile(ts.MkAbs("app.pem"), text, 0o600))
	for name, value := range map[string]string{
		"GITHUB_TOKEN": "", "CYBORG_APP_ID": strconv.FormatInt(id, 10),
		"CYBORG_APP_INSTALLATION": strconv.FormatInt(installation, 10), "CYBORG_APP_KEY_FILE": "app.pem",
	} {
		ts.Setenv(name, value)
	}
}
