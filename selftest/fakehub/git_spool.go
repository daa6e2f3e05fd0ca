package fakehub

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
)

// spoolInMemory is the size up to which a push is kept in memory.
const spoolInMemory = 1 << 20

// A spool is a request body that was taken in whole: small ones in memory,
// others in a file without a name. A push is spooled before git is started,
// so that a slow sender keeps nobody else from pushing.
type spool struct {
	io.Reader
	size int64
	file *os.File
}

// newSpool reads all of body. Its file lies in dir and is gone with the spool.
func newSpool(body io.Reader, dir string) (*spool, error) {
	var head bytes.Buffer
	n, err := io.Copy(&head, io.LimitReader(body, spoolInMemory))
	if err != nil {
		return nil, fmt.Errorf("read body: %w", err)
	}
	if n < spoolInMemory {
		return &spool{Reader: &head, size: n}, nil
	}
	f, err := os.CreateTemp(dir, "incoming-")
	if err != nil {
		return nil, fmt.Errorf("store body: %w", err)
	}
	s := &spool{Reader: f, file: f}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(fmt.Errorf("store body: %w", err), s.Close())
	}
	s.size, err = io.Copy(f, io.MultiReader(&head, body))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("store body: %w", err), s.Close())
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, errors.Join(fmt.Errorf("store body: %w", err), s.Close())
	}
	return s, nil
}

// Close gives the space back.
func (s *spool) Close() error {
	if s.file == nil {
		return nil
	}
	if err := s.file.Close(); err != nil {
		return fmt.Errorf("close spool: %w", err)
	}
	return nil
}

var _ io.Closer = (*spool)(nil)
