package lock

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func take(t *testing.T, path string, how How) *os.File {
	t.Helper()
	f, err := Try(path, how)
	if err != nil || f == nil {
		t.Fatalf("got %v, %v", f, err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func isFree(t *testing.T, path string, how How) bool {
	t.Helper()
	f, err := Try(path, how)
	if err != nil {
		t.Fatal(err)
	}
	if f == nil {
		return false
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return true
}

// TestTry: many share a file, one holds it alone, and closing lets go.
func TestTry(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	one := take(t, path, Shared)
	if !isFree(t, path, Shared) || isFree(t, path, Alone) {
		t.Error("a file that is shared is free to share, and for nobody alone")
	}
	one.Close()
	two := take(t, path, Alone)
	if isFree(t, path, Shared) || isFree(t, path, Alone) {
		t.Error("a file that is held alone is free")
	}
	two.Close()
	if !isFree(t, path, Alone) {
		t.Error("a file that was let go is not free")
	}
}

// TestTake: it says once that it waits, gets the file when it is let go, and goes with its context.
func TestTake(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	held := take(t, path, Alone)
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("no longer wanted")
	if f, err := Take(ctx, path, Alone, func() { cancel(why) }); f != nil || !errors.Is(err, why) {
		t.Fatalf("got %v, %v", f, err)
	}
	waited := 0
	f, err := Take(t.Context(), path, Shared, func() {
		waited++
		held.Close()
	})
	if err != nil || waited != 1 {
		t.Fatalf("got %v after waiting %d times", err, waited)
	}
	f.Close()
}

// TestRemoved: a file that lost its name while it was taken is not taken, and the next one by its name is.
func TestRemoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	old, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	for _, next := range []string{"nothing", "another file"} {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if next == "another file" {
			take(t, path, Alone)
		}
		if held, err := Now(old, Alone); held || err != nil {
			t.Errorf("with %s by its name: got %v, %v", next, held, err)
		}
		if next == "nothing" {
			take(t, path, Alone).Close()
		}
	}
}

// TestChild: a child process that got a copy of the file holds it after we let go, until it ends.
func TestChild(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	f := take(t, path, Alone)
	cmd := exec.CommandContext(t.Context(), "cat")
	cmd.ExtraFiles = []*os.File{f}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	f.Close()
	if isFree(t, path, Shared) {
		t.Error("the lock went though a child has it")
	}
	in.Close()
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if !isFree(t, path, Alone) {
		t.Error("the lock stayed though the child has ended")
	}
}
