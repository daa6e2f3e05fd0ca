package libvirt

import (
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cyborg-bots/cyborg/vmimage/machine"
)

var update = flag.Bool("update", false, "write the golden files")

func TestDomainXML(t *testing.T) {
	job := machine.Domain{
		Name: "cyborg-1795800000-abcdefgh", CPUs: 2, Memory: 512 << 20, Disk: "/state/m/x/disk.qcow2",
		Strings: []string{"cyborg.key=ssh-ed25519 AAAA"}, Console: "/state/m/x/console", Owned: true, Port: 40001,
	}
	for name, change := range map[string]func(*machine.Domain){
		"job":  func(*machine.Domain) {},
		"old":  func(*machine.Domain) {},
		"warm": func(d *machine.Domain) { d.State, d.Incoming = "/state/states/x/memory", "/state/m/x/in" },
		"kvm":  func(d *machine.Domain) { d.KVM = true },
		"kept": func(d *machine.Domain) { d.Owned, d.Open = false, true },
		"direct": func(d *machine.Domain) {
			d.Kernel, d.Initrd, d.Append = "/images/vmlinux", "/images/initrd", "root=/dev/vda console=ttyS0"
		},
		"network": func(d *machine.Domain) { d.Private, d.MAC = "/state/a,b/net", "52:54:00:00:00:01" },
		"cable":   func(d *machine.Domain) { d.Cable, d.CableMAC = "/state/a,b/cable", "52:54:00:00:00:02" },
		"hostile": func(d *machine.Domain) {
			d.Disk, d.Append, d.Kernel = `/a"b<c>&d`, `x="</cmdline><qemu:arg/>`, "/k"
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := job
			change(&d)
			qemu := uint32(sound16)
			if name == "old" {
				qemu = 7_002_022
			}
			got, err := domainXML(d, qemu)
			if err != nil {
				t.Fatal(err)
			}
			wellFormed(t, got)
			golden := filepath.Join("testdata", name+".xml")
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func wellFormed(t *testing.T, text string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}
