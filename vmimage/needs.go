package vmimage

import (
	"context"
	"fmt"
)

// A Repository is asked which disks it refers to.
type Repository interface {
	// Heads lists the commits of all branches and all open pull requests. A list with a hole is an error.
	Heads(ctx context.Context) ([]string, error)
	// Files gives the files directly in Folder of a commit; none is no error.
	Files(ctx context.Context, commit string) ([]File, error)
}

// Needed adds the disks that a repository refers to. What is wrong with a file of some branch refers to nothing.
func Needed(ctx context.Context, r Repository, into map[Disk]bool) error {
	heads, err := r.Heads(ctx)
	if err != nil {
		return fmt.Errorf("ask for branches and pull requests: %w", err)
	}
	seen := map[string]bool{}
	for _, commit := range heads {
		if seen[commit] {
			continue
		}
		seen[commit] = true
		files, err := r.Files(ctx, commit)
		if err != nil {
			return fmt.Errorf("read %s of %.12s: %w", Folder, commit, err)
		}
		images, _ := Images(files)
		for _, i := range images {
			if i.Disk != (Disk{}) {
				into[i.Disk] = true
			}
		}
	}
	return nil
}
