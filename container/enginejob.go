//go:build linux

package container

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Run implements Runner.
func (e *Engine) Run(ctx context.Context, s Spec) (result Result, err error) {
	if err := e.check(ctx, s); err != nil {
		return Result{Canceled: ctx.Err() != nil}, err
	}
	v, err := e.works(ctx)
	if err != nil {
		return Result{}, fmt.Errorf("run %s: %w", s.Name, err)
	}
	began := time.Now()
	if err := e.ensure(ctx, v, s.Image, s.Output); err != nil {
		if missing, ok := errors.AsType[*ImageError](err); ok {
			return Result{Code: codeNotFound, Refused: missing.Error(), Duration: time.Since(began)}, nil
		}
		return Result{Canceled: ctx.Err() != nil}, fmt.Errorf("run %s: %w", s.Name, err)
	}
	result, err = e.runIn(ctx, v, s)
	result.Duration, result.Limits = time.Since(began), s.Limits
	e.o.Log.Debug("job ended", "job", s.Name, "result", result.String(), "error", err)
	if err != nil {
		return result, fmt.Errorf("run %s: %w", s.Name, err)
	}
	return result, nil
}

// check refuses what cannot be run here.
func (e *Engine) check(ctx context.Context, s Spec) error {
	if err := s.check(); err != nil {
		return err
	}
	if s.Image == "" || strings.HasPrefix(s.Image, "-") {
		return fmt.Errorf("run %s: %s wants an image, got %q", s.Name, e.name(), s.Image)
	}
	for _, dir := range append([]string{s.Dir}, s.Writable...) {
		if strings.ContainsAny(dir, ":\"") {
			return fmt.Errorf("run %s: directory %q cannot be named to %s", s.Name, dir, e.name())
		}
	}
	if ctx.Err() != nil {
		return fmt.Errorf("run %s: %w", s.Name, context.Cause(ctx))
	}
	return s.checkDirs()
}

// An engineJob is one run in one container.
type engineJob struct {
	*cell
	e    *Engine
	v    *variant
	name string // of the container

	pid int // of the container's first process, as this machine counts, once the watch knows it
}

// runIn runs the job; the image is there.
func (e *Engine) runIn(ctx context.Context, v *variant, s Spec) (result Result, err error) {
	scratch, err := NewScratch(ctx, e.o.Dir, s.Name)
	if err != nil {
		return Result{}, err
	}
	defer func() {
		if closeErr := scratch.Close(); closeErr != nil {
			err = errors.Join(err, fmt.Errorf("clean up: %w", closeErr))
		}
	}()
	if s.Limits.Disk, err = roomFor(scratch.Dir, s.Limits.Disk); err != nil {
		return Result{}, err
	}
	m, err := newMarker()
	if err != nil {
		return Result{}, err
	}
	j := &engineJob{cell: newCell(s, scratch, m), e: e, v: v, name: groupPrefix + strings.ToLower(m.Nonce)}
	if err := j.lay(); err != nil {
		return Result{}, err
	}
	create, err := j.create()
	if err != nil {
		return Result{}, err
	}
	defer func() { err = errors.Join(err, e.remove(ctx, v, j.name)) }()
	if _, err := e.do(ctx, v, create...); err != nil {
		return Result{Canceled: ctx.Err() != nil}, err
	}
	return j.follow(ctx)
}

// Where this program and what it needs is mounted in a container.
const (
	mountedLoader = "/run/cyborg-loader"
	mountedLibs   = "/run/cyborg-libraries"
	mountedSocket = "/run/cyborg-socket" // a directory
	socketName    = "gate"
)

