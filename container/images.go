//go:build linux

package container

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cyborg-bots/cyborg/container/lock"
)

// An ImageError is an image that nobody has: the task's fault.
type ImageError struct{ Image, Reason string }

func (e *ImageError) Error() string { return "image " + e.Image + ": " + e.Reason }

// notThere are the words of engines and registries for an image that is not there, or not for us.
var notThere = regexp.MustCompile(`(?i)manifest unknown|not found: manifest|: not found|repository does not exist|pull access denied|access denied|` +
	`requested access to the resource is denied|invalid reference format|manifest for .* not found|unauthorized`)

// ensure has the image on this machine, pulling it if it is not there. What the engine says of that goes to w. A tag
// that is there is taken as it is; who wants to know which image a job gets names its digest.
func (e *Engine) ensure(ctx context.Context, v *variant, image string, w io.Writer) error {
	if image == trialName {
		return nil
	}
	if _, err := e.inspect(ctx, v, "image", image); err == nil {
		return e.used(ctx, v, image, false)
	}
	if w == nil {
		w = io.Discard
	}
	fmt.Fprintf(w, "cyborg: pulling %s\n", image)
	complaint := &tail{most: 4 << 10}
	cmd := e.command(ctx, v, "pull", image)
	cmd.Stdout, cmd.Stderr = w, io.MultiWriter(w, complaint)
	if err := cmd.Run(); err != nil {
		text := strings.Join(strings.Fields(string(complaint.Bytes())), " ")
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case notThere.MatchString(text):
			return &ImageError{Image: image, Reason: text}
		}
		return &commandError{what: e.name() + " pull " + image, text: text, err: err}
	}
	return e.used(ctx, v, image, true)
}

// A pulled is an image that bots of this machine have pulled.
type pulled struct {
	Used time.Time
	Size int64
}

// pulledFile is where those are written down, beside the scratch directories.
const pulledFile = "images.json"

// used notes that an image is in use, and removes others that were pulled when all together are too large. Images that
// people brought here are not touched.
func (e *Engine) used(ctx context.Context, v *variant, image string, fresh bool) error {
	if err := os.MkdirAll(e.o.Dir, 0o700); err != nil {
		return err
	}
	file := filepath.Join(e.o.Dir, pulledFile)
	held, err := lock.Take(ctx, filepath.Join(e.o.Dir, gateName+"-images"), lock.Alone, nil)
	if err != nil {
		return err
	}
	defer held.Close()
	list := map[string]pulled{}
	data, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(data, &list)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		e.o.Log.Warn("cannot read which images were pulled", "error", err)
		list = map[string]pulled{}
	}
	key := e.name() + " " + image
	if _, ours := list[key]; ours || fresh {
		list[key] = pulled{Used: time.Now(), Size: e.size(ctx, v, image)}
	} else {
		return nil
	}
	e.prune(ctx, v, list, key)
	if data, err = json.Marshal(list); err != nil {
		return err
	}
	if err := os.WriteFile(file+".new", data, 0o600); err != nil {
		return fmt.Errorf("note the image: %w", err)
	}
	return os.Rename(file+".new", file)
}

// size asks how large an image is.
func (e *Engine) size(ctx context.Context, v *variant, image string) int64 {
	out, err := e.do(ctx, v, "image", "inspect", "--format", "{{.Size}}", image)
	if err != nil {
		return 0
	}
	n, err := strconv.ParseInt(out, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// prune removes images, the longest unused first, until the rest fits the budget. One that a container uses stays.
func (e *Engine) prune(ctx context.Context, v *variant, list map[string]pulled, keep string) {
	if e.o.Budget <= 0 {
		return
	}
	var sum int64
	var keys []string
	for key, p := range list {
		if strings.HasPrefix(key, e.name()+" ") {
			sum += p.Size
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(a, b string) int { return list[a].Used.Compare(list[b].Used) })
	for _, key := range keys {
		if sum <= e.o.Budget {
			return
		}
		image := strings.TrimPrefix(key, e.name()+" ")
		if key == keep {
			continue
		}
		if _, err := e.do(ctx, v, "image", "rm", image); err != nil {
			if _, err := e.inspect(ctx, v, "image", image); err == nil {
				e.o.Log.Debug("an image stays", "image", image, "error", err)
				continue
			}
		}
		e.o.Log.Info("removed an image that was not used for long", "image", image, "size", sizeText(list[key].Size))
		sum -= list[key].Size
		delete(list, key)
	}
}
