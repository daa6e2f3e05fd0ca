package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/cyborg-bots/cyborg/publish"
	"github.com/cyborg-bots/cyborg/tasks"
)

// A Roll is where the bots of a fleet write down what each can do, so that all of them can say what a job lacks that
// nobody can take. It is an object of each bot in the log store, bots/NAME.json, which people may read as well. Nothing
// is decided by it: a bot takes what it can do itself.
type Roll struct{ Store publish.Store }

// The life of a bot's line in the roll.
const (
	rollEvery  = time.Hour          // how often a bot writes its own anew
	rollFor    = 3 * time.Hour      // how long it counts
	rollForget = 7 * 24 * time.Hour // after which any bot removes it
	rollFolder = "bots/"
	maxRoll    = 64 << 10 // bytes of one line
	maxBots    = 500      // that are read
)

// A Peer is a bot as it describes itself.
type Peer struct {
	Name         string    `json:"name"`
	Version      string    `json:"version"`
	Capabilities []string  `json:"capabilities"`
	At           time.Time `json:"at"` // GitHub's clock
}

// Enter writes a bot's own line.
func (r Roll) Enter(ctx context.Context, p Peer) error {
	data, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("enter the roll of bots: %w", err)
	}
	if err := r.Store.Put(ctx, rollFolder+p.Name+".json", bytes.NewReader(data), publish.Meta{Cache: "no-cache"}); err != nil {
		return fmt.Errorf("enter the roll of bots: %w", err)
	}
	return nil
}

// Leave removes a bot's own line.
func (r Roll) Leave(ctx context.Context, name string) error {
	if err := r.Store.Delete(ctx, rollFolder+name+".json"); err != nil {
		return fmt.Errorf("leave the roll of bots: %w", err)
	}
	return nil
}

// Read gives what each bot that was there lately can do, and removes lines that nobody will miss. A line that cannot be
// read costs only itself.
func (r Roll) Read(ctx context.Context, now time.Time) ([]tasks.Capabilities, error) {
	var all []tasks.Capabilities
	for entry, err := range r.Store.List(ctx, rollFolder) {
		if err != nil {
			return all, fmt.Errorf("read the roll of bots: %w", err)
		}
		name, ok := strings.CutSuffix(path.Base(entry.Name), ".json")
		if !ok || rollFolder+name+".json" != entry.Name || len(all) == maxBots {
			continue
		}
		p, err := r.line(ctx, entry.Name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err == nil && p.Name == name && now.Sub(p.At) < rollFor:
			all = append(all, known(p.Capabilities))
		case !entry.Modified.IsZero() && now.Sub(entry.Modified) > rollForget:
			_ = r.Store.Delete(ctx, entry.Name) // another bot, or the next look, will
		}
	}
	return all, nil
}

// known are the capabilities that this bot has words for; a newer one may have more.
func known(words []string) tasks.Capabilities {
	var list tasks.Capabilities
	for _, w := range words {
		if c, err := tasks.ParseCapability(w); err == nil {
			list = append(list, c)
		}
	}
	return list
}

func (r Roll) line(ctx context.Context, name string) (Peer, error) {
	body, err := r.Store.Get(ctx, name)
	if err != nil {
		return Peer{}, err
	}
	defer body.Close()
	data, err := io.ReadAll(io.LimitReader(body, maxRoll))
	if err != nil {
		return Peer{}, err
	}
	var p Peer
	return p, json.Unmarshal(data, &p)
}

// lacking is what a task needs that a bot does not have, with how many bots of the fleet have it.
func lacking(needs, has tasks.Capabilities, fleet []tasks.Capabilities) []string {
	var list []string
	for _, need := range needs {
		one := tasks.Capabilities{need}
		missing := one.Missing(has)
		if len(missing) > 0 && len(fleet) > 1 {
			able := 0
			for _, peer := range fleet {
				if len(one.Missing(peer)) == 0 {
					able++
				}
			}
			missing = []string{fmt.Sprintf("needs %s: %d of %d bots", need, able, len(fleet))}
		}
		list = append(list, missing...)
	}
	return list
}
