package build

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/cyborg-bots/cyborg/container"
	"github.com/cyborg-bots/cyborg/vmimage"
)

// A Recipe says how a disk is made.
type Recipe struct {
	Name      string
	Bootstrap []byte   // nil: the ready-made one that is called Base, or like the image
	Base      string   // the ready-made recipe; empty: Name
	Setup     []byte   // nil: nothing is done inside
	Env       []string // NAME=value, beside what every recipe finds
}

// A Guest is a machine that was started from a disk.
type Guest interface {
	// Run runs a script in the guest, as root, and gives its exit status. An error is our own trouble.
	Run(ctx context.Context, script []byte, env []string, output io.Writer) (int, error)
	// Save switches the guest off in order and writes what its disk has become.
	Save(ctx context.Context, to string) error
	io.Closer
}

// A Starter starts a guest from a disk, which stays as it is. open: it reaches what the bot reaches. The error is a
// [*FailedError] if the disk does not come up.
type Starter func(ctx context.Context, name, disk string, open bool, console io.Writer) (Guest, error)

// Options of a build.
type Options struct {
	Dir     string           // an empty folder with room, which belongs to the build
	Host    container.Runner // where bootstrap runs, and the tools that write disks
	Start   Starter          // nil: nothing is done inside, and nobody looks whether it boots
	Output  io.Writer        // gets what the steps print; nil discards
	Env     []string         // NAME=value for bootstrap: proxies
	Timeout time.Duration    // of a step; 0: 2 hours
}

// A Result is a disk that was made.
type Result struct {
	Disk     vmimage.Disk
	File     string // in Options.Dir
	Size     int64  // of the file
	Virtual  int64  // that a guest sees
	Packages vmimage.Packages
	Boot     time.Duration // until it answered; 0 if nobody looked
}

// A FailedError is a recipe that does not work: not our own trouble.
type FailedError struct {
	Step  string // "bootstrap", "setup", "boot"
	Cause error
}

func (e *FailedError) Error() string { return fmt.Sprintf("build: %s: %v", e.Step, e.Cause) }
func (e *FailedError) Unwrap() error { return e.Cause }

// builder is a build that goes on.
type builder struct {
	r Recipe
	o Options
}

// Build makes a disk.
func Build(ctx context.Context, r Recipe, o Options) (Result, error) {
	if err := vmimage.CheckName(r.Name); err != nil {
		return Result{}, err
	}
	if r.Bootstrap == nil {
		text, err := Ready(cmp.Or(r.Base, r.Name))
		if err != nil {
			return Result{}, fmt.Errorf("build %s: there is no %s/%s%s, and %w", r.Name, vmimage.Folder, r.Name, bootstrapEnding, err)
		}
		r.Bootstrap = text
	}
	if r.Setup != nil && o.Start == nil {
		return Result{}, fmt.Errorf("build %s: its setup needs a machine, and there is nothing here to start one with", r.Name)
	}
	if o.Output == nil {
		o.Output = io.Discard
	}
	o.Timeout = cmp.Or(o.Timeout, 2*time.Hour)
	b := &builder{r, o}
	disk, err := b.bootstrap(ctx)
	if err == nil && r.Setup != nil {
		disk, err = b.setup(ctx, disk)
	}
	if err == nil {
		disk, err = b.compress(ctx, disk)
	}
	if err != nil {
		return Result{}, err
	}
	return b.finish(ctx, disk)
}

// say prints what is done next.
func (b *builder) say(format string, args ...any) {
	fmt.Fprintf(b.o.Output, "cyborg: "+format+"\n", args...)
}

// run runs a command on the bot.
func (b *builder) run(ctx context.Context, dir string, env []string, argv ...string) error {
	result, err := b.o.Host.Run(ctx, container.Spec{
		Name: "image-" + b.r.Name, Argv: argv, Dir: dir, Env: env, Output: b.o.Output, Timeout: b.o.Timeout,
	})
	if err != nil {
		return err
	}
	if !result.OK() {
		return errors.New(result.String())
	}
	return nil
}

