package publish

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// ar looks into an ar archive: a Debian package or a static library. Each
// member has a header of 60 bytes in ASCII and begins at an even place.
func (in *inspector) ar(member string, r io.Reader, depth int) error {
	var magic [8]byte
	if _, err := io.ReadFull(r, magic[:]); err != nil {
		return opaque(member, err)
	}
	for {
		var head [60]byte
		if _, err := io.ReadFull(r, head[:]); err == io.EOF {
			return nil
		} else if err != nil {
			return opaque(member, err)
		}
		size, err := strconv.ParseInt(strings.TrimSpace(string(head[48:58])), 10, 64)
		if err != nil || size < 0 || head[58] != '`' {
			return opaque(member, errors.New("bad ar header"))
		}
		body := &io.LimitedReader{R: r, N: size}
		if err := in.stream(inside(member, strings.TrimRight(string(head[:16]), " /")), body, depth+1); err != nil {
			return err
		}
		if body.N > 0 {
			return opaque(member, io.ErrUnexpectedEOF)
		}
		if size%2 == 1 {
			if _, err := io.ReadFull(r, head[:1]); err == io.EOF {
				return nil
			} else if err != nil {
				return opaque(member, err)
			}
		}
	}
}

// rpm looks into the payload of an RPM package, which follows a lead of 96
// bytes and two headers, the first one padded to 8 bytes.
func (in *inspector) rpm(member string, r io.Reader, depth int) error {
	if _, err := io.CopyN(io.Discard, r, 96); err != nil {
		return opaque(member, err)
	}
	for _, align := range []int64{8, 1} {
		size, err := rpmHeader(r)
		if err == nil {
			_, err = io.CopyN(io.Discard, r, size+(align-size%align)%align)
		}
		if err != nil {
			return opaque(member, err)
		}
	}
	return in.stream(inside(member, "payload"), r, depth+1)
}

// rpmHeader reads the beginning of a header and returns how much follows.
func rpmHeader(r io.Reader) (int64, error) {
	var head [16]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, err
	}
	if string(head[:4]) != "\x8e\xad\xe8\x01" {
		return 0, fmt.Errorf("bad rpm header % x", head[:4])
	}
	entries, data := binary.BigEndian.Uint32(head[8:]), binary.BigEndian.Uint32(head[12:])
	return int64(entries)*16 + int64(data), nil
}
