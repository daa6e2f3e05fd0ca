package machine

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// warmth is what a machine needs that may go on from a saved state.
type warmth struct {
	*states
	saver Saver
	key   string
}

// warmth tells whether a machine may go on from a saved state: one of the plain shape, in which root signs in. Nil: it
// boots.
func (p *Pool) warmth(ctx context.Context, s Spec) *warmth {
	saver, able := p.o.Driver.(Saver)
	if p.o.States == "" || !able || s.Cold || s.Open || s.Private != nil || s.Image.user() != "root" {
		return nil
	}
	d := Domain{
		CPUs: orDefault(s.CPUs, 1), Memory: orDefault(s.Memory, DefaultMemory), KVM: p.o.KVM,
		Kernel: s.Image.Kernel, Initrd: s.Image.Initrd, Append: s.Image.Append,
	}
	if s.Cable != nil {
		d.Cable, d.CableMAC = "one", s.Cable.MAC
	}
	shape, err := saver.Shape(ctx, d)
	if err != nil {
		p.o.Log.Debug("no saved states", "error", err)
		return nil
	}
	key, err := keyOf(s.Image, s.Disk, shape)
	w := &warmth{&states{p.o.States, orDefault(p.o.MostStates, DefaultStates)}, saver, key}
	if err != nil || w.bad(key) {
		return nil
	}
	return w
}

// start starts a machine from its saved state, or boots it and saves it, or only boots it: whatever goes wrong with a
// state, the machine boots.
func (w *warmth) start(ctx context.Context, p *Pool, s Spec) (*Machine, error) {
	m, err := p.wake(ctx, s, w.of(w.key), false)
	if err == nil || ctx.Err() != nil {
		return m, err
	}
	if !errors.Is(err, os.ErrNotExist) {
		p.o.Log.Warn("a saved state is of no use, it is thrown away", "image", s.Image.Name, "error", err)
		if err := w.of(w.key).remove(); err != nil {
			p.o.Log.Warn("a saved state stays", "image", s.Image.Name, "error", err)
		}
	}
	begin := time.Now()
	m, err = p.boot(ctx, s)
	took := time.Since(begin)
	if err != nil || took < orDefault(p.o.SaveAfter, worthSaving) {
		return m, err
	}
	held, err := w.maker()
	if err != nil {
		p.o.Log.Warn("no state is saved", "image", s.Image.Name, "error", err)
	}
	if held == nil {
		return m, nil
	}
	defer held.Close()
	if _, err := os.Lstat(w.of(w.key).dir); err == nil || !w.room(m.memory) {
		return m, nil // somebody was quicker, or it would be too much
	}
	return w.make(ctx, m, s, took)
}

// make saves a machine in which nothing ran yet, and gives one that goes on from that: by then the state is proved. If
// anything fails it gives one that has booted.
func (w *warmth) make(ctx context.Context, m *Machine, s Spec, took time.Duration) (*Machine, error) {
	p, making := m.pool, w.making(w.key)
	err := w.save(ctx, m, making, took)
	err = errors.Join(err, m.Close())
	if err == nil {
		if m, err = p.wake(ctx, s, making, true); err == nil {
			if err := os.Rename(making.dir, w.of(w.key).dir); err != nil {
				p.o.Log.Warn("a saved state is lost", "image", s.Image.Name, "error", err)
			}
			return m, nil
		}
	}
	if ctx.Err() != nil {
		return nil, errors.Join(err, making.remove())
	}
	p.o.Log.Warn("machines of this image cannot be saved, they boot", "image", s.Image.Name, "error", err)
	if err := errors.Join(making.remove(), w.markBad(w.key, err)); err != nil {
		p.o.Log.Warn("tidy up after a saved state", "error", err)
	}
	return p.boot(ctx, s)
}

// save writes down a running machine, whose domain ends with that.
func (w *warmth) save(ctx context.Context, m *Machine, to savedState, took time.Duration) error {
	exit, err := m.Run(ctx, Cmd{Argv: []string{"sync"}})
	if err == nil && exit != (Exit{}) {
		err = fmt.Errorf("sync ended with %d", exit.Code)
	}
	if err != nil {
		return fmt.Errorf("save state: %w", err)
	}
	if err := errors.Join(m.client.Close(), os.Mkdir(to.dir, 0o700)); err != nil {
		return fmt.Errorf("save state: %w", err)
	}
	about, err := json.Marshal(stateInfo{Image: m.image.Name, Key: m.key.private, Cold: took, Console: m.Console(), Made: time.Now()})
	if err != nil {
		return err
	}
	if err := os.WriteFile(to.file(aboutState), about, 0o600); err != nil {
		return fmt.Errorf("save state: %w", err)
	}
	if err := w.saver.Save(ctx, m.name, to.file(memoryState)); err != nil {
		return fmt.Errorf("save state: %w", err)
	}
	if err := os.Rename(m.overlayPath(), to.file(diskState)); err != nil {
		return fmt.Errorf("save state: %w", err)
	}
	return nil
}

