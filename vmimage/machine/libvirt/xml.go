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

// domainXML describes a domain in libvirt's words.
func domainXML(d machine.Domain) (string, error) {
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
		Emulator string
	}{d, emulator})
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
