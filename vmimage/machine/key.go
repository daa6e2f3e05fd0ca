package machine

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"path"
	"strings"

	"golang.org/x/crypto/ssh"
)

// A key lets one bot into one machine.
type key struct {
	signer     ssh.Signer
	raw        ed25519.PrivateKey
	authorized string // a line of authorized_keys, without the newline
	private    []byte // PEM, for a machine that outlives its starter
}

// newKey makes a key that nobody else has.
func newKey() (key, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return key{}, fmt.Errorf("make key: %w", err)
	}
	block, err := ssh.MarshalPrivateKey(private, "cyborg")
	if err != nil {
		return key{}, fmt.Errorf("make key: %w", err)
	}
	return parseKey(pem.EncodeToMemory(block))
}

// parseKey reads what newKey made.
func parseKey(private []byte) (key, error) {
	signer, err := ssh.ParsePrivateKey(private)
	if err != nil {
		return key{}, fmt.Errorf("read key: %w", err)
	}
	raw, err := ssh.ParseRawPrivateKey(private)
	if err != nil {
		return key{}, fmt.Errorf("read key: %w", err)
	}
	pair, ok := raw.(*ed25519.PrivateKey)
	if !ok {
		return key{}, fmt.Errorf("read key: it is a %T", raw)
	}
	line := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey())))
	return key{signer: signer, raw: *pair, authorized: line, private: private}, nil
}

// dropbear is the key in the form that dropbear's programs read, some of which know no other.
func (k key) dropbear() []byte {
	return ssh.Marshal(struct {
		Kind string
		Pair []byte // the private half, the public half
	}{ssh.KeyAlgoED25519, k.raw})
}

// firmware is the key as texts of the firmware, for a guest in which user signs in. The line that systemd writes is a whole
// one: a guest of ours may add to the file.
func (k key) firmware(user string) []string {
	home := "/root"
	if user != "root" {
		home = path.Join("/home", user)
	}
	owner := user + " " + user
	files := fmt.Sprintf("d %[1]s/.ssh 0700 %[2]s -\nf+ %[1]s/.ssh/authorized_keys 0600 %[2]s - %[3]s\\n\n",
		home, owner, strings.ReplaceAll(k.authorized, " ", `\x20`))
	return []string{
		"cyborg.key=" + k.authorized,
		"io.systemd.credential.binary:tmpfiles.extra=" + base64.StdEncoding.EncodeToString([]byte(files)),
	}
}
