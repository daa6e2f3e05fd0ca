package machine

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"regexp"
	"strings"
	"sync"
)

// MaxConsole is how much of a console is kept, from its beginning and its end each: a guest may write without end.
const MaxConsole = 1 << 20

// tailLines and tailBytes are what an error shows of a console.
const (
	tailLines = 20
	tailBytes = 4000
)

// A console collects what a machine says on its serial line.
type console struct {
	mu       sync.Mutex
	head     []byte
	tail     []byte        // what came after head, at most 2*MaxConsole, then cut to MaxConsole
	lost     int64         // bytes between head and tail
	panicked string        // the first line of a panic
	died     chan struct{} // closed by a panic
	ready    chan struct{} // closed when the guest says that it can be entered
	up       bool
	listener net.Listener
	done     chan struct{} // closed when nothing more will come
	mirror   io.Writer     // gets all of it as it comes
}

// listenConsole makes a socket to which the hypervisor connects the serial line.
func listenConsole(path string, mirror io.Writer) (*console, error) {
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	c := &console{listener: l, died: make(chan struct{}), ready: make(chan struct{}), done: make(chan struct{}), mirror: mirror}
	go c.collect()
	return c, nil
}

func (c *console) collect() {
	defer close(c.done)
	for { // a hypervisor that could not have its port has begun for nothing, and another one connects
		conn, err := c.listener.Accept()
		if err != nil {
			return
		}
		_, _ = io.Copy(c, conn) // it ends with the domain
		conn.Close()
	}
}

// close stops listening and waits for what is on its way.
func (c *console) close() error {
	if c.listener == nil {
		return nil
	}
	err := c.listener.Close()
	<-c.done
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// Write implements io.Writer.
func (c *console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	rest := p
	if room := MaxConsole - len(c.head); room > 0 {
		n := min(room, len(rest))
		c.head, rest = append(c.head, rest[:n]...), rest[n:]
	}
	c.tail = append(c.tail, rest...)
	if more := len(c.tail) - 2*MaxConsole; more > 0 {
		more += MaxConsole
		c.lost += int64(more)
		c.tail = append(c.tail[:0], c.tail[more:]...)
	}
	c.look(len(p))
	if c.mirror != nil {
		_, _ = c.mirror.Write(p)
	}
	return len(p), nil
}

// panicLine is how Linux says that it is at its end.
var panicLine = regexp.MustCompile(`Kernel panic - not syncing: ([^\r\n]*)[\r\n]`)

// look finds in the newest n bytes that the guest is ready, or at its end.
func (c *console) look(n int) {
	text := c.tail
	if len(text) == 0 {
		text = c.head
	}
	text = text[max(0, len(text)-n-300):]
	if !c.up && readyLine.Match(text) {
		c.up = true
		close(c.ready)
	}
	if c.panicked != "" {
		return
	}
	if m := panicLine.FindSubmatch(text); m != nil {
		c.panicked = "unknown"
		if reason := printable(string(m[1])); reason != "" {
			c.panicked = reason
		}
		close(c.died)
	}
}

// panicText is the reason of a panic, and whether there was one.
func (c *console) panicText() (string, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.died:
		return c.panicked, true
	default:
		return "", false
	}
}

// all is everything that was kept.
func (c *console) all() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lost == 0 {
		return bytes.Join([][]byte{c.head, c.tail}, nil)
	}
	return bytes.Join([][]byte{c.head, []byte("\n[… left out …]\n"), c.tail}, nil)
}

// lastLines are the last lines of a console, fit to be shown.
func lastLines(text []byte) string {
	text = text[max(0, len(text)-tailBytes):]
	lines := strings.Split(strings.TrimSpace(printable(string(text))), "\n")
	return strings.Join(lines[max(0, len(lines)-tailLines):], "\n")
}

// escapes are what terminals understand as orders.
var escapes = regexp.MustCompile("\x1b\\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|\x1b.")

// printable takes out what would move a cursor: what a guest says is foreign text.
func printable(text string) string {
	text = escapes.ReplaceAllString(strings.ToValidUTF8(text, "?"), "")
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || r >= ' ' && r != 0x7f && (r < 0x80 || r >= 0xa0) {
			return r
		}
		return -1
	}, text)
}

// readConsole reads the console file of a machine that outlives its starter.
func readConsole(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, 2*MaxConsole))
}
