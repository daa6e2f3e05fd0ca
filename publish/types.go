package publish

import (
	"path"
	"strings"
)

// types are the extensions that objects keep, and what they are served as. No
// type in it can run a script or load anything in a browser, and no usual web
// server makes anything else of these extensions. The one page type is ours:
// artifacts never get it, see artifactName.
func types(ext string) (mime string, known bool) {
	switch ext {
	case ".html":
		return "text/html; charset=utf-8", true
	case ".json":
		return "application/json", true
	case ".png":
		return "image/png", true
	case ".jpg", ".jpeg":
		return "image/jpeg", true
	case ".gif":
		return "image/gif", true
	case ".webp":
		return "image/webp", true
	case ".txt", ".log", ".md", ".csv", ".tap", ".yml", ".yaml", ".toml", ".diff", ".patch", ".journal", ".out", ".err":
		return "text/plain; charset=utf-8", true
	case ".xml": // junit.xml; artifacts do not keep it
		return "application/xml", true
	case ".gz", ".tgz", ".xz", ".zst", ".bz2", ".tar", ".zip", ".rpm", ".deb", ".core", ".pcap", ".bin", ".webm", ".mp4":
		return octets, true
	}
	return octets, false
}

const octets = "application/octet-stream"

// TypeOf is the Content-Type that goes with an object's name.
func TypeOf(name string) string {
	mime, _ := types(strings.ToLower(path.Ext(name)))
	return mime
}
