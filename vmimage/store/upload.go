package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"

	"github.com/cyborg-bots/cyborg/publish"
	"github.com/cyborg-bots/cyborg/vmimage"
)

// Upload puts a disk on a shelf, once: one that is there and right stays as it is. It reports whether it had to upload.
// When it returns without an error, all of the disk was read back and had the right sum, whoever uploaded it. What was
// there under the name and was something else, half an upload of an unlucky server say, was replaced.
func Upload(ctx context.Context, to Shelf, held *Held, progress func(Progress)) (uploaded bool, err error) {
	disk := held.Disk
	tell := func(phase Phase, done, total int64) {
		if progress != nil {
			progress(Progress{disk, phase, done, total})
		}
	}
	info, err := held.file.Stat()
	if err != nil {
		return false, fmt.Errorf("upload %s: %w", disk, err)
	}
	var sum [sha256.Size]byte
	if _, err := hex.Decode(sum[:], []byte(disk.Digest)); err != nil {
		return false, fmt.Errorf("upload %s: %w", disk, err)
	}
	var one sync.Mutex
	sent := func(n int64) {
		one.Lock()
		defer one.Unlock()
		tell(Uploading, n, info.Size())
	}
	// Who uploads it is about to refer to it: if nobody has for long, its time begins anew.
	if err := to.Delete(ctx, disk.File()+unusedEnding); err != nil {
		return false, fmt.Errorf("upload %s to %s: %w", disk, to, err)
	}
	const tries = 3
	var errs []error
	for range tries {
		err := check(ctx, to, disk, info.Size(), tell)
		if err == nil {
			return uploaded, nil
		}
		errs = []error{err} // of the latest try
		if _, damaged := errors.AsType[*DamagedError](err); damaged {
			err = to.Delete(ctx, disk.File())
		} else if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		if err != nil {
			break
		}
		err = to.Create(publish.Watch(ctx, sent), disk.File(), held.file, info.Size(), sum)
		if ctx.Err() != nil {
			return false, fmt.Errorf("upload %s to %s: %w", disk, to, context.Cause(ctx))
		}
		// Whether or not the server said that it has it: the next look tells.
		if err == nil {
			uploaded = true
		} else if !errors.Is(err, fs.ErrExist) {
			errs = append(errs, err)
		}
	}
	err = check(ctx, to, disk, info.Size(), tell)
	if err == nil {
		return uploaded, nil
	}
	return false, fmt.Errorf("upload %s to %s: %w", disk, to, errors.Join(append(errs, err)...))
}

// check reads a disk on a shelf from end to end.
func check(ctx context.Context, s Source, disk vmimage.Disk, want int64, tell func(Phase, int64, int64)) error {
	size, err := s.Size(ctx, disk.File())
	if err != nil {
		return err
	}
	if size != want {
		return &DamagedError{Disk: disk, Where: s.String(), Cause: fmt.Errorf("it has %d bytes instead of %d", size, want)}
	}
	body, err := s.Open(ctx, disk.File(), 0, size)
	if err != nil {
		return err
	}
	defer body.Close()
	h := sha256.New()
	buf := make([]byte, 1<<20)
	for done := int64(0); done < size; {
		n, err := body.Read(buf)
		h.Write(buf[:n])
		done += int64(n)
		tell(Checking, done, size)
		if err != nil && (err != io.EOF || done < size) {
			return fmt.Errorf("read %s back: %w", disk, err)
		}
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != disk.Digest {
		return &DamagedError{Disk: disk, Where: s.String(), Sum: got}
	}
	return nil
}
