package vmimage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// The parts of a qcow2 file's header that matter here (QEMU's docs/interop/qcow2.txt).
const (
	qcowMagic     = "QFI\xfb"
	backingOffset = 8  // 8 bytes
	sizeOffset    = 24 // 8 bytes
	cryptOffset   = 32 // 4 bytes
	incompatible  = 72 // 8 bytes, from version 3 on
	headerLength  = 104
	externalData  = 1 << 2
	dirtyOrBroken = 1<<0 | 1<<1
)

// MaxVirtual is the largest disk that a guest may be shown.
const MaxVirtual = 1 << 40

// CheckDisk looks at the head of a disk's file, which may come from anybody, and gives the size that a guest sees. A
// disk stands for itself: one that names a backing file or a data file would show its guest that file of the host.
func CheckDisk(file string) (size int64, err error) {
	f, err := os.Open(file)
	if err != nil {
		return 0, fmt.Errorf("check disk: %w", err)
	}
	defer f.Close()
	head := make([]byte, headerLength)
	if _, err := io.ReadFull(f, head); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return 0, fmt.Errorf("check disk %s: %w", file, err)
	}
	size, err = checkHeader(head)
	if err != nil {
		return 0, fmt.Errorf("check disk %s: %w", file, err)
	}
	return size, nil
}

func checkHeader(head []byte) (int64, error) {
	if len(head) < headerLength || string(head[:4]) != qcowMagic {
		return 0, errors.New("it is not a qcow2 file")
	}
	version := binary.BigEndian.Uint32(head[4:])
	size := binary.BigEndian.Uint64(head[sizeOffset:])
	switch {
	case version != 2 && version != 3:
		return 0, fmt.Errorf("version %d of qcow2 is not known", version)
	case binary.BigEndian.Uint64(head[backingOffset:]) != 0:
		return 0, errors.New("it names a backing file, a disk stands for itself")
	case version == 3 && binary.BigEndian.Uint64(head[incompatible:])&externalData != 0:
		return 0, errors.New("it names a data file, a disk stands for itself")
	case version == 3 && binary.BigEndian.Uint64(head[incompatible:])&dirtyOrBroken != 0:
		return 0, errors.New("it was not closed in order, or is marked as corrupt")
	case binary.BigEndian.Uint32(head[cryptOffset:]) != 0:
		return 0, errors.New("it is encrypted")
	case size == 0 || size > MaxVirtual:
		return 0, fmt.Errorf("a guest would see %d bytes, at most %d are allowed", size, int64(MaxVirtual))
	}
	return int64(size), nil
}
