package libvirt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// A saved domain is a file of libvirt: a head of 92 bytes, so many bytes of XML as that says, and then what QEMU has
// written, which is what QEMU reads when it goes on.
const (
	stateMagic = "LibvirtQemudSave"
	stateHead  = 92
	mostXML    = 16 << 20
)

// errNoState is a file that is not a saved domain that we can go on from.
var errNoState = errors.New("it is not a saved domain")

// skipHead reads up to where QEMU's part begins. The head is a magic word and numbers of 32 bits: the version, the length of
// the XML, whether it ran, and how QEMU's part is packed.
func skipHead(r io.Reader) error {
	var head [stateHead]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return fmt.Errorf("%w: %w", errNoState, err)
	}
	number := func(i int) uint32 { return binary.LittleEndian.Uint32(head[len(stateMagic)+4*i:]) }
	switch version, xml, packed := number(0), number(1), number(3); {
	case string(head[:len(stateMagic)]) != stateMagic: // until it is whole the magic word is another one
		return fmt.Errorf("%w: it begins with %q", errNoState, head[:len(stateMagic)])
	case version != 1 && version != 2:
		return fmt.Errorf("%w: it is of version %d", errNoState, version)
	case xml == 0 || xml > mostXML:
		return fmt.Errorf("%w: its XML has %d bytes", errNoState, xml)
	case packed != 0:
		return fmt.Errorf("%w: it is packed in a way (%d); let save_image_format in qemu.conf be raw", errNoState, packed)
	default:
		if _, err := io.CopyN(io.Discard, r, int64(xml)); err != nil {
			return fmt.Errorf("%w: %w", errNoState, err)
		}
	}
	return nil
}
