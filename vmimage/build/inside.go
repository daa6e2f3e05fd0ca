package build

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/cyborg-bots/cyborg/vmimage"
)

// What is done in a guest beside the recipe's own setup.
var (
	//go:embed inside/forget.sh
	forget []byte // what was of one machine only
	//go:embed inside/packages.sh
	packages []byte // lists what is in it
)

// inspect starts the disk once more, as jobs will, and asks what is in it.
func (b *builder) inspect(ctx context.Context, result *Result) error {
	b.say("boot it")
	began := time.Now()
	guest, err := b.start(ctx, result.File, false)
	if err != nil {
		return err
	}
	defer guest.Close()
	result.Boot = time.Since(began)
	var list bytes.Buffer
	code, err := guest.Run(ctx, packages, nil, &list)
	if err != nil {
		return fmt.Errorf("build %s: list packages: %w", b.r.Name, err)
	}
	if code != 0 {
		return &FailedError{"boot", fmt.Errorf("it comes up and cannot list its packages: exit code %d: %.200s", code, list.String())}
	}
	if result.Packages, err = vmimage.ParsePackages(list.Bytes()); err != nil {
		return &FailedError{"boot", err}
	}
	b.say("%d packages, answers after %v", len(result.Packages), result.Boot.Round(100*time.Millisecond))
	return guest.Close()
}
