package publish

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

const hidden = "the secret is hunter2-and-more\n"

// hiddenBzip2 is hidden, packed by bzip2; there is no packer in Go's library.
const hiddenBzip2 = "425a683931415926535954f7987200000ed9800010400210002e639e00200031434d300050c87a9a1b29a937cec8796e80d68a6b88c2283f94fc5dc914e1424153de61c8"

// packers make archives with one member.
func packers(t *testing.T) map[string]func(data []byte) []byte {
	t.Helper()
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	stream := func(open func(w io.Writer) io.WriteCloser) func([]byte) []byte {
		return func(data []byte) []byte {
			var b bytes.Buffer
			w := open(&b)
			_, err := w.Write(data)
			must(err)
			must(w.Close())
			return b.Bytes()
		}
	}
	zipped := func(method uint16) func([]byte) []byte {
		return func(data []byte) []byte {
			var b bytes.Buffer
			z := zip.NewWriter(&b)
			w, err := z.CreateHeader(&zip.FileHeader{Name: "member", Method: method})
			must(err)
			_, err = w.Write(data)
			must(err)
			must(z.Close())
			return b.Bytes()
		}
	}
	return map[string]func([]byte) []byte{
		"gzip": stream(func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }),
		"xz": stream(func(w io.Writer) io.WriteCloser {
			x, err := xz.NewWriter(w)
			must(err)
			return x
		}),
		"zstd": stream(func(w io.Writer) io.WriteCloser {
			z, err := zstd.NewWriter(w)
			must(err)
			return z
		}),
		"zip":    zipped(zip.Deflate),
		"stored": zipped(zip.Store),
		"tar": func(data []byte) []byte {
			var b bytes.Buffer
			w := tar.NewWriter(&b)
			must(w.WriteHeader(&tar.Header{Name: "member", Size: int64(len(data)), Mode: 0o600}))
			_, err := w.Write(data)
			must(err)
			must(w.Close())
			return b.Bytes()
		},
		"deb": func(data []byte) []byte { return ar("debian-binary", []byte("2.0\n"), "data.tar", data) },
		"rpm": func(data []byte) []byte {
			lead := append([]byte("\xed\xab\xee\xdb"), make([]byte, 92)...)
			signature := rpmHead(1, 21) // 37 bytes after the beginning, so 3 of padding
			return bytes.Join([][]byte{lead, signature, make([]byte, 16+21+3), rpmHead(0, 5), make([]byte, 5), data}, nil)
		},
	}
}

func rpmHead(entries, size uint32) []byte {
	head := append([]byte("\x8e\xad\xe8\x01"), make([]byte, 12)...)
	binary.BigEndian.PutUint32(head[8:], entries)
	binary.BigEndian.PutUint32(head[12:], size)
	return head
}

// ar makes an archive of names and contents.
func ar(members ...any) []byte {
	b := bytes.NewBufferString("!<arch>\n")
	for i := 0; i < len(members); i += 2 {
		data := members[i+1].([]byte)
		fmt.Fprintf(b, "%-16s%-12d%-6d%-6d%-8o%-10d`\n%s", members[i], 0, 0, 0, 0o644, len(data), data)
		if len(data)%2 == 1 {
			b.WriteByte('\n')
		}
	}
	return b.Bytes()
}

func inspect(t *testing.T, data []byte, budget int64) error {
	t.Helper()
	r, _ := NewRedactor(Secret{"S", "hunter2-and-more"})
	in := &inspector{ctx: t.Context(), redact: r, dir: t.TempDir(), budget: budget}
	return in.stream("", bytes.NewReader(data), 0)
}

// A secret is found in every kind of archive, and in every kind within every
// other; without a secret all of them pass.
func TestArchivesAreLookedInto(t *testing.T) {
	all := packers(t)
	clean := []byte(strings.Repeat("nothing to see here\n", 100))
	for outer, pack := range all {
		if err := inspect(t, pack([]byte(hidden)), 1e6); !isLeak(err) {
			t.Errorf("%s: %v, want a leak", outer, err)
		}
		if err := inspect(t, pack(clean), 1e6); err != nil {
			t.Errorf("%s without a secret: %v", outer, err)
		}
		if sniff(pack(clean)) == "" {
			t.Errorf("%s is not known as an archive", outer)
		}
		for inner, packInner := range all {
			if err := inspect(t, pack(packInner([]byte(hidden))), 1e6); !isLeak(err) {
				t.Errorf("%s in %s: %v, want a leak", inner, outer, err)
			}
			if err := inspect(t, pack(packInner(clean)), 1e6); err != nil {
				t.Errorf("%s in %s without a secret: %v", inner, outer, err)
			}
		}
	}
	packed, err := hex.DecodeString(hiddenBzip2)
	if err != nil {
		t.Fatal(err)
	}
	if err := inspect(t, packed, 1e6); !isLeak(err) {
		t.Errorf("bzip2: %v, want a leak", err)
	}
	var twice []byte
	for range 2 { // gzip files may be put one behind the other
		twice = append(twice, all["gzip"](clean)...)
	}
	if err := inspect(t, append(twice, all["gzip"]([]byte(hidden))...), 1e6); !isLeak(err) {
		t.Errorf("third part of a gzip file: %v, want a leak", err)
	}
}

