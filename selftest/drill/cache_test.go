//go:build drill && !vm

package drill

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// cacheWord is the first argument with which this program is go's build cache in a sandbox, see cacheProgram.
const cacheWord = "go-cache"

// A cacheRequest is what go asks a program that keeps its build cache, see cmd/go/internal/cacheprog.
type cacheRequest struct {
	ID       int64
	Command  string
	ActionID []byte
	OutputID []byte
	BodySize int64
}

// A cacheResponse is the answer.
type cacheResponse struct {
	ID            int64
	Err           string     `json:",omitempty"`
	KnownCommands []string   `json:",omitempty"`
	Miss          bool       `json:",omitempty"`
	OutputID      []byte     `json:",omitempty"`
	Size          int64      `json:",omitempty"`
	Time          *time.Time `json:",omitempty"`
	DiskPath      string     `json:",omitempty"`
}

// cacheProgram lets go use a build cache that it may not write to: what is new goes elsewhere. A build in a sandbox then
// takes no longer than one outside.
func cacheProgram(from, to string, in io.Reader, out io.Writer) error {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	asked, answers := json.NewDecoder(bufio.NewReader(in)), json.NewEncoder(out)
	if err := answers.Encode(cacheResponse{KnownCommands: []string{"get", "put", "close"}}); err != nil {
		return err
	}
	for {
		var q cacheRequest
		if err := asked.Decode(&q); err != nil {
			return err
		}
		a := cacheResponse{ID: q.ID}
		switch q.Command {
		case "get":
			a = had(q, to, from)
		case "put":
			var body []byte
			if q.BodySize > 0 {
				if err := asked.Decode(&body); err != nil {
					return err
				}
			}
			var err error
			if a.DiskPath, err = kept(q, to, body); err != nil {
				a.Err = err.Error()
			}
		}
		if err := answers.Encode(a); err != nil || q.Command == "close" {
			return err
		}
	}
}

// cacheFile is where go keeps the part of a thing in a cache: "a" is what was done, "d" what came of it.
func cacheFile(dir string, id []byte, part string) string {
	name := hex.EncodeToString(id)
	return filepath.Join(dir, name[:2], name+"-"+part)
}

// had looks for what was done in the caches.
func had(q cacheRequest, dirs ...string) cacheResponse {
	for _, dir := range dirs {
		data, err := os.ReadFile(cacheFile(dir, q.ActionID, "a"))
		words := strings.Fields(string(data)) // v1 ACTION OUTPUT SIZE TIME
		if err != nil || len(words) != 5 {
			continue
		}
		id, err := hex.DecodeString(words[2])
		if err != nil || len(id) != len(q.ActionID) {
			continue
		}
		path := cacheFile(dir, id, "d")
		if info, err := os.Stat(path); err == nil && fmt.Sprint(info.Size()) == words[3] {
			return cacheResponse{ID: q.ID, OutputID: id, Size: info.Size(), Time: new(info.ModTime()), DiskPath: path}
		}
	}
	return cacheResponse{ID: q.ID, Miss: true}
}

// kept writes what came of something to a cache.
func kept(q cacheRequest, dir string, body []byte) (string, error) {
	path, action := cacheFile(dir, q.OutputID, "d"), cacheFile(dir, q.ActionID, "a")
	for _, file := range []string{path, action} {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return "", err
		}
	}
	if err := os.WriteFile(path, body, 0o644); err != nil {
		return "", err
	}
	line := fmt.Sprintf("v1 %x %x %20d %20d\n", q.ActionID, q.OutputID, len(body), time.Now().UnixNano())
	return path, os.WriteFile(action, []byte(line), 0o644)
}
