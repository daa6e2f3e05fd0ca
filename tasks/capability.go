package tasks

import (
	"fmt"
	"slices"
	"strings"
)

// A Capability is something that a bot has and a task may need: "kvm", "memory=4G", "network=lab".
type Capability struct {
	Name  string
	Bytes int64  // of memory and disk
	Value string // of network, secret and arch
}

// String prints the capability as a header does.
func (c Capability) String() string {
	switch {
	case c.Bytes > 0:
		return c.Name + "=" + FormatSize(c.Bytes)
	case c.Value != "":
		return c.Name + "=" + c.Value
	}
	return c.Name
}

// Capabilities is a set of capabilities: what a task needs, or what a bot has.
type Capabilities []Capability

// String prints the set as a header does.
func (c Capabilities) String() string {
	words := make([]string, len(c))
	for i, one := range c {
		words[i] = one.String()
	}
	return strings.Join(words, " ")
}

// capabilityNames are the words that "needs" knows, as they are written.
func capabilityNames() []string {
	return []string{"kvm", "vm", "container", "sandbox", "host", "images", "memory=SIZE", "disk=SIZE", "network=NAME", "secret=NAME", "arch=NAME"}
}

// ParseCapability reads one word: kvm, vm, container, sandbox, host, images, memory=4G, disk=80G, network=NAME, secret=NAME, arch=amd64.
func ParseCapability(word string) (Capability, error) {
	name, value, valued := strings.Cut(word, "=")
	c := Capability{Name: name, Value: value}
	var err error
	switch name {
	case "kvm", "vm", "container", "sandbox", "host", "images":
		if valued {
			err = hinted(fmt.Sprintf("%q takes no value", name), fmt.Sprintf("write: %s", name))
		}
	case "memory", "disk":
		if !valued {
			return c, hinted(fmt.Sprintf("%q wants a size", name), fmt.Sprintf("write for example: %s=4G", name))
		}
		c.Value = ""
		c.Bytes, err = ParseSize(value)
	case "secret":
		err = checkValued(valued, name, value, secretName)
	case "network", "arch":
		err = checkValued(valued, name, value, plainName)
	default:
		err = hinted(fmt.Sprintf("unknown capability %q", name), suggestCapability(name))
	}
	return c, err
}

// checkValued checks the part after the = of a capability.
func checkValued(valued bool, name, value string, g grammar) error {
	if !valued {
		return hinted(fmt.Sprintf("%q wants a name", name), fmt.Sprintf("write: %s=NAME", name))
	}
	return g.check(value)
}

// suggestCapability finds which capability was meant, by its name alone.
func suggestCapability(name string) string {
	var bare []string
	for _, n := range capabilityNames() {
		n, _, _ = strings.Cut(n, "=")
		bare = append(bare, n)
	}
	if s := suggest(name, bare); s != "" {
		return fmt.Sprintf("did you mean %q?", capabilityNames()[slices.Index(bare, s)])
	}
	return "known are: " + strings.Join(capabilityNames(), ", ")
}

// ParseCapabilities reads words as [ParseCapability] does and refuses to hear one thing twice.
func ParseCapabilities(words []string) (Capabilities, error) {
	var list Capabilities
	for _, w := range words {
		c, err := ParseCapability(w)
		if err != nil {
			return nil, err
		}
		for _, old := range list {
			if old.Name == c.Name && (old.Value == c.Value || c.Name == "arch") {
				return nil, hinted(fmt.Sprintf("%q is named twice", c.Name), "keep one of them")
			}
		}
		list = append(list, c)
	}
	return list, nil
}

// Missing lists what the set needs and a bot does not have, in words for people: "needs kvm", "needs memory=4G, has
// 2G". It is empty when the bot can do the job. Who has kvm has vm.
func (c Capabilities) Missing(has Capabilities) []string {
	var missing []string
	for _, need := range c {
		if reason := need.missing(has); reason != "" {
			missing = append(missing, reason)
		}
	}
	return missing
}

// missing says why a bot does not have one thing, or "".
func (c Capability) missing(has Capabilities) string {
	var other []string
	for _, h := range has {
		switch {
		case c.Name == "vm" && h.Name == "kvm":
			return ""
		case h.Name != c.Name:
		case h.Bytes >= c.Bytes && h.Value == c.Value:
			return ""
		case c.Bytes > 0:
			other = append(other, FormatSize(h.Bytes))
		case c.Name != "secret": // which secrets a machine holds is nobody's business
			other = append(other, h.Value)
		}
	}
	if len(other) > 0 {
		return "needs " + c.String() + ", has " + strings.Join(other, " ")
	}
	return "needs " + c.String()
}

// Requires lists all that a bot must have for a task: what its header needs, the place it runs in, and its secrets.
func (h *Header) Requires() Capabilities {
	list := h.forAll(slices.Clone(h.Needs))
	add := func(c Capability) {
		if !slices.Contains(list, c) {
			list = append(list, c)
		}
	}
	if h.In.Kind != AnyPlace {
		add(Capability{Name: string(h.In.Kind)})
	}
	for _, s := range h.Secrets {
		add(Capability{Name: "secret", Value: s})
	}
	return list
}
