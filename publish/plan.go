package publish

import "fmt"

// A Chunk is a stored part of a log that still grows.
type Chunk struct {
	From int64 `json:"from"` // first byte, counted in all that the job printed
	To   int64 `json:"to"`   // behind the last byte
	Line int   `json:"line"` // line breaks before it
}

// Name is the object's name below the attempt's prefix.
func (c Chunk) Name() string { return fmt.Sprintf("log.%d-%d.txt", c.From, c.To) }

func (c Chunk) size() int64 { return c.To - c.From }

// growth is how many times its own size has to follow a chunk before it is
// sent again together with what follows.
//
// Each time a byte is sent again its chunk grows at least (growth+1)-fold, so n
// bytes cost O(n log n); and what follows a chunk is less than growth times its
// size, so there are O(log n) chunks. A bigger number sends less and leaves
// more chunks. With ten, equal flushes cost at most 1 + log2(flushes)/2 times
// the log, the finished log.txt included, and 4,096 of them leave at most 32
// objects; with the one of the game 2048 it would cost up to one log more.
const growth = 10

// extend adds the next part of the log to the chunks in the store, and lets it
// swallow those before it that are too short for themselves. The last of the
// result is to be sent. No chunk gets longer than most, and chunks that cannot
// be read again are left alone.
func extend(chunks []Chunk, next Chunk, most int64, readable func(Chunk) bool) []Chunk {
	first := len(chunks) // from here on all becomes one
	follows := next.size()
	for i := len(chunks) - 1; i >= 0; i-- {
		c := chunks[i]
		joins := i+1 == len(chunks) && c.To == next.From || i+1 < len(chunks) && c.To == chunks[i+1].From
		if !joins || !readable(c) || c.size()+follows > most {
			break
		}
		if follows >= growth*c.size() {
			first = i
		}
		follows += c.size()
	}
	if first < len(chunks) {
		next.From, next.Line = chunks[first].From, chunks[first].Line
	}
	return append(chunks[:first:first], next)
}
