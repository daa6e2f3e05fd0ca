package store

import (
	"context"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"testing"

	"github.com/cyborg-bots/cyborg/vmimage"
)

// killed is the variable by which this test's program is a bot that fetches a disk and is killed.
const killed = "CYBORG_TEST_FETCH"

func TestMain(m *testing.M) {
	if args := os.Getenv(killed); args != "" {
		os.Exit(fetchAndDie())
	}
	os.Exit(m.Run())
}

// fetchAndDie is the bot.
func fetchAndDie() int {
	w, err := NewWeb(os.Getenv(killed), nil)
	if err != nil {
		return 1
	}
	c, err := OpenCache(os.Args[1], quick())
	if err != nil {
		return 1
	}
	disk, err := vmimage.ParseDisk(os.Args[2])
	if err != nil {
		return 1
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	_, err = c.Get(ctx, disk, []Source{w}, nil)
	if err != nil {
		return 1
	}
	return 0
}

// TestKilled: a bot that is killed in the middle leaves its lock and its parts to the next, which waits for it no longer.
func TestKilled(t *testing.T) {
	disk, data := newDisk(t, "killed", 4<<20)
	s := serve(t, map[string][]byte{disk.File(): data})
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bot := exec.CommandContext(t.Context(), self, dir, disk.File())
	bot.Env = append(os.Environ(), killed+"="+s.URL)
	reached := make(chan struct{}, 100)
	s.set(func(_ http.ResponseWriter, r *http.Request, _ []byte) bool {
		if s.sent.Load() < 2<<20 {
			return false
		}
		reached <- struct{}{}
		<-r.Context().Done()
		return true
	})
	if err := bot.Start(); err != nil {
		t.Fatal(err)
	}
	<-reached
	if err := bot.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := bot.Wait(); err == nil {
		t.Fatal(errors.New("the bot was not killed"))
	}
	before := s.sent.Load()
	s.set(nil)
	mustGet(t, openCache(t, dir, quick()), disk, data, s.source(t))
	if again := s.sent.Load() - before; again > 3<<20 {
		t.Errorf("after 2 of 4 MB, %d bytes were fetched again", again)
	}
}
