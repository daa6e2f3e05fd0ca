package tasks

import "strings"

// MayChange tells whether the header lets a task change a file of the repository: "po/" in the key paths is everything
// below the folder, anything else a pattern of Match, or the name of a file or folder. Without the key it may change
// everything.
func (h *Header) MayChange(file string) bool {
	if len(h.Paths) == 0 {
		return true
	}
	for _, p := range h.Paths {
		if strings.HasPrefix(file, strings.TrimSuffix(p, "/")+"/") || !strings.HasSuffix(p, "/") && (p == file || Match(p, file)) {
			return true
		}
	}
	return false
}
