package tasks

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/cyborg-bots/cyborg/container"
)

// MaxMachines is how many machines a task may have beside its own.
const MaxMachines = 8

// MachineMemory is what each machine of a task with several has if the task does not say how much it needs.
const MachineMemory = 1 << 30

// A Machine is one beside a job's own, on a network that only the two and the others beside see.
type Machine struct {
	Name  string // by which the others reach it
	Image string // the disk that it starts from; empty is that of the job's own machine
}

// String prints it as a header does.
func (m Machine) String() string {
	if m.Image == "" {
		return m.Name
	}
	return m.Name + "=" + m.Image
}

// machineName is a name in DNS, hence in the guests' /etc/hosts and for their ssh.
var machineName = grammar{"machine name", regexp.MustCompile(`^[a-z]([a-z0-9-]{0,28}[a-z0-9])?$`),
	"small letters, digits and -, beginning with a letter, at most 30"}

// readMachines reads NAME=IMAGE and NAME.
func readMachines(h *Header, f *field) error {
	for _, w := range f.words {
		if strings.HasSuffix(w.text, ",") {
			return &atWord{w, hinted(fmt.Sprintf("%q ends in a comma", w.text), "put blanks between machines, no commas")}
		}
		m, err := parseMachine(w.text)
		if err != nil {
			return &atWord{w, err}
		}
		h.Machines = append(h.Machines, m)
	}
	if len(h.Machines) > MaxMachines {
		return hinted(fmt.Sprintf("%d machines", len(h.Machines)), fmt.Sprintf("at most %d beside the job's own", MaxMachines))
	}
	return unique(h.MachineNames())
}

// parseMachine reads one machine. Two names are taken: every machine has them for itself and for the job's own.
func parseMachine(text string) (Machine, error) {
	name, image, valued := strings.Cut(text, "=")
	m := Machine{Name: name, Image: image}
	if err := machineName.check(name); err != nil {
		return m, err
	}
	if name == container.OwnMachine || name == "localhost" {
		return m, hinted(fmt.Sprintf("a machine beside the job's own cannot be called %q", name), "choose another name")
	}
	if !valued {
		return m, nil
	}
	return m, imageName.check(image)
}

// MachineNames are the names of the machines beside a job's own, in the header's order.
func (h *Header) MachineNames() []string {
	var names []string
	for _, m := range h.Machines {
		names = append(names, m.Name)
	}
	return names
}

// checkMachines refuses machines beside a job that is in none itself.
func checkMachines(h *Header, say func(name, problem, hint string)) {
	switch {
	case len(h.Machines) == 0:
	case h.In.Kind != InVM:
		say("machines", "machines stand beside the job's own virtual machine, and the task does not say that it runs in one", "write: in: vm")
	case len(h.Images) == 0:
		say("machines", "the job's own machine has no disk", "write: image: NAME")
	}
}

// Images lists the images that a job of the context starts machines from, its own and those beside, each once.
func (c Context) Images() []string {
	var list []string
	for _, v := range c.Axes {
		if v.Axis == imageAxis {
			list = append(list, v.Value)
		}
	}
	for _, m := range c.Task.Machines {
		if m.Image != "" && !slices.Contains(list, m.Image) {
			list = append(list, m.Image)
		}
	}
	return list
}

// forAll is what a bot must have for all machines of a task at once: each may have as much as the header says.
func (h *Header) forAll(list Capabilities) Capabilities {
	if len(h.Machines) == 0 {
		return list
	}
	n, said := int64(1+len(h.Machines)), false
	for i, c := range list {
		if c.Name == "memory" || c.Name == "disk" {
			list[i].Bytes = c.Bytes * n
		}
		said = said || c.Name == "memory"
	}
	if !said {
		list = append(list, Capability{Name: "memory", Bytes: MachineMemory * n})
	}
	return list
}

// machineText lists the machines beside a job's own, for people.
func (h *Header) machineText() string {
	var words []string
	for _, m := range h.Machines {
		words = append(words, m.String())
	}
	return strings.Join(words, " ")
}
