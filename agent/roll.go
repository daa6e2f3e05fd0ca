package agent

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/claim/hub"
	"github.com/cyborg-bots/cyborg/publish"
	"github.com/cyborg-bots/cyborg/tasks"
)

// A Roll is where the bots of a fleet write down what each can do, so that all of them can say what a job lacks that
// nobody can take. It is an object of each bot in the log store, bots/NAME.json, which people may read as well. Nothing
// is decided by it: a bot takes what it can do itself.
//
// Beside it lies an empty object bots/of/FLOCK/NAME, by which bots of the same repositories know each other before they
// have claimed anything: one listing tells a fleet that has just been started who is there, and they share out the jobs as
// bots do that know each other by their claims. A name that is missing, or of a bot that is gone, costs a claim in vain or a
// pause, and no more.
type Roll struct{ Store publish.Store }

// The life of a bot's line in the roll.
const (
	rollEvery  = time.Hour          // how often a bot writes its own anew
	rollFor    = 3 * time.Hour      // how long it counts
	rollForget = 7 * 24 * time.Hour // after which any bot removes it
	rollFolder = "bots/"
	rollFlocks = rollFolder + "of/"
	flockFor   = rollEvery + LongestPoll + 5*time.Minute // how long a bot counts in its flock; it writes late when it looks seldom
	maxRoll    = 64 << 10                                // bytes of one line
	maxBots    = 500                                     // that are read
)

// A Peer is a bot as it describes itself.
type Peer struct {
	Name         string    `json:"name"`
	Version      string    `json:"version"`
	Capabilities []string  `json:"capabilities"`
	At           time.Time `json:"at"` // GitHub's clock
	Flock        string    `json:"-"`  // see flockOf; empty: none
}

// flockOf is the same for bots of the same repositories. It is too short to tell anybody which ones they are, as the store
// may be public and they need not be; strangers that happen to have the same cost each other a pause.
func flockOf(repos []hub.Repo) string {
	names := make([]string, len(repos))
	for i, r := range repos {
		names[i] = strings.ToLower(r.String())
	}
	slices.Sort(names)
	sum := sha256.Sum256([]byte(strings.Join(names, "\n")))
	return hex.EncodeToString(sum[:2])
}

// Enter writes a bot's own line, and before it the name that its flock looks for.
func (r Roll) Enter(ctx context.Context, p Peer) error {
	var errs []error
	if p.Flock != "" {
		errs = append(errs, r.Store.Put(ctx, rollFlocks+p.Flock+"/"+p.Name, bytes.NewReader(nil), publish.Meta{Cache: publish.CacheNever}))
	}
	data, err := json.Marshal(p)
	if err == nil {
		err = r.Store.Put(ctx, rollFolder+p.Name+".json", bytes.NewReader(data), publish.Meta{Cache: publish.CacheNever})
	}
	if err := errors.Join(append(errs, err)...); err != nil {
		return fmt.Errorf("enter the roll of bots: %w", err)
	}
	return nil
}

// Leave removes what Enter wrote.
func (r Roll) Leave(ctx context.Context, p Peer) error {
	var errs []error
	if p.Flock != "" {
		errs = append(errs, r.Store.Delete(ctx, rollFlocks+p.Flock+"/"+p.Name))
	}
	if err := errors.Join(append(errs, r.Store.Delete(ctx, rollFolder+p.Name+".json"))...); err != nil {
		return fmt.Errorf("leave the roll of bots: %w", err)
	}
	return nil
}

// Flock lists the names of the bots of a flock that were there lately, by the store's clock, and removes those that nobody
// will miss.
func (r Roll) Flock(ctx context.Context, flock string, now time.Time) ([]string, error) {
	var names []string
	prefix := rollFlocks + flock + "/"
	for entry, err := range r.Store.List(ctx, prefix) {
		if err != nil {
			return names, fmt.Errorf("read the roll of bots: %w", err)
		}
		name := strings.TrimPrefix(entry.Name, prefix)
		switch ago := now.Sub(entry.Modified); {
		case strings.Contains(name, "/") || len(name) > claim.MaxName || len(names) == maxBots:
		case ago < flockFor:
			names = append(names, name)
		case !entry.Modified.IsZero() && ago > rollForget:
			_ = r.Store.Delete(ctx, entry.Name) // another bot, or the next look, will
		}
	}
	return names, nil
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
