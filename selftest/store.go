package selftest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
)

// Store is what the probe asks of the place where logs are kept.
type Store interface {
	Put(ctx context.Context, name string, data []byte) error
	Get(ctx context.Context, name string) ([]byte, error)
	Delete(ctx context.Context, name string) error
}

// Logs asks whether logs can be stored: it writes an object, reads it back and
// deletes it. where names the store for people.
func Logs(s Store, where string) Probe {
	return Probe{
		Name: "logs", Doc: "can logs be stored", Needed: true,
		Hint: "check the address and the keys of the log store",
		Check: func(ctx context.Context) (Finding, error) {
			name := "selftest/" + strings.ToLower(rand.Text()) + ".txt"
			data := []byte("written by cyborg selftest\n")
			if err := s.Put(ctx, name, data); err != nil {
				return refused("write to", where, err), nil
			}
			got, err := s.Get(ctx, name)
			if err != nil {
				return refused("read from", where, err), nil
			}
			if !bytes.Equal(got, data) {
				return Finding{Text: fmt.Sprintf("%s gives back something else than was written", where),
					Hint: "it does not keep what it is given; use another store"}, nil
			}
			if err := s.Delete(ctx, name); err != nil {
				return refused("delete from", where, err), nil
			}
			return Finding{OK: true, Text: "written, read and deleted in " + where}, nil
		},
	}
}

// refused says what a store does not let us do.
func refused(verb, where string, err error) Finding {
	f := Finding{Text: fmt.Sprintf("cannot %s %s: %v", verb, where, err)}
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		f.Hint = "it is full; delete old logs or give it more room"
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		f.Hint = "the bot needs to write, read and delete there"
	}
	return f
}
