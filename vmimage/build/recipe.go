package build

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

//go:embed recipes
var ready embed.FS

// folder is where the ready-made recipes are in this program.
const folder = "recipes"

// bootstrapEnding is the ending of a ready-made recipe's file.
const bootstrapEnding = ".bootstrap"

// Recipes names the ready-made recipes, in order.
func Recipes() []string {
	var names []string
	list, err := fs.ReadDir(ready, folder)
	if err != nil {
		panic(err) // the folder is compiled in
	}
	for _, e := range list {
		if name, ok := strings.CutSuffix(e.Name(), bootstrapEnding); ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Ready is the text of a ready-made recipe. The error matches fs.ErrNotExist when there is none of that name.
func Ready(name string) ([]byte, error) {
	data, err := ready.ReadFile(folder + "/" + name + bootstrapEnding)
	if err != nil {
		return nil, fmt.Errorf("find recipe %q (there are %s): %w", name, strings.Join(Recipes(), ", "), err)
	}
	return data, nil
}

// Unpack writes the ready-made recipes, and what they share, into a new folder of dir, whose path it gives.
func Unpack(dir string) (string, error) {
	to := filepath.Join(dir, folder)
	if err := os.Mkdir(to, 0o755); err != nil {
		return "", fmt.Errorf("unpack recipes: %w", err)
	}
	list, err := fs.ReadDir(ready, folder)
	if err != nil {
		return "", fmt.Errorf("unpack recipes: %w", err)
	}
	for _, e := range list {
		data, err := ready.ReadFile(folder + "/" + e.Name())
		if err == nil {
			err = os.WriteFile(filepath.Join(to, e.Name()), data, 0o755)
		}
		if err != nil {
			return "", fmt.Errorf("unpack recipes: %w", err)
		}
	}
	return to, nil
}
