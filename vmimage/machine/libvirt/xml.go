package libvirt

import (
	_ "embed" // the domain as people read it
	"encoding/xml"
	"fmt"
	"strings"
	"text/template"

	"github.com/cyborg-bots/cyborg/vmimage/machine"
)

//go:embed domain.xml.tmpl
var domainText string

// emulator is the program of a domain; libvirt asks it what it can do.
const emulator = "/usr/bin/qemu-system-x86_64"

// sound16 is the first QEMU whose emulated cmpxchg16b leaves sound flags, as libvirt counts versions. Those before leave
// what the instruction before it computed: an interrupt at the next instruction saves that as the processor's flags, and
// the kernel, whose allocator uses cmpxchg16b where there is one, dies of a double fault some minutes after its start.
const sound16 = 8_000_000

// domainXML describes a domain in libvirt's words, for a QEMU of this version. An emulated processor has AES only together
// with PCLMULQDQ, as all that were ever built: kernels since 6.11 use the second where they see the first.
func domainXML(d machine.Domain, qemu uint32) (string, error) {
	t, err := template.New("domain").Funcs(template.FuncMap{
		"x":     escape,
		"kib":   func(bytes int64) int64 { return bytes >> 10 },
		"comma": func(text string) string { return strings.ReplaceAll(text, ",", ",,") }, // as QEMU's options want it
	}).Parse(domainText)
	if err != nil {
		return "", fmt.Errorf("describe domain: %w", err)
	}
	var b strings.Builder
	err = t.Execute(&b, struct {
		machine.Domain
		Emulator  string
		Without16 bool
	}{d, emulator, qemu < sound16})
	if err != nil {
		return "", fmt.Errorf("describe domain %s: %w", d.Name, err)
	}
	return b.String(), nil
}

// escape makes any text fit for an element or an attribute.
func escape(text string) (string, error) {
	var b strings.Builder
	err := xml.EscapeText(&b, []byte(text))
	return b.String(), err
}

// processorOf is what the first processor of /proc/cpuinfo is and can do.
func processorOf(text string) string {
	first, _, _ := strings.Cut(text, "\n\n")
	var b strings.Builder
	for line := range strings.Lines(first) {
		name, value, _ := strings.Cut(line, ":")
		switch strings.TrimSpace(name) {
		case "vendor_id", "cpu family", "model", "model name", "stepping", "microcode", "flags":
			b.WriteString(strings.TrimSpace(value) + "\n")
		}
	}
	return b.String()
}
