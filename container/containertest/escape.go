package containertest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cyborg-bots/cyborg/container"
)

// A hostile job tries to get out, to stay, or to break the bot. What it gets done that it must not, it says with a line
// that begins with OUT. Words in capitals are replaced: see stage.fill.
type hostile struct {
	name   string
	script string // of the shell
	perl   string // or of perl
	edit   func(*container.Spec)
	ends   func(container.Result) bool // nil: by itself, with whatever code
}

// A stage is what is on the machine for hostile jobs to find.
type stage struct {
	root     string // of all this, readable and writable for everybody
	canary   string // a file that stays as it is
	victim   *exec.Cmd
	word     string // in the victim's command line
	loopback net.Listener
	outside  net.Listener // on all addresses of the machine
	abstract net.Listener
	reached  atomic.Int32 // connections to any of them
}

const canaryText = "SENTINEL: nobody has changed this\n"

// Escape runs hostile jobs in a sandbox: none gets out, each ends with a result of its own, nothing of it is left, and
// the next job finds everything in order.
func Escape(t *testing.T, p Place) {
	s := newStage(t)
	t.Run("jobs", func(t *testing.T) { // which ends when all of them have
		for _, h := range hostiles() {
			t.Run(h.name, func(t *testing.T) {
				t.Parallel()
				s.play(t, p, h)
			})
		}
	})
	s.check(t, p)
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{root: t.TempDir(), word: unique("victim")}
	s.canary = filepath.Join(s.root, "canary")
	for _, err := range []error{os.Chmod(s.root, 0o777), os.WriteFile(s.canary, []byte(canaryText), 0o666), os.Chmod(s.canary, 0o666)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	s.victim = exec.CommandContext(t.Context(), "sh", "-c", "while :; do sleep 1000; done", s.word)
	s.victim.Env = []string{"PATH=" + os.Getenv("PATH"), sentinelVariable + "=" + sentinel}
	s.victim.WaitDelay = time.Second
	if err := s.victim.Start(); err != nil {
		t.Fatal(err)
	}
	s.loopback = s.listen(t, "tcp", "127.0.0.1:0")
	s.outside = s.listen(t, "tcp", ":0")
	s.abstract = s.listen(t, "unix", "@"+s.word)
	return s
}

func (s *stage) listen(t *testing.T, network, address string) net.Listener {
	t.Helper()
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), network, address)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.reached.Add(1)
			c.Close()
		}
	}()
	t.Cleanup(func() { l.Close() })
	return l
}

// fill puts what is on the stage into a job's text.
func (s *stage) fill(text string) string {
	port := func(l net.Listener) string { return fmt.Sprint(l.Addr().(*net.TCPAddr).Port) }
	addresses := []string{"127.0.0.1"}
	if list, err := net.InterfaceAddrs(); err == nil {
		for _, a := range list {
			if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil {
				addresses = append(addresses, n.IP.String())
			}
		}
	}
	pairs := append([]string{
		"CANARY", s.canary, "STAGE", s.root, "VICTIM", fmt.Sprint(s.victim.Process.Pid), "BOT", fmt.Sprint(os.Getpid()),
		"LOOPPORT", port(s.loopback), "OUTPORT", port(s.outside), "ABSTRACT", s.word, "ADDRESSES", strings.Join(addresses, " "),
	}, systemCalls()...)
	return strings.NewReplacer(pairs...).Replace(text)
}

// play runs one hostile job.
func (s *stage) play(t *testing.T, p Place, h hostile) {
	b := newBench(t, p, s.fill(h.script))
	if h.perl != "" {
		b.spec.Argv = []string{"perl", "-e", s.fill(h.perl)}
	}
	if p.Online != nil {
		b.spec.Network = nil // the more is there to misuse
		b.runner = p.Online(b.scratch(), newInternet(t).options())
	}
	out := &bounded{most: 1 << 20}
	b.spec.Output = out
	if h.edit != nil {
		h.edit(&b.spec)
	}
	result, err := b.run(t.Context(), t)
	if err != nil {
		t.Fatalf("no result but trouble: %v; output:\n%s", err, out.Bytes())
	}
	for line := range strings.Lines(string(out.Bytes())) {
		if strings.HasPrefix(line, "OUT") {
			t.Errorf("it got out: %s", line)
		}
	}
	if strings.Contains(string(out.Bytes()), "SENTINEL") {
		t.Errorf("it read what it must not:\n%s", out.Bytes())
	}
	switch {
	case h.ends == nil && (result.TimedOut || result.Refused != "" || result.Excess != ""):
		t.Errorf("it should have ended by itself: %v; output:\n%s", result, out.Bytes())
	case h.ends != nil && !h.ends(result):
		t.Errorf("result %+v; output:\n%.2000s", result, out.Bytes())
	}
	t.Logf("%v", result)
}

// check looks whether the stage is as it was, and runs a job that means no harm.
func (s *stage) check(t *testing.T, p Place) {
	if data, err := os.ReadFile(s.canary); err != nil || string(data) != canaryText {
		t.Errorf("the canary: %q, %v", data, err)
	}
	entries, err := os.ReadDir(s.root)
	if err != nil || len(entries) != 1 {
		t.Errorf("beside the canary: %v, %v", entries, err)
	}
	if len(Using(s.word)) == 0 {
		t.Error("the victim is dead")
	}
	if n := s.reached.Load(); n != 0 {
		t.Errorf("%d connections to the machine", n)
	}
	if left := Using("hostile-daemon"); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
	b := newBench(t, p, "echo fine")
	if result, err := b.runner.Run(t.Context(), b.spec); err != nil || !result.OK() || b.output.String() != "fine\n" {
		t.Errorf("a good job afterwards: %+v, %v, output %q", result, err, b.output)
	}
}

// bounded keeps the beginning of what is written, and takes the rest.
type bounded struct {
	Output
	most int
	n    int64
}

// Write implements io.Writer.
func (b *bounded) Write(p []byte) (int, error) {
	b.n += int64(len(p))
	if room := b.most - b.data.Len(); room > 0 {
		if _, err := b.Output.Write(p[:min(len(p), room)]); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// Bytes is what was kept.
func (b *bounded) Bytes() []byte { return []byte(b.String()) }
