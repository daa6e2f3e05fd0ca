//go:build linux

package container

import (
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// A program is this program as another root directory needs it: with its loader and its libraries.
type program struct {
	file      string
	loader    string            // empty if it needs none
	libraries map[string]string // files by the names they are looked for
}

// readProgram finds out what this program needs to start.
func readProgram() (program, error) {
	file, err := os.Executable()
	if err != nil {
		return program{}, fmt.Errorf("find this program: %w", err)
	}
	f, err := elf.Open(file)
	if err != nil {
		return program{}, fmt.Errorf("read this program: %w", err)
	}
	defer f.Close()
	p := program{file: file, libraries: map[string]string{}}
	for _, part := range f.Progs {
		if part.Type != elf.PT_INTERP {
			continue
		}
		name := make([]byte, part.Filesz)
		if _, err := part.ReadAt(name, 0); err != nil {
			return program{}, fmt.Errorf("read this program: %w", err)
		}
		if p.loader, err = filepath.EvalSymlinks(strings.TrimRight(string(name), "\x00")); err != nil {
			return program{}, fmt.Errorf("find this program's loader: %w", err)
		}
	}
	if p.loader == "" {
		return p, nil
	}
	return p, p.collect(f)
}

// collect finds the libraries that a file wants, and what those want.
func (p program) collect(f *elf.File) error {
	names, err := f.ImportedLibraries()
	if err != nil {
		return fmt.Errorf("read this program's libraries: %w", err)
	}
	for _, name := range names {
		if p.libraries[name] != "" || name == filepath.Base(p.loader) {
			continue
		}
		file, lib, err := p.find(name)
		if err != nil {
			return err
		}
		p.libraries[name] = file
		err = p.collect(lib)
		lib.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// find looks for a library beside the loader and in the usual places.
func (p program) find(name string) (string, *elf.File, error) {
	for _, dir := range []string{filepath.Dir(p.loader), "/lib64", "/usr/lib64", "/lib", "/usr/lib", "/usr/local/lib"} {
		file, err := filepath.EvalSymlinks(filepath.Join(dir, name))
		if err != nil {
			continue
		}
		if lib, err := elf.Open(file); err == nil {
			return file, lib, nil
		}
	}
	return "", nil, errors.New("find this program's library " + name + ": it is in none of the usual places")
}
