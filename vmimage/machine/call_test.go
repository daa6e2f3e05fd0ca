package machine

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/ssh"
)

// A line is QEMU's forwarded port and behind it a guest's OpenSSH, as they are when a guest comes up. What is dialled is
// taken at once; the guest is asked at growing intervals, whether the caller is still there or not; one who leaves without
// signing in, or with a wrong key, is penalised.
type line struct {
	up, listens, key, sign time.Duration // since the start: the network, sshd, the authorized key, the word on the console
	work                   time.Duration // of the guest's one processor until sshd says its name

	begin     time.Time
	keys      key
	processor chan struct{}
	group     sync.WaitGroup

	mu      sync.Mutex
	sins    time.Time // until when the sum of the penalties lasts
	counted time.Duration
	active  bool
	refused int
}

// The penalties of OpenSSH 9.8 and later.
const (
	leastSin = 15 * time.Second
	noAuth   = time.Second
	authFail = 5 * time.Second
)

func (l *line) at(t time.Duration) bool { return time.Since(l.begin) >= t }

func (l *line) dial(context.Context) (net.Conn, error) {
	here, there := net.Pipe()
	l.group.Go(func() {
		for _, pause := range []time.Duration{0, 3, 6, 12, 24, 30} {
			<-time.After(pause * time.Second)
			switch {
			case l.at(l.listens):
				l.serve(there)
				return
			case l.at(l.up):
				there.Close()
				return
			}
		}
		there.Close()
	})
	return here, nil
}

func (l *line) serve(conn net.Conn) {
	defer conn.Close()
	if l.turnedAway() {
		_, _ = conn.Write([]byte("Not allowed at this time\r\n"))
		return
	}
	l.processor <- struct{}{}
	<-time.After(l.work)
	<-l.processor
	sin := noAuth
	config := &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, k ssh.PublicKey) (*ssh.Permissions, error) {
		if !l.at(l.key) || !bytes.Equal(k.Marshal(), l.keys.signer.PublicKey().Marshal()) {
			sin = authFail
			return nil, errors.New("not this key")
		}
		return nil, nil
	}}
	_, private, _ := ed25519.GenerateKey(rand.Reader)
	host, _ := ssh.NewSignerFromKey(private)
	config.AddHostKey(host)
	out := &postbox{Conn: conn, letters: make(chan []byte, 100), closed: make(chan struct{})}
	l.group.Go(out.post)
	defer close(out.closed)
	in, channels, requests, err := ssh.NewServerConn(out, config)
	if err != nil {
		l.penalise(sin)
		return
	}
	go ssh.DiscardRequests(requests)
	for c := range channels {
		_ = c.Reject(ssh.Prohibited, "nothing is here")
	}
	_ = in.Wait()
}

// A postbox is a connection whose writes do not wait for who reads, as those of a net.Pipe do.
type postbox struct {
	net.Conn
	letters chan []byte
	closed  chan struct{}
}

func (p *postbox) Write(b []byte) (int, error) {
	select {
	case p.letters <- bytes.Clone(b):
		return len(b), nil
	case <-p.closed:
		return 0, net.ErrClosed
	}
}

func (p *postbox) post() {
	for {
		select {
		case b := <-p.letters:
			_, _ = p.Conn.Write(b)
		case <-p.closed:
			return
		}
	}
}

func (l *line) turnedAway() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.active = l.active && time.Now().Before(l.sins)
	if l.active {
		l.refused++
	}
	return l.active
}

func (l *line) penalise(sin time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counted += sin
	if now := time.Now(); l.sins.Before(now) {
		l.sins = now
	}
	l.sins = l.sins.Add(sin)
	l.active = l.active || time.Until(l.sins) >= leastSin
}

// TestCall: whatever a guest's sshd counts, its bot gets in, and soon after that is possible.
func TestCall(t *testing.T) {
	for name, test := range map[string]struct {
		line    *line
		sinned  time.Duration // before
		within  time.Duration // after it can be entered
		sins    time.Duration // at most
		refused int           // at most
	}{
		"quick":           {line: &line{up: 2 * time.Second, listens: 3 * time.Second, sign: time.Hour}, within: 3 * time.Second, sins: 3 * time.Second},
		"says it is up":   {line: &line{up: 20 * time.Second, listens: 24 * time.Second, sign: 24 * time.Second, work: time.Second}, within: 5 * time.Second, sins: 5 * time.Second},
		"does not say it": {line: &line{up: 20 * time.Second, listens: 24 * time.Second, sign: time.Hour, work: time.Second}, within: 25 * time.Second, sins: 5 * time.Second},
		"busy host":       {line: &line{up: 200 * time.Second, listens: 230 * time.Second, sign: 220 * time.Second, work: 20 * time.Second}, within: time.Minute, sins: 5 * time.Second},
		"slow to answer":  {line: &line{up: 20 * time.Second, listens: 24 * time.Second, sign: 24 * time.Second, work: time.Minute}, within: 6 * time.Minute, sins: 8 * time.Second},
		"the key is late": {line: &line{up: 4 * time.Second, listens: 5 * time.Second, key: 40 * time.Second, sign: 5 * time.Second}, within: 30 * time.Second, sins: 30 * time.Second, refused: 1},
		"has sinned":      {line: &line{}, sinned: 100 * time.Second, within: 5 * time.Minute, refused: 6},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := test.line
				l.begin, l.processor = time.Now(), make(chan struct{}, 1)
				k, err := newKey()
				if err != nil {
					t.Fatal(err)
				}
				l.keys = k
				if test.sinned > 0 {
					l.penalise(test.sinned)
					l.counted = 0
				}
				ready := make(chan struct{})
				sign := time.AfterFunc(l.sign, func() { close(ready) })
				m := &Machine{key: k}
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				in, err := (&caller{dial: l.dial, config: m.config, ready: ready}).call(ctx)
				if err != nil {
					t.Fatal(err)
				}
				took := time.Since(l.begin) - max(l.listens, l.key)
				sign.Stop()
				in.client.Close()
				l.group.Wait()
				t.Logf("%v after it could, with %v of penalties, %d times turned away", took, l.counted, l.refused)
				if took > test.within || l.counted > test.sins || l.refused > test.refused {
					t.Errorf("want it within %v, with %v, %d times", test.within, test.sins, test.refused)
				}
			})
		})
	}
}
