package store

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

// A Bar shows progress to people: on a terminal one line that changes, elsewhere a line now and then.
type Bar struct {
	out      io.Writer
	terminal bool
	last     Progress
	shown    time.Time
	began    time.Time // of the phase
	from     int64     // bytes that were there when it began
	open     bool      // a line of the terminal is unfinished
}

// Every how often a line is printed where lines stay.
const barPause = 10 * time.Second

// NewBar shows to out.
func NewBar(out io.Writer, terminal bool) *Bar { return &Bar{out: out, terminal: terminal} }

// Show takes the next progress; it is made to be handed to Get and Upload.
func (b *Bar) Show(p Progress) {
	now := time.Now()
	first := p.Phase != b.last.Phase || p.Disk != b.last.Disk
	if first {
		b.Close()
		b.began, b.from = now, p.Done
	}
	ended := p.Total > 0 && p.Done >= p.Total && b.last.Done != p.Done
	b.last = p
	switch {
	case b.terminal:
		fmt.Fprintf(b.out, "\r%s\x1b[K", b.line(now))
		b.open = true
	case first || ended || now.Sub(b.shown) >= barPause:
		fmt.Fprintln(b.out, b.line(now))
		b.shown = now
	}
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
		return fmt.Sprintf("%s %s", p.Phase, p.Disk)
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%s %s %3d %%", p.Phase, p.Disk, p.Done*100/p.Total)
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