func isLeak(err error) bool {
	_, ok := errors.AsType[*LeakError](err)
	return ok
}

// What cannot be searched is not published.
func TestOpaqueArchives(t *testing.T) {
	all := packers(t)
	clean := []byte(strings.Repeat("nothing to see here\n", 1000))
	deep := clean
	for range deepest + 1 {
		deep = all["gzip"](deep)
	}
	locked := bytes.Clone(all["zip"](clean))
	locked[6] |= 1 // in the member's header, and
	at := bytes.Index(locked, []byte("PK\x01\x02"))
	locked[at+8] |= 1 // in the directory
	for name, data := range map[string][]byte{
		"7z":             []byte("7z\xbc\xaf\x27\x1c and so on"),
		"rar":            []byte("Rar!\x1a\x07\x01\x00"),
		"truncated gzip": all["gzip"](clean)[:20],
		"truncated xz":   all["xz"](clean)[:40],
		"truncated zip":  all["zip"](clean)[:60],
		"truncated deb":  all["deb"](clean)[:90],
		"truncated rpm":  all["rpm"](clean)[:110],
		"broken gzip":    append([]byte("\x1f\x8b"), clean...),
		"locked zip":     locked,
		"too deep":       deep,
		"bomb":           all["gzip"](make([]byte, 3e6)),
		"bomb in a zip":  all["zip"](all["gzip"](make([]byte, 3e6))),
		"7z in a tar":    all["tar"]([]byte("7z\xbc\xaf\x27\x1c and so on")),
	} {
		if err := inspect(t, data, 2e6); !errors.Is(err, errOpaque) {
			t.Errorf("%s: %v, want that it cannot be searched", name, err)
		}
	}
}

func FuzzInspector(f *testing.F) {
	for _, seed := range []string{"\x1f\x8b\x08\x00", "PK\x03\x04", "PK\x05\x06", "!<arch>\n", "\xed\xab\xee\xdb", "BZh9", "\xfd7zXZ\x00", "\x28\xb5\x2f\xfd", "7z\xbc\xaf\x27\x1c"} {
		f.Add([]byte(seed + strings.Repeat("x", 300)))
	}
	f.Add(ar("a", []byte("x"), "b", []byte("PK\x03\x04")))
	r, _ := NewRedactor(Secret{"S", "hunter2-and-more"})
	f.Fuzz(func(t *testing.T, data []byte) {
		in := &inspector{ctx: t.Context(), redact: r, dir: t.TempDir(), budget: 1 << 20}
		err := in.stream("", bytes.NewReader(data), 0)
		if bytes.Contains(data, []byte("hunter2-and-more")) && err == nil {
			t.Error("a secret in the clear passes")
		}
	})
}

// Names are data, and their extension is one that runs nowhere.
func TestFileNames(t *testing.T) {
	for name, want := range map[string]string{
		"a.png":                    "files/a.png",
		"shots/a b.PNG":            "files/shots/a-b.png",
		"../../etc/passwd":         "files/-_/-_/etc/passwd.txt",
		"/abs/x.log":               "files/abs/x.log",
		"x.html":                   "files/x_html.txt",
		"x.HTM":                    "files/x_HTM.txt",
		"x.svg":                    "files/x_svg.txt",
		"x.xml":                    "files/x_xml.txt",
		"x.php.png":                "files/x_php.png",
		"x.shtml.log":              "files/x_shtml.log",
		"cockpit-300.1.tar.xz":     "files/cockpit-300_1.tar.xz",
		".htaccess":                "files/-htaccess.txt",
		"core.1234":                "files/core_1234.txt",
		"log.html/x.txt":           "files/log_html/x.txt",
		"<script>.png":             "files/-script-.png",
		"a\x00b\n.txt":             "files/a-b-.txt",
		"":                         "files/-.txt",
		"///":                      "files/-.txt",
		".":                        "files/-.txt",
		".png":                     "files/-png.txt",
		"ü/é.txt":                  "files/-/-.txt",
		"1/2/3/4/5/6/7/8/name.txt": "files/1/2/3/4/5/6.txt",
		"json.json.json":           "files/json.json.json",
	} {
		got := fileName(name, true)
		if got != want {
			t.Errorf("%q: %s, want %s", name, got, want)
		}
	}
	if got := fileName("core.1234", false); got != "files/core_1234.bin" {
		t.Error(got)
	}
}

func FuzzFileName(f *testing.F) {
	f.Add("a/b.png")
	f.Add("../..//.htaccess.php.")
	f.Fuzz(func(t *testing.T, name string) {
		for _, text := range []bool{true, false} {
			got := fileName(name, text)
			if err := CheckName(got); err != nil || len(got) > maxFileName {
				t.Errorf("%q: %q, %v", name, got, err)
			}
			if mime := TypeOf(got); strings.Contains(mime, "html") || strings.Contains(mime, "xml") || strings.Contains(mime, "script") {
				t.Errorf("%q: %q is %s", name, got, mime)
			}
		}
	})
}

func TestIsText(t *testing.T) {
	for text, want := range map[string]bool{
		"": true, "plain\n": true, "\x1b[31mred": true, "\u00fc": true, "cut within \xe2\x82": true,
		"\x00": false, "\xff\xfe": false, "\x7fELF\x02": false, "a\xffb and more": false,
	} {
		if got := isText([]byte(text)); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}
