//go:build linux

package container

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/cyborg-bots/cyborg/container/gate"
)

// jobHome is where a sandboxed job's home directory is.
const jobHome = "/home/job"

// innerSupervisor is this program inside the sandbox.
const innerSupervisor = "/run/" + supervisorName

// sandboxName is what a sandbox calls itself in its network.
const sandboxName = "sandbox"

// A cell is what one job has in every kind of sandbox.
type cell struct {
	spec    Spec
	scratch *Scratch
	marker  marker
	user    int // who the job is, when the bot is root; else whoever the bot is
}

func newCell(s Spec, scratch *Scratch, m marker) *cell {
	j := &cell{spec: s, scratch: scratch, marker: m}
	if os.Geteuid() == 0 {
		j.user = freshUser()
	}
	return j
}

// online tells whether the job may reach anything.
func (j *cell) online() bool { return !slices.Contains(j.spec.Network, NoNetwork) }

// orders is what the supervisor inside is told; own is the part of the environment that depends on the sandbox.
func (j *cell) orders(own ...string) order {
	own = append(own, "HOME="+jobHome, "USER=job", "LOGNAME=job", "SHELL=/bin/sh", "LANG=C.UTF-8", "TMPDIR=/tmp")
	limits := []rlimit{{unix.RLIMIT_CORE, 0}}
	if l := j.spec.Limits.Disk; l > 0 {
		limits = append(limits, rlimit{unix.RLIMIT_FSIZE, uint64(l)})
	}
	if l := j.spec.Limits.Processes; l > 0 && j.user != 0 {
		limits = append(limits, rlimit{unix.RLIMIT_NPROC, uint64(l)}) // of the job's user, who is nobody else
	}
	return order{
		Argv: j.spec.Argv, Dir: j.spec.Dir, Env: environ(own, j.spec.Env),
		Inside: true, Plug: j.online(), User: j.user, Limits: limits,
	}
}

// serve carries what the job sends, over the connection that connect gives, until the function that it returns is called.
func (j *cell) serve(ctx context.Context, o gate.Options, log *slog.Logger, connect func() (*net.UnixConn, error)) (stop func()) {
	o.Hosts, o.Log = j.spec.Network, log.With("job", j.spec.Name)
	serving, end := context.WithCancel(context.WithoutCancel(ctx)) // a job that is told to end may still tidy up
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		socket, err := connect()
		if err == nil {
			stopping := context.AfterFunc(serving, func() { socket.Close() })
			defer stopping()
			var g *gate.Gate
			if g, err = openGate(serving, socket, o); err == nil {
				<-serving.Done()
				err = g.Close()
			}
		}
		if err != nil && serving.Err() == nil {
			o.Log.Debug("the sandbox's network", "error", err) // why there is none says the supervisor inside
		}
	}()
	return func() {
		end()
		<-ended
	}
}

// unexplained tells whether a job ended badly and nobody knows why.
func unexplained(r Result) bool {
	return !r.OK() && !r.TimedOut && !r.Canceled && r.Refused == "" && r.Excess == ""
}

// writable are the directories on disk that the job may write.
func (j *cell) writable() []string {
	return append([]string{j.spec.Dir, filepath.Join(j.scratch.Dir, "home")}, j.spec.Writable...)
}

// lay makes the job's home and its few settings, and gives the job what is to be the job's.
func (j *cell) lay() error {
	home, etc := filepath.Join(j.scratch.Dir, "home"), filepath.Join(j.scratch.Dir, "etc")
	if err := errors.Join(os.Mkdir(home, 0o700), os.Mkdir(etc, 0o755)); err != nil {
		return fmt.Errorf("make scratch: %w", err)
	}
	id := j.user
	if id == 0 {
		id = 1000
	}
	for name, text := range settingsOf(id) {
		if err := os.WriteFile(filepath.Join(etc, name), []byte(text), 0o644); err != nil {
			return fmt.Errorf("make scratch: %w", err)
		}
	}
	if j.user == 0 {
		return nil
	}
	for _, dir := range j.writable() {
		if err := give(dir, j.user); err != nil {
			return fmt.Errorf("give %s to the job: %w", dir, err)
		}
	}
	return nil
}

// settingsOf are the files in /etc that a sandbox has of its own.
func settingsOf(id int) map[string]string {
	return map[string]string{
		"passwd": fmt.Sprintf("root:x:0:0:root:/root:/bin/sh\njob:x:%d:%d:job:%s:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n",
			id, id, jobHome),
		"group":         fmt.Sprintf("root:x:0:\njob:x:%d:\nnogroup:x:65534:\n", id),
		"hosts":         "127.0.0.1 localhost\n::1 localhost\n127.0.1.1 " + sandboxName + "\n",
		"hostname":      sandboxName + "\n",
		"nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nservices: files\nprotocols: files\nnetworks: files\n",
		"resolv.conf":   "nameserver " + gate.Server + "\n",
	}
}

// give makes a user the owner of a tree, links themselves included; what they lead to is left alone.
func give(dir string, user int) error {
	return filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, user, user)
	})
}

// freshUser draws a number that no user of the machine has, and hardly another job.
func freshUser() int {
	const first, many = 1_000_000_000, 1_000_000_000
	return first + rand.IntN(many)
}

// temporary is how much the job may keep in /tmp, and as much again in /dev/shm: memory, which counts as the job's.
func (j *cell) temporary() int64 {
	const usual = 1 << 30
	if l := j.spec.Limits.Memory; l > 0 {
		return max(l/2, 1<<20)
	}
	return usual
}
