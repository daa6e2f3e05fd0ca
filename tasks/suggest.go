package tasks

import (
	"fmt"
	"strings"
)

// suggest finds the one of the known words that was most likely meant: the nearest by edit distance, if it is near
// enough to be a slip of the finger. It returns "" when nothing is near.
func suggest(word string, known []string) string {
	word = strings.ToLower(word)
	if len(word) > 64 {
		return ""
	}
	best, distance := "", max(1, len(word)/3)+1
	for _, k := range known {
		if d := editDistance(word, strings.ToLower(k)); d < distance {
			best, distance = k, d
		}
	}
	return best
}

// didYouMean is the hint for an unknown word: the nearest known one, or else all of them.
func didYouMean(word string, known []string) string {
	if s := suggest(word, known); s != "" {
		return fmt.Sprintf("did you mean %q?", s)
	}
	return "known are: " + strings.Join(known, ", ")
}

// editDistance counts the insertions, deletions, replacements and swaps of neighbours that make b of a (the
// restricted Damerau distance: people swap letters as often as they lose them).
func editDistance(a, b string) int {
	var before []int
	last := make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j+1]+1, row[j]+1, last[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}

// Suggest finds the one of the known words that was most likely meant by a mistyped one; "" when nothing is near.
func Suggest(word string, known []string) string { return suggest(word, known) }
