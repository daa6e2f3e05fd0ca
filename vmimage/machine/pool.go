package machine

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// The defaults of a Spec.
const (
	DefaultMemory = 512 << 20
	DefaultBoot   = 5 * time.Minute
	DefaultLife   = 25 * time.Hour // more than the longest task
)

// A Spec says which machine is wanted.
type Spec struct {
	Image   Image
	CPUs    int           // 0 is 1
	Memory  int64         // bytes; 0 is DefaultMemory
	Disk    int64         // the disk's size in bytes; less than the image's counts as that
	Open    bool          // the guest reaches what the host reaches; else nothing at all
	Private *Switch       // a second interface, to other machines of the job
	Cable   *Cable        // one more interface, to this program; not with Keep
	Boot    time.Duration // how long it may take until it answers; 0 is DefaultBoot
	Life    time.Duration // after which any bot may take it for forgotten, see Sweep; 0 is DefaultLife
	Cold    bool          // it boots, though there is a saved state
	Keep    bool          // it outlives the program that starts it, until its Life is over or somebody stops it
	Console Output        // gets what the machine says while it comes up and runs; nil: nobody
}

// An Output is an io.Writer; it must not block for long.
type Output interface{ Write(p []byte) (int, error) }

// PoolOptions are the settings of a Pool. Dir and Driver are needed.
type PoolOptions struct {
	Dir    string // of all machines of this host's bots; short, as sockets are in it
	Driver Driver
	KVM    bool         // machines run on KVM, else they are emulated
	Log    *slog.Logger // the bot's own log; nil discards

	States     string        // folder of saved states, on the filesystem of Dir; empty: every machine boots
	MostStates int64         // bytes of them; 0 is DefaultStates
	SaveAfter  time.Duration // machines are saved whose boot took so long; 0 is 3 s
}

// A Pool is all machines of this host. It is safe for concurrent use.
type Pool struct{ o PoolOptions }

// NewPool makes one. Nothing is touched yet.
func NewPool(o PoolOptions) (*Pool, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil || o.Dir == "" || o.Driver == nil {
		return nil, fmt.Errorf("make pool of machines: a folder and a driver are needed: %w", err)
	}
	o.Dir = dir
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Pool{o}, nil
}

// Start starts a machine and waits until it answers. On any error nothing of it is left; a *BootError is the image's
// fault, everything else is ours.
func (p *Pool) Start(ctx context.Context, s Spec) (*Machine, error) {
	begin := time.Now()
	m, err := p.start(ctx, s)
	if err != nil {
		return nil, err
	}
	if s.Keep {
		if err := m.keep(); err != nil {
			return nil, errors.Join(fmt.Errorf("keep machine %s: %w", s.Image.Name, err), m.Close())
		}
	}
	p.o.Log.Debug("machine started", "machine", m.name, "image", s.Image.Name, "took", time.Since(begin), "warm", m.warm)
	return m, nil
}

// start starts a machine in the way that is quickest.
func (p *Pool) start(ctx context.Context, s Spec) (*Machine, error) {
	if w := p.warmth(ctx, s); w != nil {
		return w.start(ctx, p, s)
	}
	return p.boot(ctx, s)
}

// boot starts a machine from its disk.
func (p *Pool) boot(ctx context.Context, s Spec) (*Machine, error) {
	m, err := p.prepare(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("start machine %s: %w", s.Image.Name, err)
	}
	fail := func(err error) (*Machine, error) {
		return nil, errors.Join(err, m.Close())
	}
	if err := m.overlay(ctx, s); err != nil {
		return fail(fmt.Errorf("start machine %s: %w", s.Image.Name, err))
	}
	if err := m.launch(ctx, s, ""); err != nil {
		return fail(fmt.Errorf("start machine %s: %w", s.Image.Name, err))
	}
	if err := m.wait(ctx, orDefault(s.Boot, DefaultBoot)); err != nil {
		return fail(err)
	}
	return m, nil
}

func orDefault[T int | int64 | time.Duration](value, otherwise T) T {
	if value <= 0 {
		return otherwise
	}
	return value
}

// prefix begins the name of every machine.
const prefix = "cyborg-"

// newName makes a name that tells when its machine may be taken for forgotten.
func newName(expiry time.Time) string {
	return prefix + strconv.FormatInt(expiry.Unix(), 10) + "-" + strings.ToLower(rand.Text()[:8])
}