// bootstrap makes the first disk.
func (b *builder) bootstrap(ctx context.Context) (string, error) {
	recipes, err := Unpack(b.o.Dir)
	if err != nil {
		return "", err
	}
	program := filepath.Join(b.o.Dir, "bootstrap")
	dir := filepath.Join(b.o.Dir, "work")
	disk := filepath.Join(b.o.Dir, "disk")
	if err := errors.Join(os.WriteFile(program, b.r.Bootstrap, 0o700), os.Mkdir(dir, 0o755)); err != nil {
		return "", fmt.Errorf("build %s: %w", b.r.Name, err)
	}
	env := append(b.o.Env[:len(b.o.Env):len(b.o.Env)], b.r.Env...)
	env = append(env, "CYBORG_IMAGE="+b.r.Name, "CYBORG_DISK="+disk, "CYBORG_RECIPES="+recipes)
	b.say("%s.bootstrap", b.r.Name)
	if err := b.run(ctx, dir, env, program); err != nil {
		if ctx.Err() != nil {
			return "", context.Cause(ctx)
		}
		return "", &FailedError{"bootstrap", err}
	}
	if info, err := os.Lstat(disk); err != nil || !info.Mode().IsRegular() {
		return "", &FailedError{"bootstrap", errors.Join(errors.New("it made no disk in $CYBORG_DISK"), err)}
	}
	if err := os.RemoveAll(dir); err != nil {
		return "", fmt.Errorf("build %s: %w", b.r.Name, err)
	}
	// A machine starts from qcow2 only: whether a file is raw must not be guessed from what a recipe, or its guest, wrote.
	first := filepath.Join(b.o.Dir, "first.qcow2")
	format := "raw"
	if _, err := vmimage.CheckDisk(disk); err == nil {
		format = "qcow2"
	}
	if err := b.run(ctx, b.o.Dir, nil, "qemu-img", "convert", "-f", format, "-O", "qcow2", disk, first); err != nil {
		return "", fmt.Errorf("build %s: convert disk: %w", b.r.Name, err)
	}
	return first, remove(disk)
}

// setup does inside what is to be done, and leaves nothing of the machine that it was done in.
func (b *builder) setup(ctx context.Context, disk string) (string, error) {
	b.say("%s.setup", b.r.Name)
	guest, err := b.start(ctx, disk, true)
	if err != nil {
		return "", err
	}
	defer guest.Close()
	for _, step := range []struct {
		name   string
		script []byte
	}{{"setup", b.r.Setup}, {"forget", forget}} {
		code, err := guest.Run(ctx, step.script, append(b.o.Env[:len(b.o.Env):len(b.o.Env)], "CYBORG_IMAGE="+b.r.Name), b.o.Output)
		if err != nil {
			return "", fmt.Errorf("build %s: %s: %w", b.r.Name, step.name, err)
		}
		if code != 0 {
			return "", &FailedError{step.name, fmt.Errorf("exit code %d", code)}
		}
	}
	done := filepath.Join(b.o.Dir, "done.qcow2")
	if err := guest.Save(ctx, done); err != nil {
		return "", fmt.Errorf("build %s: %w", b.r.Name, err)
	}
	if err := guest.Close(); err != nil {
		return "", fmt.Errorf("build %s: %w", b.r.Name, err)
	}
	return done, remove(disk)
}

// start starts a guest, twice if need be: the first start of a disk is the slowest one.
func (b *builder) start(ctx context.Context, disk string, open bool) (Guest, error) {
	const tries = 2
	var errs []error
	for range tries {
		guest, err := b.o.Start(ctx, b.r.Name, disk, open, b.o.Output)
		if err == nil || ctx.Err() != nil {
			return guest, err
		}
		if _, failed := errors.AsType[*FailedError](err); !failed {
			return nil, err
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// compress writes the disk as the one that is kept: without what is unused, compressed. Zstandard is read three times as
// fast as what was there before.
func (b *builder) compress(ctx context.Context, disk string) (string, error) {
	final := filepath.Join(b.o.Dir, "final.qcow2")
	b.say("compress")
	if err := b.run(ctx, b.o.Dir, nil, "qemu-img", "convert", "-f", "qcow2", "-O", "qcow2", "-c", "-o", "compression_type=zstd", disk, final); err != nil {
		return "", fmt.Errorf("build %s: compress disk: %w", b.r.Name, err)
	}
	return final, remove(disk)
}

// finish looks whether the disk boots and what is in it, and names it.
func (b *builder) finish(ctx context.Context, file string) (Result, error) {
	result := Result{File: file}
	if b.o.Start != nil {
		if err := b.inspect(ctx, &result); err != nil {
			return Result{}, err
		}
	}
	f, err := os.Open(file)
	if err != nil {
		return Result{}, fmt.Errorf("build %s: %w", b.r.Name, err)
	}
	defer f.Close()
	h := sha256.New()
	if result.Size, err = io.Copy(h, f); err != nil {
		return Result{}, fmt.Errorf("build %s: make the sum of the disk: %w", b.r.Name, err)
	}
	if result.Virtual, err = vmimage.CheckDisk(file); err != nil {
		return Result{}, fmt.Errorf("build %s: %w", b.r.Name, err)
	}
	result.Disk, err = vmimage.NewDisk(b.r.Name, [sha256.Size]byte(h.Sum(nil)))
	return result, err
}

// remove removes a file that may be gone.
func remove(file string) error {
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("build: %w", err)
	}
	return nil
}
