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

// PublicStore is a Store that people read over the web, without any key.
type PublicStore interface {
	Store
	// Fetch reads an object as a stranger does. The address is empty if the
	// store has none for strangers.
	Fetch(ctx context.Context, name string) (data []byte, address string, err error)
}

// Logs asks whether logs can be stored: it writes an object, reads it back, as
// a stranger too where the store has an address for strangers, and deletes it.
// where names the store for people.
func Logs(s Store, where string) Probe {
	return Probe{
		Name: "logs", Doc: "can logs be stored", Needed: true,
		Hint: "check the address and the keys of the log store; cyborg publish init sets a bucket up",
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
			strangers, finding := asStranger(ctx, s, name, data)
			if err := s.Delete(ctx, name); err != nil {
				return refused("delete from", where, err), nil
			}
			if finding != nil {
				return *finding, nil
			}
			return Finding{OK: true, Text: "written, read and deleted in " + where + strangers}, nil
		},
	}
}

// asStranger reads the object as somebody who only has its address.
func asStranger(ctx context.Context, s Store, name string, want []byte) (good string, bad *Finding) {
	p, ok := s.(PublicStore)
	if !ok {
		return "", nil
	}
	got, address, err := p.Fetch(ctx, name)
	const hint = "cyborg publish init lets everybody read a bucket; --public-url says where readers find it"
	switch {
	case address == "":
		return "", nil
	case err != nil:
		return "", &Finding{Text: fmt.Sprintf("strangers cannot read %s: %v", address, err), Hint: hint}
	case !bytes.Equal(got, want):
		return "", &Finding{Text: fmt.Sprintf("strangers find something else at %s than was written", address), Hint: hint}
	}
	return ", everybody can read it", nil
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
