package machine

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// virtualSize is how large a guest sees a qcow2 disk: 8 bytes of its header.
func virtualSize(path string) (int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, fmt.Errorf("read disk: %w", err)
	}
	defer f.Close()
	var header [32]byte
	if _, err := io.ReadFull(f, header[:]); err != nil || string(header[:4]) != "QFI\xfb" {
		return 0, errors.Join(fmt.Errorf("read disk %s: it is not a qcow2 disk", path), err)
	}
	return int64(binary.BigEndian.Uint64(header[24:])), nil
}
