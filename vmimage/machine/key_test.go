package machine

import (
	"encoding/base64"
	"strings"
	"testing"
)

// TestFirmware: systemd writes the key as a whole line. Without its end, what a guest of ours appends to the file, which it
// does as older systems do not know the credential, makes both useless: and which comes first is a matter of luck.
func TestFirmware(t *testing.T) {
	k, err := newKey()
	if err != nil {
		t.Fatal(err)
	}
	for user, home := range map[string]string{"root": "/root", "ada": "/home/ada"} {
		texts := k.firmware(user)
		if texts[0] != "cyborg.key="+k.authorized {
			t.Errorf("got %q", texts[0])
		}
		encoded, ok := strings.CutPrefix(texts[1], "io.systemd.credential.binary:tmpfiles.extra=")
		data, err := base64.StdEncoding.DecodeString(encoded)
		if !ok || err != nil {
			t.Fatalf("got %q, %v", texts[1], err)
		}
		want := "d " + home + "/.ssh 0700 " + user + " " + user + " -\n" +
			"f+ " + home + "/.ssh/authorized_keys 0600 " + user + " " + user + ` - ` + strings.ReplaceAll(k.authorized, " ", `\x20`) + `\n` + "\n"
		if string(data) != want {
			t.Errorf("got\n%s, want\n%s", data, want)
		}
	}
}
