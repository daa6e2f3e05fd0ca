package tasks

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/rogpeppe/go-internal/txtar"
)

// productHeader is the example that people copy first, remarks included.
const productHeader = `#!/bin/sh
# verify: run the integration tests in a machine of each system
# on: pull request, push main, request
# branches: main stable-*
# image: fedora-42 debian-13 centos-10          one context each: verify/fedora-42 …
# with: browser=firefox chrome                  optional second axis: verify/fedora-42/firefox …
# in: vm                                        vm, container IMAGE, or host (trusted jobs only)
# needs: kvm memory=4G
# secrets:                                      names; a task that runs an outsider's code may name none
# timeout: 2h
# results: tap                                  tap, junit FILE…, go-json; default: the exit code
# artifacts: *.png *.log *.core
exec test/run
`

func TestParseHeader(t *testing.T) {
	request := []Event{{Kind: Request}}
	tests := []struct {
		name, file, text string
		want             Header
	}{
		{"the product's test", "bots/verify", productHeader, Header{
			Doc:       "run the integration tests in a machine of each system",
			On:        []Event{{PullRequest, ""}, {Push, "main"}, {Request, ""}},
			Branches:  []string{"main", "stable-*"},
			Images:    []string{"fedora-42", "debian-13", "centos-10"},
			With:      []Axis{{"browser", []string{"firefox", "chrome"}}},
			In:        Place{Kind: InVM},
			Needs:     Capabilities{{Name: "kvm"}, {Name: "memory", Bytes: 4 << 30}},
			Timeout:   2 * time.Hour,
			Results:   Format{Kind: TAP},
			Artifacts: []string{"*.png", "*.log", "*.core"},
		}},
		{"the product's chore", "bots/po-refresh", `#!/bin/sh
# po-refresh: pull new translations and propose them as a pull request
# every: 7 days                                 filed as an issue when due; also on request
# paths: po/                                    what it may change
make po/cockpit.pot upload-pot download-po
`, Header{Doc: "pull new translations and propose them as a pull request", On: request,
			Every: 7 * 24 * time.Hour, Paths: []string{"po/"}, Timeout: DefaultTimeout}},
		{"the least", "bots/x", "#!/bin/sh\n# x: do it\n", Header{Doc: "do it", On: request, Timeout: DefaultTimeout}},
		{"no interpreter line", "bots/x", "# x: do it\n", Header{Doc: "do it", On: request, Timeout: DefaultTimeout}},
		{"no line ending", "bots/x", "# x: do it", Header{Doc: "do it", On: request, Timeout: DefaultTimeout}},
		{"licence first, prose last", "bots/x", `#!/usr/bin/python3

# SPDX-License-Identifier: MIT
# Copyright: the people
# vim: set sw=4

# x: do it
# timeout: 90 minutes
#
# note that: this is prose
# and it may go: on
import os  # image: not a key
# image: in the middle of the code
`, Header{Doc: "do it", On: request, Timeout: 90 * time.Minute}},
		{"aligned values and long lists", "bots/x", `#!/bin/sh
# x:         do it
# on:        request
# image:     fedora-42 debian-13
#            centos-10
# results:   junit build/*.xml
#            reports/**/TEST-*.xml
# timeout:   1h30m
`, Header{Doc: "do it", On: request, Images: []string{"fedora-42", "debian-13", "centos-10"}, Timeout: 90 * time.Minute,
			Results: Format{Kind: JUnit, Files: []string{"build/*.xml", "reports/**/TEST-*.xml"}}}},
		{"slashes", "bots/x", "#!/usr/bin/env node\n// x: do it\n// timeout: 2 minutes\nimport 'fs'\n",
			Header{Doc: "do it", On: request, Timeout: 2 * time.Minute}},
		{"colons in the doc line and in values", "bots/x",
			"#!/bin/sh\n# x: do it: now\n# in: container registry.fedoraproject.org:5000/fedora:42\n# network: example.com:443 *.debian.org\n",
			Header{Doc: "do it: now", On: request, Timeout: DefaultTimeout,
				In:      Place{InContainer, "registry.fedoraproject.org:5000/fedora:42"},
				Network: []string{"example.com:443", "*.debian.org"}}},
		{"axes of every kind", "bots/x", "#!/bin/sh\n# x: do it\n# with: browser=firefox chrome go=1.25 1.26\n",
			Header{Doc: "do it", On: request, Timeout: DefaultTimeout,
				With: []Axis{{"browser", []string{"firefox", "chrome"}}, {"go", []string{"1.25", "1.26"}}}}},
		{"a release step", "bots/x", "#!/bin/sh\n# x: do it\n# after: source notes\n# secrets: NPM_TOKEN\n# in: host\n# push: branch\n",
			Header{Doc: "do it", After: []string{"source", "notes"}, Secrets: []string{"NPM_TOKEN"}, In: Place{Kind: OnHost}, Timeout: DefaultTimeout}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := ParseHeader(test.file, []byte(test.text))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(test.want, got, cmpopts.EquateEmpty()); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// TestBadHeaders reads every header of testdata/bad.txtar and compares what is said with testdata/bad.golden.
func TestBadHeaders(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/bad.txtar")
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	for _, f := range archive.Files {
		h, err := ParseHeader("bots/verify", f.Data)
		if err == nil {
			t.Errorf("%s: no error for\n%s", f.Name, f.Data)
			continue
		}
		if d := cmp.Diff(Header{}, h, cmpopts.EquateEmpty()); d != "" {
			t.Errorf("%s: a header beside the error:\n%s", f.Name, d)
		}
		first, ok := errors.AsType[*HeaderError](err)
		if !ok {
			t.Fatalf("%s: error is a %T", f.Name, err)
		}
		if first.Line == 0 || first.Hint == "" || first.File != "bots/verify" {
			t.Errorf("%s: no line, file or hint: %+v", f.Name, first)
		}
		fmt.Fprintf(&said, "-- %s --\n%v\n", f.Name, err)
	}
	golden(t, "bad.golden", said.String())
}

// TestUnreadableHeaders has the files that an archive of text cannot hold.
func TestUnreadableHeaders(t *testing.T) {
	long := "# x: do it\n" + strings.Repeat("# on and on\n", 6000)
	tests := []struct{ name, text, want string }{
		{"CR LF", "#!/bin/sh\r\n# x: do it\r\n", "bots/x:1: lines end in CR LF, no system finds the interpreter"},
		{"byte order mark", "\xef\xbb\xbf#!/bin/sh\n# x: do it\n", "bots/x:1: the file begins with a byte order mark"},
		{"NUL", "#!/bin/sh\n# x: do\x00 it\n", "bots/x:2: control character in the header"},
		{"Latin-1", "#!/bin/sh\n# x: f\xfcr\n", "bots/x:2: not UTF-8 text"},
		{"too long", long, "bots/x:1: the leading comment is longer than 65536 bytes"},
		{"empty", "", "bots/x:1: no header"},
		{"ELF", "\x7fELF\x02\x01\x01\x00\n\n", "bots/x:1: no header"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := ParseHeader("bots/x", []byte(test.text))
			if err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("got error %v, want %s", err, test.want)
			}
		})
	}
}

// TestHeaderColumns wants the place of the very word that is wrong.
func TestHeaderColumns(t *testing.T) {
	_, err := ParseHeader("bots/x", []byte("#!/bin/sh\n# x: do it\n# image: fedora-42\n#\tDebian-13\n# needs: kvm memory=4\n#   disk=2G\n"))
	list, ok := errors.AsType[*HeaderErrors](err)
	if !ok {
		t.Fatal(err)
	}
	var got []string
	for _, p := range list.Problems {
		got = append(got, fmt.Sprintf("%d:%d %s", p.Line, p.Column, p.Key))
	}
	if d := cmp.Diff([]string{"4:3 image", "5:14 needs"}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// TestLongFile wants a long script with a short header to be fine: only the leading comment is limited.
func TestLongFile(t *testing.T) {
	text := "#!/bin/sh\n# x: do it\n#\n" + strings.Repeat("echo hello\n", 20_000)
	if _, err := ParseHeader("bots/x", []byte(text)); err != nil {
		t.Error(err)
	}
	// The limit falls into the middle of a word: what is behind it must not matter either.
	text = "#!/bin/sh\n# x: do it\n" + strings.Repeat("true\n", MaxHeader/5)
	if _, err := ParseHeader("bots/x", []byte(text)); err != nil {
		t.Error(err)
	}
}

func FuzzParseHeader(f *testing.F) {
	f.Add([]byte(productHeader))
	f.Add([]byte(machinesHeader))
	archive, err := txtar.ParseFile("testdata/bad.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range archive.Files {
		f.Add(file.Data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := ParseHeader("bots/verify", data)
		if err != nil {
			list, ok := errors.AsType[*HeaderErrors](err)
			if !ok || len(list.Problems) == 0 || len(list.Problems) > maxProblems {
				t.Fatalf("error %T with %d problems", err, len(list.Problems))
			}
			for _, p := range list.Problems {
				if p.Problem == "" || strings.ContainsAny(p.Problem, "\n\x00\x1b") {
					t.Errorf("bad problem %q", p.Problem)
				}
			}
			return
		}
		checkGoodHeader(t, h)
	})
}

// checkGoodHeader wants what everybody relies on of a header that was accepted.
func checkGoodHeader(t *testing.T, h Header) {
	t.Helper()
	if h.Doc == "" || h.Timeout <= 0 || h.Timeout > MaxTimeout || h.Every != 0 && h.Every < MinEvery {
		t.Errorf("accepted %+v", h)
	}
	if h.Asks(PullRequest) && len(h.Secrets) > 0 {
		t.Errorf("secrets for an outsider's code: %+v", h)
	}
	task := &Task{Name: "verify", Header: h, Path: "bots/verify"}
	c := &Catalogue{Tasks: []*Task{task}}
	contexts := task.Contexts()
	if len(contexts) > MaxContexts {
		t.Errorf("%d contexts", len(contexts))
	}
	checkGoodMachines(t, h)
	for _, context := range contexts {
		if len(context.Name) > MaxContext {
			t.Errorf("context of %d characters", len(context.Name))
		}
		found, ok := c.Lookup(context.Name)
		if !ok || found.Name != context.Name || !cmp.Equal(found.Axes, context.Axes, cmpopts.EquateEmpty()) {
			t.Errorf("looked up %q, found %+v", context.Name, found)
		}
		line := (&Job{Task: "verify", Context: context.Name, Pull: 1}).Line()
		if _, err := ParseLine(line.String()); err != nil {
			t.Errorf("line %s: %v", line, err)
		}
	}
	if task.Explain() == "" || Table(c.Tasks) == "" {
		t.Error("nothing to say")
	}
}
