// Package depstest serves modules and packages of a folder as registries do, to the real tools: what the tests of package
// deps and of the task deps-refresh fetch from, so that nothing that is published elsewhere changes what they see.
//
// The folder has one folder for each version, "example.com/a@v1.2.0", with its files. A file ".published" in it says when it
// was published, as RFC 3339 has it or "now"; without, it was long ago.
package depstest

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"
)

// longAgo is when versions were published that do not say when.
const longAgo = "2024-03-01T12:00:00Z"

// GoProxy serves the modules of a folder by the protocol of Go's module proxies. A version without go.mod has the one that
// proxies make up.
func GoProxy(folder fs.FS) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		module, what, ok := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/@v/")
		if !ok {
			http.NotFound(w, r) // "@latest" and the checksum database
			return
		}
		data, err := goAnswer(folder, module, what)
		if err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
			return
		}
		_, _ = w.Write(data)
	})
}

func goAnswer(folder fs.FS, module, what string) ([]byte, error) {
	if what == "list" {
		versions, err := Versions(folder, module)
		if err == nil && len(versions) == 0 {
			err = fs.ErrNotExist
		}
		return []byte(strings.Join(versions, "\n")), err
	}
	kind := path.Ext(what)
	version := strings.TrimSuffix(what, kind)
	dir := module + "@" + version
	if _, err := fs.Stat(folder, dir); err != nil {
		return nil, err
	}
	switch kind {
	case ".info":
		return json.Marshal(map[string]any{
			"Version": version, "Time": Published(folder, dir),
			"Origin": map[string]string{"VCS": "git", "URL": "https://" + module, "Ref": "refs/tags/" + version, "Hash": strings.Repeat("a", 40)},
		})
	case ".mod":
		data, err := fs.ReadFile(folder, dir+"/go.mod")
		if err != nil {
			return fmt.Appendf(nil, "module %s\n", module), nil
		}
		return data, nil
	case ".zip":
		return pack(folder, dir)
	}
	return nil, fs.ErrNotExist
}

// Versions lists the versions that the folder has of something, sorted as text.
func Versions(folder fs.FS, name string) ([]string, error) {
	entries, err := fs.ReadDir(folder, path.Dir(name))
	var list []string
	for _, e := range entries {
		if version, ok := strings.CutPrefix(e.Name(), path.Base(name)+"@"); ok && e.IsDir() {
			list = append(list, version)
		}
	}
	slices.Sort(list)
	return list, err
}

// Published is when a version was published.
func Published(folder fs.FS, dir string) string {
	data, err := fs.ReadFile(folder, dir+"/.published")
	switch text := strings.TrimSpace(string(data)); {
	case err != nil:
		return longAgo
	case text == "now":
		return time.Now().UTC().Format(time.RFC3339)
	default:
		return text
	}
}

// pack makes the archive of a module.
func pack(folder fs.FS, dir string) ([]byte, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	err := fs.WalkDir(folder, dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || e.Name() == ".published" {
			return err
		}
		data, err := fs.ReadFile(folder, name)
		if err != nil {
			return err
		}
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write(data)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	err = z.Close()
	return b.Bytes(), err
}
