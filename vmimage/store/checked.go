package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/cyborg-bots/cyborg/vmimage"
)

// believed is for how long a file whose inode did not change is believed to be what it was: disks of machines decay.
const believed = 7 * 24 * time.Hour

// A DamagedError is a disk that is not what its name says. It is never used.
type DamagedError struct {
	Disk  vmimage.Disk
	Where string // a source, or a file
	Sum   string // of what is there; empty if Cause says more
	Cause error
}

func (e *DamagedError) Error() string {
	if e.Cause != nil {
		return fmt.Sprintf("check %s from %s: it must not be used: %v", e.Disk, e.Where, e.Cause)
	}
	return fmt.Sprintf("check %s from %s: it must not be used: its SHA-256 is %s", e.Disk, e.Where, e.Sum)
}

func (e *DamagedError) Unwrap() error { return e.Cause }

// seen is what was seen of a file when its sum was right. The time of the inode's last change cannot be set, so a file
// that was written to since then, or replaced, shows. What was seen is not flushed to the machine's disk, and void after
// the machine has started anew: reading a file once more is cheaper than to wait for a disk each time.
type seen struct {
	Boot    string    `json:"boot"`
	Size    int64     `json:"size"`
	Device  uint64    `json:"device"`
	Inode   uint64    `json:"inode"`
	Written time.Time `json:"written"`
	Changed time.Time `json:"changed"`
	At      time.Time `json:"at"`
}

// look tells what there is to see of an open file.
func look(f *os.File) (seen, error) {
	info, err := f.Stat()
	if err != nil {
		return seen{}, err
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return seen{}, err
	}
	s := seen{Boot: strings.TrimSpace(string(boot)), Size: info.Size(), Written: info.ModTime().UTC()}
	if sys, ok := info.Sys().(*syscall.Stat_t); ok {
		s.Device, s.Inode = sys.Dev, sys.Ino
		s.Changed = time.Unix(sys.Ctim.Unix()).UTC()
	}
	return s, nil
}

// remember writes down that the sum of the open file is right now.
func (c *Cache) remember(disk vmimage.Disk, f *os.File) error {
	s, err := look(f)
	if err != nil {
		return err
	}
	s.At = time.Now().UTC()
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	path := c.aside(disk, "checked")
	if err := os.WriteFile(path+".new", data, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// remembered reports whether the open file is the one whose sum was right, not long ago.
func (c *Cache) remembered(disk vmimage.Disk, f *os.File) bool {
	data, err := os.ReadFile(c.aside(disk, "checked"))
	if err != nil {
		return false
	}
	var was seen
	now, err := look(f)
	if err != nil || json.Unmarshal(data, &was) != nil {
		return false
	}
	age := time.Since(was.At)
	was.At = time.Time{}
	return was == now && age >= 0 && age < believed
}

// sumOf reads all of a file. progress gets the bytes read so far.
func sumOf(ctx context.Context, f *os.File, progress func(int64)) (sum [sha256.Size]byte, err error) {
	h := sha256.New()
	buf := make([]byte, 1<<20)
	for off := int64(0); ; {
		if ctx.Err() != nil {
			return sum, context.Cause(ctx)
		}
		n, err := f.ReadAt(buf, off)
		h.Write(buf[:n])
		off += int64(n)
		progress(off)
		if errors.Is(err, io.EOF) {
			h.Sum(sum[:0])
			return sum, nil
		}
		if err != nil {
			return sum, fmt.Errorf("read disk: %w", err)
		}
	}
}

// verify checks a whole file: its sum and its head. A *DamagedError says that it must not be used.
func verify(ctx context.Context, disk vmimage.Disk, f *os.File, progress func(int64)) error {
	sum, err := sumOf(ctx, f, progress)
	if err != nil {
		return err
	}
	if got := hex.EncodeToString(sum[:]); got != disk.Digest {
		return &DamagedError{Disk: disk, Where: f.Name(), Sum: got}
	}
	if _, err := vmimage.CheckDisk(f.Name()); err != nil {
		return &DamagedError{Disk: disk, Where: f.Name(), Cause: err}
	}
	return nil
}
