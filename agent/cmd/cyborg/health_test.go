package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestHealth(t *testing.T) {
	file := filepath.Join(t.TempDir(), "alive")
	var out bytes.Buffer
	env := &environment{Stdout: &out, Getenv: func(name string) string {
		if name == aliveVar {
			return file
		}
		return ""
	}}
	if err := health(env, time.Now()); err == nil || !strings.Contains(err.Error(), "no word of a bot") {
		t.Errorf("before a bot has begun: %v", err)
	}
	if err := env.promise(time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := health(env, time.Now().Add(time.Hour)); err != nil {
		t.Errorf("when the look is due: %v", err)
	}
	if err := health(env, time.Now().Add(time.Hour+aliveFor+time.Minute)); err == nil {
		t.Error("a bot that hangs is well")
	}
	if err := os.WriteFile(file, []byte("well"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := health(env, time.Now()); err == nil {
		t.Error("a file with anything else is well")
	}
	if err := health(&environment{Getenv: func(string) string { return "" }}, time.Now()); err == nil {
		t.Error("no file is well")
	}
	if err := (&environment{Getenv: func(string) string { return filepath.Join(file, "x") }}).promise(0); err == nil {
		t.Error("a file that cannot be written is no error")
	}
}
