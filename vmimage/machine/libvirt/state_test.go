package libvirt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
)

// saved is a file of libvirt with these numbers.
func saved(magic string, numbers [5]uint32, rest string) []byte {
	var b bytes.Buffer
	b.WriteString(magic)
	_ = binary.Write(&b, binary.LittleEndian, numbers)
	b.Write(make([]byte, stateHead-b.Len()))
	b.WriteString(rest)
	return b.Bytes()
}

func TestSkipHead(t *testing.T) {
	for name, test := range map[string]struct {
		file []byte
		want string // what QEMU gets; empty: nothing
	}{
		"of libvirt 9":   {saved(stateMagic, [5]uint32{2, 9, 1, 0, 4}, "<domain/>QEVM"), "QEVM"},
		"of libvirt 0.9": {saved(stateMagic, [5]uint32{1, 9}, "<domain/>QEVM"), "QEVM"},
		"not whole":      {saved("LibvirtQemudPart", [5]uint32{2, 9, 1, 0, 4}, "<domain/>QEVM"), ""},
		"of the future":  {saved(stateMagic, [5]uint32{3, 9}, "<domain/>QEVM"), ""},
		"packed":         {saved(stateMagic, [5]uint32{2, 9, 1, 1}, "<domain/>QEVM"), ""},
		"without XML":    {saved(stateMagic, [5]uint32{2, 0}, "QEVM"), ""},
		"too long":       {saved(stateMagic, [5]uint32{2, 1 << 31}, "QEVM"), ""},
		"cut in XML":     {saved(stateMagic, [5]uint32{2, 9}, "<dom"), ""},
		"cut in numbers": {saved(stateMagic, [5]uint32{2, 9}, "")[:30], ""},
		"empty":          {nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := bytes.NewReader(test.file)
			err := skipHead(r)
			rest, _ := io.ReadAll(r)
			if test.want == "" && !errors.Is(err, errNoState) || test.want != "" && (err != nil || string(rest) != test.want) {
				t.Errorf("got %q, %v", rest, err)
			}
		})
	}
}

// FuzzSkipHead: what is not refused has its magic word, and QEMU gets its end.
func FuzzSkipHead(f *testing.F) {
	f.Add(saved(stateMagic, [5]uint32{2, 9, 1, 0, 4}, "<domain/>QEVM"))
	f.Add(saved(stateMagic, [5]uint32{2, 1 << 31}, ""))
	f.Fuzz(func(t *testing.T, file []byte) {
		r := bytes.NewReader(file)
		if skipHead(r) != nil {
			return
		}
		rest, _ := io.ReadAll(r)
		if !bytes.HasPrefix(file, []byte(stateMagic)) || !bytes.HasSuffix(file, rest) || len(rest) > len(file)-stateHead {
			t.Errorf("%q became %q", file, rest)
		}
	})
}

func TestProcessorOf(t *testing.T) {
	const one = "processor\t: 0\nmodel name\t: A\ncpu MHz\t\t: 2000\nflags\t\t: sse aes\n\n"
	same := processorOf(one + "processor\t: 1\n")
	if same != processorOf(strings.ReplaceAll(one, "2000", "2600")) || same == processorOf(strings.ReplaceAll(one, "aes", "avx")) {
		t.Errorf("got %q", same)
	}
}
