package shadow

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/cyborg-bots/cyborg/container"
)

// A Place is where a candidate is built and run: that of a job.
type Place struct {
	Command func(context.Context, container.Spec) (container.Result, error) // runs one there
	Dir     string                                                          // an empty directory of the job's
	Network []string                                                        // while it is built, as container.Spec has it
	Output  io.Writer                                                       // the job's log
	Program string                                                          // this version
}

// The two programs of a place. Each has a directory of its own there, which is all that it can write to: a candidate must not lay hands
// on the version that it is compared with.
const (
	nowName  = "now"
	thenName = "candidate"
)

const (
	programName = "cyborg"     // the program itself, in its directory
	helperName  = "relay"      // this version, in the directory of either
	product     = "out/cyborg" // where make build leaves a program, in its checkout
)

// mostProgram is how large a candidate may be.
const mostProgram = 1 << 30

// home is the directory of a program.
func (p *Place) home(program string) string { return filepath.Join(p.Dir, program) }

// prepare makes the directories, with this version in both.
func (p *Place) prepare() error {
	for _, program := range []string{nowName, thenName} {
		if err := os.MkdirAll(p.home(program), 0o755); err != nil {
			return fmt.Errorf("make a place for the candidate: %w", err)
		}
		names := []string{helperName}
		if program == nowName {
			names = append(names, programName)
		}
		for _, name := range names {
			f, err := os.Open(p.Program)
			if err != nil {
				return fmt.Errorf("copy this program: %w", err)
			}
			err = p.install(f, program, name)
			f.Close()
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// install puts a program into a directory.
func (p *Place) install(from io.Reader, program, name string) error {
	to, err := os.OpenFile(filepath.Join(p.home(program), name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if err != nil {
		return fmt.Errorf("copy a program: %w", err)
	}
	n, err := io.Copy(to, io.LimitReader(from, mostProgram+1))
	if err == nil && n > mostProgram {
		err = errors.New("it is too large")
	}
	if err = errors.Join(err, to.Close()); err != nil {
		return fmt.Errorf("copy a program: %w", err)
	}
	return nil
}

// build builds the candidate in a checkout, by what its own Makefile says, and installs it. bad says what is wrong with
// it; an error is our own trouble.
func (p *Place) build(ctx context.Context, source string) (bad string, err error) {
	printed := &keeper{most: mostPrinted}
	result, err := p.Command(ctx, container.Spec{
		Argv: []string{"make", "build"}, Dir: source, Output: printed, Timeout: 30 * time.Minute, Network: p.Network,
	})
	remark(p.Output, string(printed.Bytes()))
	switch {
	case err != nil:
		return "", err
	case !result.OK():
		return "make build: " + result.String(), nil
	}
	root, err := os.OpenRoot(source)
	if err != nil {
		return "", err
	}
	defer root.Close()
	if info, err := root.Lstat(product); err != nil || !info.Mode().IsRegular() {
		return "make build leaves no program in " + product, nil
	}
	f, err := root.Open(product)
	if err != nil {
		return fmt.Sprintf("make build: %v", err), nil
	}
	defer f.Close()
	return "", p.install(f, thenName, programName)
}

// mostPrinted is how much is kept of what a command prints.
const mostPrinted = 8 << 20

// A command is something for a program to do.
type command struct {
	argv   []string
	env    []string
	limit  time.Duration
	output io.Writer // gets what it prints, beside the caller of run
}

// run lets a program do something, without a network, and gives what it printed, up to a limit.
func (p *Place) run(ctx context.Context, program string, c command) (container.Result, []byte, error) {
	return p.start(ctx, program, append([]string{"./" + programName}, c.argv...), c)
}

func (p *Place) start(ctx context.Context, program string, argv []string, c command) (container.Result, []byte, error) {
	printed := &keeper{most: mostPrinted}
	output := io.Writer(printed)
	if c.output != nil {
		output = io.MultiWriter(printed, c.output)
	}
	result, err := p.Command(ctx, container.Spec{
		Argv: argv, Dir: p.home(program), Env: append(p.settings(program), c.env...), Output: output, Timeout: c.limit,
		Network: []string{container.NoNetwork},
	})
	return result, printed.Bytes(), err
}

// through is run with a view of GitHub.
func (p *Place) through(ctx context.Context, v *View, program string, c command) (container.Result, []byte, error) {
	dir, err := os.MkdirTemp(p.home(program), "w")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		return container.Result{}, nil, fmt.Errorf("open a window: %w", err)
	}
	defer os.RemoveAll(dir)
	const socket = "hub"
	short, err := os.Open(dir) // the name of a socket has at most 108 bytes
	if err != nil {
		return container.Result{}, nil, fmt.Errorf("open a window: %w", err)
	}
	defer short.Close()
	l, err := listen(ctx, fmt.Sprintf("/proc/self/fd/%d/%s", short.Fd(), socket))
	if err != nil {
		return container.Result{}, nil, err
	}
	server := &http.Server{Handler: v, ReadHeaderTimeout: time.Minute}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(l) })
	defer serving.Wait()
	defer server.Close()
	argv := append([]string{"./" + helperName, relayName, filepath.Join(filepath.Base(dir), socket), "./" + programName}, c.argv...)
	return p.start(ctx, program, argv, c)
}

// settings is the environment of a bot that lives in the place for a moment.
func (p *Place) settings(program string) []string {
	state := filepath.Join(p.home(program), "state")
	return []string{
		"CYBORG_STATE=" + state, "CYBORG_LOGS=" + filepath.Join(state, "logs"), "CYBORG_PUBLIC_URL=http://logs.invalid", "CYBORG_SANDBOX=none",
	}
}

// A keeper keeps the first bytes that are written to it.
type keeper struct {
	most int
	buf  bytes.Buffer
}

// Write implements io.Writer.
func (k *keeper) Write(b []byte) (int, error) {
	k.buf.Write(b[:min(len(b), k.most-k.buf.Len())])
	return len(b), nil
}

// Bytes is what was kept.
func (k *keeper) Bytes() []byte { return k.buf.Bytes() }