// create is the command line that makes the container.
func (j *engineJob) create() ([]string, error) {
	self, err := readProgram()
	if err != nil {
		return nil, err
	}
	l, tmp := j.spec.Limits.withReserve(), strconv.FormatInt(j.temporary(), 10)
	expires := time.Now().Add(24*time.Hour + j.spec.Timeout)
	args := []string{
		"create", "--name", j.name, "--interactive", "--pull", "never",
		"--label", jobLabel + "=" + j.marker.String(), "--label", expiryLabel + "=" + strconv.FormatInt(expires.Unix(), 10),
		"--read-only", "--tmpfs", "/tmp:rw,exec,nosuid,nodev,mode=1777,size=" + tmp, "--shm-size", tmp,
		"--network", "none", "--hostname", sandboxName, "--ipc", "private",
		"--cap-drop", "ALL", "--cap-add", "SETUID", "--cap-add", "SETGID", "--cap-add", "SETPCAP", "--cap-add", "KILL",
		"--security-opt", "no-new-privileges", "--user", "0:0", "--workdir", "/", "--log-driver", "none",
	}
	mount := func(from, to, how string) { args = append(args, "--volume", from+":"+to+":"+how) }
	if j.online() {
		args = append(args, "--cap-add", "NET_ADMIN", "--device", tunDevice)
		mount(filepath.Join(j.scratch.Dir, "socket"), mountedSocket, "ro")
		if err := os.Mkdir(filepath.Join(j.scratch.Dir, "socket"), 0o700); err != nil {
			return nil, fmt.Errorf("make scratch: %w", err)
		}
	}
	if l.Memory > 0 {
		m := strconv.FormatInt(l.Memory, 10)
		args = append(args, "--memory", m, "--memory-swap", m)
	}
	if l.CPUs > 0 {
		args = append(args, "--cpus", strconv.FormatFloat(l.CPUs, 'f', 2, 64))
	}
	if l.Processes > 0 {
		args = append(args, "--pids-limit", strconv.Itoa(l.Processes))
	}
	for _, dir := range append([]string{j.spec.Dir}, j.spec.Writable...) {
		mount(dir, dir, "rw")
	}
	mount(filepath.Join(j.scratch.Dir, "home"), jobHome, "rw")
	mount(filepath.Join(j.scratch.Dir, "etc", "resolv.conf"), "/etc/resolv.conf", "ro")
	mount(self.file, innerSupervisor, "ro")
	for name, file := range self.libraries {
		mount(file, filepath.Join(mountedLibs, name), "ro")
	}
	args = append(args, j.v.create...)
	if self.loader == "" {
		return append(args, "--entrypoint", innerSupervisor, j.spec.Image, attachedFlag, plain(j.spec.Name)), nil
	}
	mount(self.loader, mountedLoader, "ro")
	return append(args, "--entrypoint", mountedLoader, j.spec.Image,
		"--library-path", mountedLibs, innerSupervisor, attachedFlag, plain(j.spec.Name)), nil
}

// follow starts the container and follows its job to the end.
func (j *engineJob) follow(ctx context.Context) (Result, error) {
	image, err := j.e.inspect(ctx, j.v, "image", j.spec.Image)
	if err != nil || len(image) != 1 {
		return Result{}, fmt.Errorf("ask for image %s: %w", j.spec.Image, err)
	}
	inner, far, err := openSession(j.spec.Output)
	if err != nil {
		return Result{}, err
	}
	complaint := &tail{most: 4 << 10}
	outer, err := j.start(far, complaint)
	far.Close()
	if err != nil {
		return Result{}, errors.Join(err, inner.lifeline.Close(), inner.output.finish())
	}
	inner.abort = outer.abort
	over := outer.over()
	watching, done := context.WithCancel(ctx)
	result, err := j.inside(watching, ctx, inner, image[0].Config.Env)
	done()
	inner.lifeline.Close()
	const patience = 10 * time.Second
	select {
	case <-over: // it ends with the container
	case <-time.After(patience):
	}
	outer.send(commandKill)
	<-over
	if endErr := outer.end(ctx, j.marker, nil); errors.Is(err, errSupervisor) {
		err = errors.Join(j.postMortem(ctx, &result, inner, complaint), endErr)
	} else {
		err = errors.Join(err, endErr)
	}
	if outputErr := inner.output.finish(); err == nil {
		err = outputErr
	}
	if unexplained(result) && j.state(ctx).State.OOMKilled {
		result.Excess = TooMuchMemory
	}
	return result, err
}

