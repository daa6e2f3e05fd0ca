package depstest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
)

// NPMRegistry serves the packages of a folder as npm's registry does: their metadata, and their archives. The version that
// is tagged latest is the last of them that is no prerelease. What is in ".deprecated" is why one is deprecated.
func NPMRegistry(folder fs.FS) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, file, archive := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/-/")
		var data []byte
		var err error
		if archive {
			version := strings.TrimSuffix(strings.TrimPrefix(file, path.Base(name)+"-"), ".tgz")
			data, err = npmArchive(folder, name+"@"+version)
		} else {
			w.Header().Set("Content-Type", "application/json")
			data, err = npmDocument(folder, name, (&url.URL{Scheme: "http", Host: r.Host}).String())
		}
		if err != nil {
			http.Error(w, `{"error":"not found"}`, http.StatusNotFound)
			return
		}
		_, _ = w.Write(data)
	})
}

// npmDocument is all that a registry says of a package.
func npmDocument(folder fs.FS, name, address string) ([]byte, error) {
	list, err := Versions(folder, name)
	if err != nil || len(list) == 0 {
		return nil, fs.ErrNotExist
	}
	versions, times, latest := map[string]any{}, map[string]string{}, ""
	for _, v := range list {
		dir := name + "@" + v
		described := map[string]any{}
		text, err := fs.ReadFile(folder, dir+"/package.json")
		if err == nil {
			err = json.Unmarshal(text, &described)
		}
		if err != nil {
			return nil, err
		}
		archive, err := npmArchive(folder, dir)
		if err != nil {
			return nil, err
		}
		sum := sha512.Sum512(archive)
		maps.Copy(described, map[string]any{"name": name, "version": v, "dist": map[string]string{
			"tarball": address + "/" + name + "/-/" + path.Base(name) + "-" + v + ".tgz", "integrity": "sha512-" + base64.StdEncoding.EncodeToString(sum[:]),
		}})
		if why, err := fs.ReadFile(folder, dir+"/.deprecated"); err == nil {
			described["deprecated"] = strings.TrimSpace(string(why))
		}
		versions[v], times[v] = described, Published(folder, dir)
		if !strings.Contains(v, "-") {
			latest = v
		}
	}
	return json.Marshal(map[string]any{
		"name": name, "dist-tags": map[string]string{"latest": latest}, "versions": versions, "time": times,
		"repository": map[string]string{"type": "git", "url": "git+https://example.com/" + name + ".git"},
	})
}

// npmArchive packs the files of a version.
func npmArchive(folder fs.FS, dir string) ([]byte, error) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	t := tar.NewWriter(z)
	names, err := fs.Glob(folder, dir+"/*")
	if err != nil || len(names) == 0 {
		return nil, fs.ErrNotExist
	}
	slices.Sort(names)
	for _, name := range names {
		data, err := fs.ReadFile(folder, name)
		if err != nil {
			return nil, err
		}
		if err := t.WriteHeader(&tar.Header{Name: "package/" + path.Base(name), Mode: 0o644, Size: int64(len(data))}); err != nil {
			return nil, err
		}
		if _, err := t.Write(data); err != nil {
			return nil, err
		}
	}
	if err := t.Close(); err != nil {
		return nil, err
	}
	err = z.Close()
	return b.Bytes(), err
}
