package s3_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/cyborg-bots/cyborg/publish"
	"github.com/cyborg-bots/cyborg/publish/publishtest"
	"github.com/cyborg-bots/cyborg/publish/s3/s3test"
)

// A program that nobody here wrote reads all that we put, byte for byte, and we
// read all that it puts.
func TestRclone(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t)
	s := open(t, options(server))
	want := map[string][]byte{"big.bin": bytes.Repeat([]byte("0123456"), big/7), "empty.bin": nil}
	for _, name := range publishtest.OddNames("odd") {
		want[name] = []byte(name)
	}
	for name, data := range want {
		put(t, s, name, data, publish.Meta{})
	}
	there, back := t.TempDir(), filepath.Join(t.TempDir(), "back")
	rclone(t, server, "copy", ":s3:logs/team/bots+1", there)
	compare(t, there, want)
	rclone(t, server, "check", "--download", there, ":s3:logs/team/bots+1")

	if err := os.Rename(there, back); err != nil {
		t.Fatal(err)
	}
	rclone(t, server, "copy", back, ":s3:logs/team/bots+1/copied")
	for name, data := range want {
		if got, err := get(t, s, "copied/"+name); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%q as rclone put it: %v, %d bytes, want %d", name, err, len(got), len(data))
		}
	}
}

// compare checks that a folder holds exactly these files.
func compare(t *testing.T, dir string, want map[string][]byte) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(file string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		files++
		name, err := filepath.Rel(dir, file)
		if err != nil {
			return err
		}
		got, err := os.ReadFile(file)
		data, ok := want[name]
		if err == nil && (!ok || !bytes.Equal(got, data)) {
			t.Errorf("%q: %d bytes, want %d", name, len(got), len(data))
		}
		return err
	})
	if err != nil || files != len(want) {
		t.Errorf("%d files of %d, %v", files, len(want), err)
	}
}

// rclone runs Debian's rclone; make packages installs it.
func rclone(t *testing.T, server *s3test.Server, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "rclone", append([]string{"--s3-provider=Other", "--s3-env-auth", "--s3-endpoint=" + server.URL, "--config=/dev/null"}, args...)...)
	cmd.Env = append(server.Env(), "PATH="+os.Getenv("PATH"), "HOME="+t.TempDir())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("rclone %q: %v\n%s", args, err, out)
	}
}
