package publish

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Bytes is a number of bytes for people: 512 bytes, 1.5 MB, 270 MB.
func Bytes(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d bytes", n)
	}
	value, unit := float64(n), ""
	for _, unit = range []string{"kB", "MB", "GB", "TB", "PB", "EB"} {
		if value /= 1000; value < 999.5 {
			break
		}
	}
	if value < 9.95 {
		return fmt.Sprintf("%.1f %s", value, unit)
	}
	return fmt.Sprintf("%.0f %s", value, unit)
}

// A Step is how far something is that people wait for: a phase of it, named in What ("fetching debian-13").
type Step struct {
	What        string
	Done, Total int64 // bytes; Total is 0 when not known
}

// A Bar shows steps to people: on a terminal one line that changes, elsewhere a line now and then. It is for one
// goroutine at a time.
type Bar struct {
	out      io.Writer
	terminal bool
	last     Step
	shown    time.Time
	began    time.Time // of what is shown
	from     int64     // bytes that were there when it began
	open     bool      // a line of the terminal is unfinished
}

// pause is how long a line stands at least: long, where lines stay.
func (b *Bar) pause() time.Duration {
	if b.terminal {
		return 100 * time.Millisecond
	}
	return 10 * time.Second
}

// NewBar shows to out.
func NewBar(out io.Writer, terminal bool) *Bar { return &Bar{out: out, terminal: terminal} }

// Show takes the next step.
func (b *Bar) Show(p Step) {
	if p == b.last {
		return
	}
	now := time.Now()
	first := p.What != b.last.What
	if first {
		b.Close()
		b.began, b.from = now, p.Done
	}
	ended := p.Total > 0 && p.Done >= p.Total && b.last.Done != p.Done
	b.last = p
	switch {
	case !first && !ended && now.Sub(b.shown) < b.pause():
		return
	case b.terminal:
		fmt.Fprintf(b.out, "\r%s\x1b[K", b.line(now))
		if b.open = true; ended {
			b.Close() // whatever is printed next
		}
	default:
		fmt.Fprintln(b.out, b.line(now))
	}
	b.shown = now
}

// Close ends an unfinished line.
func (b *Bar) Close() {
	if b.open {
		fmt.Fprintln(b.out)
	}
	b.open = false
}

// barWidth is how many signs the bar itself has.
const barWidth = 24

func (b *Bar) line(now time.Time) string {
	p := b.last
	if p.Total <= 0 {
		return p.What
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%s %3d %%", p.What, p.Done*100/p.Total)
	if b.terminal {
		full := int(p.Done * barWidth / p.Total)
		fmt.Fprintf(&text, " [%s%s]", strings.Repeat("=", full), strings.Repeat(" ", barWidth-full))
	}
	fmt.Fprintf(&text, " %s of %s", Bytes(p.Done), Bytes(p.Total))
	if took := now.Sub(b.began); took > 200*time.Millisecond && p.Done > b.from {
		rate := float64(p.Done-b.from) / took.Seconds()
		fmt.Fprintf(&text, ", %s/s", Bytes(int64(rate)))
		if p.Done < p.Total {
			left := time.Duration(float64(p.Total-p.Done) / rate * float64(time.Second))
			fmt.Fprintf(&text, ", %v left", left.Round(time.Second))
		}
	}
	return text.String()
}
