package selftest

import (
	"context"
	"fmt"
)

// Images asks whether disks can be put into the store of disks, and removed from it: try does that with something small.
// The answer matters only to a bot that was given such a store.
func Images(where string, try func(context.Context) error) Probe {
	return Probe{
		Name: "images", Doc: "Can disks be put into their store?",
		Hint: "image-refresh and image-prune are left to other bots; cyborg publish init --logs s3://BUCKET/FOLDER says what is wrong with a bucket",
		Check: func(ctx context.Context) (Finding, error) {
			if err := try(ctx); err != nil {
				return Finding{Text: fmt.Sprintf("disks cannot be put into %s: %v", where, err)}, nil
			}
			return Finding{OK: true, Text: "disks can be put into " + where, Capabilities: []string{"images"}}, nil
		},
	}
}
