// Package publishtest is what a publish.Store promises, as tests. Every store
// passes the same suite:
//
//	func TestStore(t *testing.T) {
//		publishtest.Suite(t, func(t *testing.T) publish.Store { return openEmptyStore(t) })
//	}
//
// The suite uses only names below "suite/", each case its own folder, so that a
// store with other things in it may be given too. If the store has a public
// address, the suite also reads as a stranger over HTTP.
package publishtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cyborg-bots/cyborg/publish"
)

// Suite runs all cases against the stores that open returns, one a case.
func Suite(t *testing.T, open func(t *testing.T) publish.Store) {
	cases := []struct {
		name string
		run  func(t *testing.T, s publish.Store, at string)
	}{
		{"what is put is got", roundTrip},
		{"put replaces", replace},
		{"put starts where the body stands", position},
		{"get of nothing is ErrNotExist", missing},
		{"delete", remove},
		{"list", list},
		{"list stops when told", listStops},
		{"hostile names are refused", hostile},
		{"odd names are data", odd},
		{"a broken body leaves no half object", broken},
		{"a cancelled put fails", cancelled},
		{"readers see one whole object", atomic},
		{"writers and deleters side by side", crowd},
		{"strangers read over http", public},
		{"what is old is pruned", pruned},
		{"pruning goes on where a bot died", goesOn},
		{"bots prune side by side", sideBySide},
	}
	for n, c := range cases {
		t.Run(c.name, func(t *testing.T) { c.run(t, open(t), fmt.Sprintf("suite/%02d", n)) })
	}
}

// put stores text or ends the test.
func put(t *testing.T, s publish.Store, name string, data []byte) {
	t.Helper()
	if err := s.Put(t.Context(), name, bytes.NewReader(data), publish.Meta{}); err != nil {
		t.Fatalf("put: %v", err)
	}
}

// get reads an object or ends the test.
func get(t *testing.T, s publish.Store, name string) []byte {
	t.Helper()
	r, err := s.Get(t.Context(), name)
	if err != nil {
		t.Fatalf("get: %v", err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("read %s: %v", name, err)
	}
	return data
}

// names lists the names below prefix or ends the test.
func names(t *testing.T, s publish.Store, prefix string) []string {
	t.Helper()
	var all []string
	for e, err := range s.List(t.Context(), prefix) {
		if err != nil {
			t.Fatalf("list: %v", err)
		}
		all = append(all, e.Name)
	}
	return all
}

// pattern is size bytes that repeat at no power of two.
func pattern(size int) []byte {
	data := make([]byte, size)
	for i := range data {
		data[i] = byte(i % 251)
	}
	return data
}

func roundTrip(t *testing.T, s publish.Store, at string) {
	for _, size := range []int{0, 1, 4096, 6<<20 + 17} {
		name, want := fmt.Sprintf("%s/%d.bin", at, size), pattern(size)
		put(t, s, name, want)
		if got := get(t, s, name); !bytes.Equal(got, want) {
			t.Errorf("%d bytes: got %d other bytes", size, len(got))
		}
	}
}

func replace(t *testing.T, s publish.Store, at string) {
	put(t, s, at+"/a.txt", []byte("a long first version"))
	put(t, s, at+"/a.txt", []byte("short"))
	if got := get(t, s, at+"/a.txt"); string(got) != "short" {
		t.Errorf("got %q", got)
	}
	if got := names(t, s, at+"/"); len(got) != 1 {
		t.Errorf("one object was put twice, listed: %q", got)
	}
}

func position(t *testing.T, s publish.Store, at string) {
	body := strings.NewReader("0123456789")
	if _, err := body.Seek(4, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	if err := s.Put(t.Context(), at+"/a.txt", body, publish.Meta{}); err != nil {
		t.Fatal(err)
	}
	if got := get(t, s, at+"/a.txt"); string(got) != "456789" {
		t.Errorf("got %q", got)
	}
}

func missing(t *testing.T, s publish.Store, at string) {
	put(t, s, at+"/folder/a.txt", []byte("x"))
	for _, name := range []string{at + "/none.txt", at + "/folder", at + "/folder/a.txt/below", at + "/no/such/place.txt"} {
		r, err := s.Get(t.Context(), name)
		if err == nil {
			r.Close()
		}
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("get %s: %v, want ErrNotExist", name, err)
		}
	}
}

func remove(t *testing.T, s publish.Store, at string) {
	put(t, s, at+"/d/a.txt", []byte("x"))
	put(t, s, at+"/d/b.txt", []byte("x"))
	for _, name := range []string{at + "/d/a.txt", at + "/d/a.txt", at + "/none", at + "/d", at + "/d/b.txt/below"} {
		if err := s.Delete(t.Context(), name); err != nil {
			t.Errorf("delete %s: %v", name, err)
		}
	}
	if diff := cmp.Diff([]string{at + "/d/b.txt"}, names(t, s, at)); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
	if err := s.Delete(t.Context(), at+"/d/b.txt"); err != nil {
		t.Error(err)
	}
	if left := names(t, s, at); len(left) != 0 {
		t.Errorf("left: %q", left)
	}
}

func list(t *testing.T, s publish.Store, at string) {
	// In the order of whole names, in which "-" and "." come before "/".
	want := []string{"a-b.txt", "a.txt", "a/1.txt", "a/10.txt", "a/2.txt", "a/deep/er/x.txt", "ab/1.txt", "b"}
	for _, n := range slices.Backward(want) {
		put(t, s, at+"/"+n, []byte(n))
	}
	for _, prefix := range []string{"", "a", "a/", "a/1", "a/1.txt", "ab", "b", "c", "a/deep/", "b/"} {
		var expect []string
		for _, n := range want {
			if strings.HasPrefix(n, prefix) {
				expect = append(expect, at+"/"+n)
			}
		}
		if diff := cmp.Diff(expect, names(t, s, at+"/"+prefix)); diff != "" {
			t.Errorf("prefix %q (-want +got):\n%s", prefix, diff)
		}
	}
	for e, err := range s.List(t.Context(), at) {
		if err != nil || e.Size != int64(len(e.Name)-len(at)-1) || e.Modified.IsZero() {
			t.Errorf("entry %+v, %v: wrong size or no time", e, err)
		}
	}
}

func listStops(t *testing.T, s publish.Store, at string) {
	for n := range 5 {
		put(t, s, fmt.Sprintf("%s/%d", at, n), nil)
	}
	seen := 0
	for _, err := range s.List(t.Context(), at) {
		if seen++; err != nil || seen == 2 {
			break
		}
	}
	if seen != 2 {
		t.Errorf("saw %d", seen)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var last error
	for _, last = range s.List(ctx, at) {
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("list with a cancelled context ended with %v", last)
	}
}