// expiryOf reads a name of newName.
func expiryOf(name string) (time.Time, bool) {
	rest, ok := strings.CutPrefix(name, prefix)
	seconds, tail, dashed := strings.Cut(rest, "-")
	n, err := strconv.ParseInt(seconds, 10, 64)
	if !ok || !dashed || err != nil || n <= 0 || tail == "" || strings.ContainsAny(tail, "/.") {
		return time.Time{}, false
	}
	return time.Unix(n, 0), true
}

// prepare makes the machine's directory, lock, key and console.
func (p *Pool) prepare(ctx context.Context, s Spec) (*Machine, error) {
	if s.Keep && s.Cable != nil {
		return nil, errors.New("its cable would end with this program, and it would not")
	}
	k, err := newKey()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(p.o.Dir, 0o700); err != nil {
		return nil, err
	}
	m := &Machine{pool: p, base: context.WithoutCancel(ctx), image: s.Image, key: k, kept: s.Keep, memory: orDefault(s.Memory, DefaultMemory), started: time.Now()}
	m.expiry = m.started.Add(orDefault(s.Life, DefaultLife))
	if m.name, m.lock, err = takeName(p.o.Dir, m.expiry); err != nil {
		return nil, err
	}
	m.dir = filepath.Join(p.o.Dir, m.name)
	if err := os.Mkdir(m.dir, 0o700); err != nil {
		return nil, errors.Join(err, m.lock.Close())
	}
	if !s.Keep {
		if m.console, err = listenConsole(m.consolePath(), s.Console); err != nil {
			return nil, errors.Join(fmt.Errorf("make console (a path may have 107 characters): %w", err), m.Close())
		}
	}
	return m, nil
}

// overlay makes the disk that the machine writes to.
func (m *Machine) overlay(ctx context.Context, s Spec) error {
	args := []string{"create", "-q", "-f", "qcow2", "-b", s.Image.Disk, "-F", "qcow2", m.overlayPath()}
	if s.Disk > 0 {
		size, err := virtualSize(s.Image.Disk)
		if err != nil {
			return err
		}
		if s.Disk > size {
			args = append(args, strconv.FormatInt(s.Disk, 10))
		}
	}
	out, err := exec.CommandContext(ctx, "qemu-img", args...).CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		return fmt.Errorf("%w: qemu-img is not on this machine (Debian: qemu-utils)", ErrNoHypervisor)
	}
	if err != nil {
		return fmt.Errorf("make overlay: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}

// launch starts the domain. A port that is free when it is chosen may be taken a moment later, so that is tried again.
// With a file of a saved state it goes on from that.
func (m *Machine) launch(ctx context.Context, s Spec, state string) error {
	d := Domain{
		Name: m.name, CPUs: orDefault(s.CPUs, 1), Memory: m.memory, KVM: m.pool.o.KVM, Disk: m.overlayPath(),
		Kernel: s.Image.Kernel, Initrd: s.Image.Initrd, Append: s.Image.Append, Strings: m.key.firmware(s.Image.user()),
		Console: m.consolePath(), Owned: !s.Keep, Open: s.Open, State: state,
	}
	if state != "" {
		d.Incoming = m.incomingPath()
	}
	if s.Private != nil {
		m.mac = s.Private.nextMAC()
		d.Private, d.MAC = s.Private.path, m.mac
	}
	if s.Cable != nil {
		d.Cable, d.CableMAC = m.cablePath(), s.Cable.MAC
	}
	const tries = 5
	for try := 1; ; try++ {
		err := m.tryPort(ctx, s.Cable, d)
		if _, taken := errors.AsType[*PortError](err); !taken || try == tries {
			return err
		}
		if err := m.cable.close(); err != nil {
			return err
		}
	}
}

// tryPort starts the domain with a port that is free at this moment. Each attempt has a cable's end of its own: a hypervisor
// that does not get its port has connected that before.
func (m *Machine) tryPort(ctx context.Context, cable *Cable, d Domain) (err error) {
	if d.Port, err = freePort(); err != nil {
		return err
	}
	if m.cable, err = listenCable(m.cablePath(), cable); err != nil {
		return fmt.Errorf("make cable (a path may have 107 characters): %w", err)
	}
	m.port = d.Port
	return m.pool.o.Driver.Start(ctx, d)
}

// freePort finds a port of the loopback interface that nobody uses now.
func freePort() (int, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
