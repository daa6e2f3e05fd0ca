package s3

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
)

// ErrDamaged says that what a server gave is not what was put there.
var ErrDamaged = errors.New("damaged, its SHA-256 is another")

// checked is an object that is being read and compared with its sum.
type checked struct {
	body io.ReadCloser
	name string
	hash hash.Hash
	want []byte // of another length: not known
}

func (c *checked) Read(p []byte) (int, error) {
	n, err := c.body.Read(p)
	c.hash.Write(p[:n])
	if errors.Is(err, io.EOF) && len(c.want) == sha256.Size && !bytes.Equal(c.want, c.hash.Sum(nil)) {
		err = fmt.Errorf("read %s: %w", c.name, ErrDamaged)
	}
	return n, err
}

func (c *checked) Close() error { return c.body.Close() }