// start starts the engine's program below a supervisor, attached to the container.
func (j *engineJob) start(far ends, complaint io.Writer) (*supervisorProcess, error) {
	program, err := exec.LookPath(j.e.o.Program)
	if err != nil {
		return nil, err
	}
	line := func(args ...string) []string {
		return append(append([]string{program}, j.v.global...), args...)
	}
	extra := []*os.File{far.lifeline, far.output, far.report}
	o := order{
		Argv: line("start", "--attach", "--interactive", j.name), Dir: "/", Scratch: j.scratch.Dir,
		Env:   environ(os.Environ(), []string{"DOCKER_CLI_HINTS=false", markerVariable + "=" + j.marker.String()}),
		Extra: len(extra), Streams: true, Deaf: true, After: [][]string{line("rm", "--force", "--volumes", j.name)},
	}
	return j.e.host.startSupervisor(j.spec.Name, o, j.scratch, j.marker, complaint, extra)
}

// inside speaks with the supervisor in the container.
func (j *engineJob) inside(watching, ctx context.Context, inner *session, env []string) (Result, error) {
	u := usage{dirs: j.writable(), disk: j.spec.Limits.Disk, family: func() []process {
		if j.pid == 0 { // as long as the container is only about to start
			j.pid = j.state(watching).State.Pid
		}
		if j.pid == 0 {
			return nil
		}
		return append(descendants(processes(), j.pid), process{pid: j.pid})
	}}
	inner.passed = u.watch(watching)
	o := j.orders(environ([]string{"PATH=" + defaultPath}, env)...)
	o.Shared, o.Filter = "/tmp", true
	if j.online() {
		o.PlugAt = filepath.Join(mountedSocket, socketName)
		listener, err := j.listen(ctx)
		if err != nil {
			return Result{}, fmt.Errorf("make network: %w", err)
		}
		defer listener.Close()
		defer j.serve(ctx, j.e.o.Gate, j.e.o.Log, func() (*net.UnixConn, error) { return acceptOne(listener) })()
	}
	inner.give(o)
	return inner.follow(ctx, j.spec)
}

// listen waits for the supervisor inside. A socket's name may be no longer than a hundred characters, which a scratch
// directory's is easily: so it is named by way of the open directory.
func (j *engineJob) listen(ctx context.Context) (net.Listener, error) {
	dir, err := os.Open(filepath.Join(j.scratch.Dir, "socket"))
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	var config net.ListenConfig
	l, err := config.Listen(ctx, "unix", fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), socketName))
	if u, ok := l.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false) // by then the name leads elsewhere; it goes with the directory
	}
	return l, err
}

// acceptOne takes the first connection, that of the supervisor inside; nobody else can connect after it.
func acceptOne(listener net.Listener) (*net.UnixConn, error) {
	c, err := listener.Accept()
	listener.Close()
	if err != nil {
		return nil, err
	}
	socket, ok := c.(*net.UnixConn)
	if !ok {
		return nil, errors.Join(errors.New("not a Unix socket"), c.Close())
	}
	return socket, nil
}

// state is what the engine says of the container.
func (j *engineJob) state(ctx context.Context) state {
	const patience = time.Minute
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	list, err := j.e.inspect(ctx, j.v, "container", j.name)
	if err != nil || len(list) != 1 {
		return state{}
	}
	return list[0]
}

// postMortem says why the supervisor inside has ended without a word.
func (j *engineJob) postMortem(ctx context.Context, r *Result, inner *session, complaint *tail) error {
	s := j.state(ctx).State
	if s.OOMKilled || inner.started && !s.Running && s.ExitCode != 0 {
		j.e.o.Log.Warn("a job has broken its container", "job", j.spec.Name, "code", s.ExitCode)
		broken(r)
		return nil
	}
	text := s.Error
	for _, t := range []*tail{inner.noise, complaint} {
		text += " " + string(t.Bytes())
	}
	return fmt.Errorf("start container: exit code %d: %s", s.ExitCode, strings.Join(strings.Fields(text), " "))
}
