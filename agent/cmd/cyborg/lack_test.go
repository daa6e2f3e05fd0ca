package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cyborg-bots/cyborg/container"
)

// TestLack: a disk that no place has yet is what a job waits for, not its fault; when it has come it is found. One that is
// something else is not asked for again soon.
func TestLack(t *testing.T) {
	from, state := t.TempDir(), t.TempDir()
	env := &environment{Stdout: t.Output(), Stderr: t.Output(), Getenv: func(name string) string {
		return map[string]string{"CYBORG_IMAGE_STORE": from, "CYBORG_STATE": state}[name]
	}}
	f := &runFlags{}
	f.env = env
	house, err := f.warehouse(state)
	check(t, err)
	s := f.shelf(state)
	s.warehouse = house
	zeros := "tiny-" + strings.Repeat("0", 64) + ".qcow2"
	for _, row := range []struct{ disk, thing string }{{zeros, "the disk tiny-000000000000"}, {"tiny", "the image tiny"}} {
		_, err := s.find(t.Context(), row.disk)
		lack, ok := errors.AsType[*container.LackError](err)
		if !ok || lack.Thing != row.thing {
			t.Fatalf("%s: %v", row.disk, err)
		}
		if s.has(t.Context(), lack.Name) {
			t.Errorf("%s is said to be there", lack.Name)
		}
	}
	check(t, os.WriteFile(filepath.Join(s.dir, "tiny.qcow2"), nil, 0o600))
	if image, err := s.find(t.Context(), "tiny"); err != nil || !s.has(t.Context(), "tiny.qcow2") {
		t.Errorf("it has come: %+v, %v", image, err)
	}
	check(t, os.WriteFile(filepath.Join(from, zeros), bytes.Repeat([]byte{1}, 5000), 0o600))
	if !s.has(t.Context(), zeros) {
		t.Error("the disk is there, and not seen")
	}
	_, err = s.find(t.Context(), zeros)
	if lack, ok := errors.AsType[*container.LackError](err); !ok || !strings.Contains(lack.Error(), "it must not be used") {
		t.Errorf("it is something else: %v", err)
	}
	if s.has(t.Context(), zeros) {
		t.Error("what is something else is asked for again")
	}
}
