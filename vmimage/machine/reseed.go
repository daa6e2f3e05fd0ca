package machine

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"strings"
)

// seedBytes is how much randomness a machine gets that goes on from a saved state.
const seedBytes = 512

// reseedCode is a program for Linux on x86-64, the processor of all guests, that writes what follows it to the kernel's
// random generator and has it start anew from that. No image needs to bring something for it, and nothing short of this
// ioctl does it at once: what is only written waits in the kernel for up to minutes.
const reseedCode = `
	b802000000          mov  $2,%eax            open(
	488d3d4d000000      lea  path(%rip),%rdi
	be01000000          mov  $1,%esi              O_WRONLY)
	31d2                xor  %edx,%edx
	0f05                syscall
	85c0                test %eax,%eax
	7834                js   fail
	89c3                mov  %eax,%ebx
	89df                mov  %ebx,%edi
	b801000000          mov  $1,%eax            write(
	488d353d000000      lea  seed(%rip),%rsi
	ba00020000          mov  $512,%edx
	0f05                syscall
	3d00020000          cmp  $512,%eax
	7516                jne  fail
	89df                mov  %ebx,%edi
	be07520000          mov  $0x5207,%esi         RNDRESEEDCRNG)
	b810000000          mov  $16,%eax           ioctl(
	0f05                syscall
	85c0                test %eax,%eax
	7504                jne  fail
	31ff                xor  %edi,%edi
	eb05                jmp  exit
	bf01000000    fail: mov  $1,%edi
	b83c000000    exit: mov  $60,%eax           exit(
	0f05                syscall
	2f6465762f7572616e646f6d00  path: /dev/urandom`

// reseeder is that program as a file, with randomness that nobody else gets.
func reseeder() ([]byte, error) {
	var code []byte
	for line := range strings.Lines(reseedCode) {
		if fields := strings.Fields(line); len(fields) > 0 {
			part, err := hex.DecodeString(fields[0])
			if err != nil {
				return nil, err
			}
			code = append(code, part...)
		}
	}
	seed := make([]byte, seedBytes)
	_, _ = rand.Read(seed) // it never fails
	const base, headers = 0x400000, 64 + 56
	size := uint64(headers + len(code) + len(seed))
	var file bytes.Buffer
	file.WriteString("\x7fELF\x02\x01\x01" + strings.Repeat("\x00", 9))
	for _, part := range []any{
		struct {
			Type, Machine          uint16
			Version                uint32
			Entry, Phoff, Shoff    uint64
			Flags                  uint32
			Ehsize, Phsize, Phnum  uint16
			Shsize, Shnum, Strings uint16
		}{2, 62, 1, base + headers, 64, 0, 0, 64, 56, 1, 64, 0, 0},
		struct {
			Type, Flags                                uint32
			Offset, Address, Physical, File, Mem, Page uint64
		}{1, 5, 0, base, base, size, size, 0x1000},
	} {
		if err := binary.Write(&file, binary.LittleEndian, part); err != nil {
			return nil, err
		}
	}
	file.Write(code)
	file.Write(seed)
	return file.Bytes(), nil
}
