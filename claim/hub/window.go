package hub

// A window is a page of a list: number and size. Its first entry is the (page-1)*size-th.
type window struct{ page, size int }

const fullPage = 100

// firstWindow is the newest page.
//
//nolint:gochecknoglobals // never changed
var firstWindow = window{page: 1, size: fullPage}

func (w window) start() int { return (w.page - 1) * w.size }
func (w window) end() int   { return w.page * w.size }

// nextWindow gives the page that begins within the first covered entries and reaches farthest beyond them. Pages of one size would only
// touch: between two that come from differently old replicas, entries can be missing, and nobody would see it. A page that overlaps the
// last one must show an entry of it again. The sequence of windows is always the same, so that their answers can be kept.
func nextWindow(covered int) window {
	best := window{}
	for size := fullPage; size > fullPage/2; size-- {
		w := window{page: (covered-1)/size + 1, size: size}
		if w.end() > covered && w.end() > best.end() {
			best = w
		}
	}
	return best
}