// wake starts a machine from a saved state, and makes it one of its own: with its own key, randomness and the time of
// day. With prove it also makes sure that who knows the state's key stays outside.
func (p *Pool) wake(ctx context.Context, s Spec, from savedState, prove bool) (*Machine, error) {
	about, err := from.info()
	if err != nil {
		return nil, fmt.Errorf("wake machine %s: %w", s.Image.Name, err)
	}
	old, err := parseKey(about.Key)
	if err != nil {
		return nil, fmt.Errorf("wake machine %s: %w", s.Image.Name, err)
	}
	m, err := p.prepare(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("wake machine %s: %w", s.Image.Name, err)
	}
	if m.console != nil {
		_, _ = m.console.Write(about.Console) // it never fails
	}
	limit := min(orDefault(s.Boot, DefaultBoot), 2*about.Cold+30*time.Second)
	if err := m.wakeUp(ctx, s, from, old, limit, prove); err != nil {
		return nil, errors.Join(fmt.Errorf("wake machine %s: %w", s.Image.Name, err), m.Close())
	}
	m.warm = true
	return m, nil
}

// wakeUp starts the domain and sees to what is its own.
func (m *Machine) wakeUp(ctx context.Context, s Spec, from savedState, old key, limit time.Duration, prove bool) error {
	if err := os.Link(from.file(diskState), m.basePath()); err != nil {
		return err
	}
	s.Image.Disk, s.Disk = m.basePath(), 0
	if err := m.overlay(ctx, s); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("it does not wake up within %v", limit))
	defer cancel()
	if err := m.launch(ctx, s, from.file(memoryState)); err != nil {
		return err
	}
	own := m.key
	m.key, m.up = old, true
	err := m.wait(ctx, limit)
	m.key = own
	if err != nil {
		return err
	}
	if err := m.settle(ctx); err != nil {
		return err
	}
	if err := m.client.Close(); err != nil {
		return err
	}
	if err := m.wait(ctx, limit); err != nil {
		return err
	}
	if prove {
		return m.refuses(ctx, old)
	}
	return nil
}

// settle is the script that makes a guest that has woken up one of its own. The clock of its board goes on while it sleeps, and
// is nearer to the truth than the time at which this was sent, on a busy host by much.
const settle = `umask 077; cd && f=.cyborg-warm && cat >$f && chmod 700 $f && ./$f </dev/null; code=$?; rm -f $f; [ $code = 0 ] || exit 3
now=$(cat /sys/class/rtc/rtc0/since_epoch 2>/dev/null) && [ "$now" -ge "$0" ] && [ "$now" -le $(($0 + 600)) ] || now=$0
date -s "@$now" >/dev/null || exit 4
mkdir -p .ssh && printf '%s\n' "$1" >.ssh/authorized_keys.new && mv .ssh/authorized_keys.new .ssh/authorized_keys || exit 5`

// settle gives the guest randomness that no other has, the time of day, and the machine's own key instead of the state's.
func (m *Machine) settle(ctx context.Context) error {
	program, err := reseeder()
	if err != nil {
		return err
	}
	var said bytes.Buffer
	exit, err := m.Run(ctx, Cmd{
		Argv: []string{"sh", "-c", settle, strconv.FormatInt(time.Now().Unix(), 10), m.key.authorized}, Stdin: bytes.NewReader(program),
		Output: &limited{w: &said, left: 1 << 10},
	})
	if err != nil {
		return err
	}
	if exit != (Exit{}) {
		what := map[int]string{3: "take new randomness", 4: "set its clock", 5: "take another key"}[exit.Code]
		return fmt.Errorf("the guest cannot %s (%d): %s", cmp.Or(what, "settle"), exit.Code, printable(strings.TrimSpace(said.String())))
	}
	return nil
}

// refuses makes sure that a key does not open the machine.
func (m *Machine) refuses(ctx context.Context, k key) error {
	ctx, cancel := context.WithTimeout(ctx, handshakeTime)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(m.port)))
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	var hostKey ssh.PublicKey
	config := m.config(&hostKey)
	config.Auth = []ssh.AuthMethod{ssh.PublicKeys(k.signer)}
	client, _, _, err := ssh.NewClientConn(conn, "guest", config)
	switch {
	case err == nil:
		return errors.Join(errors.New("the guest still lets in who has the saved state's key"), client.Close())
	case hostKey == nil:
		return fmt.Errorf("the guest did not say whether it refuses the saved state's key: %w", err)
	}
	return nil
}

// Warm tells whether the machine went on from a saved state.
func (m *Machine) Warm() bool { return m.warm }
