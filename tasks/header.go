package tasks

import (
	"strings"
	"time"
)

// Limits of a header. They bound what a hostile or broken file can cost: statuses are posted for every context, and
// GitHub refuses a context of more than 255 characters.
const (
	MaxHeader   = 64 << 10 // bytes, from the start of the file to the end of its leading comment
	MaxContexts = 200      // of one task
	MaxContext  = 255      // characters

	// DefaultTimeout holds for a task that names none.
	DefaultTimeout = 2 * time.Hour
	// MaxTimeout is the longest a task may ask for.
	MaxTimeout = 24 * time.Hour
	// MinEvery is the shortest period of a chore: each one is an issue that people see.
	MinEvery = time.Hour
	// MaxEvery is the longest.
	MaxEvery = 366 * 24 * time.Hour
)

// A Header is the whole configuration of a task, written as the leading comment of its file; the package comment has
// the grammar.
type Header struct {
	Doc       string        // what the task does, one line
	On        []Event       // what asks for it; never empty but for a release step
	Branches  []string      // patterns of the base branches it holds for; empty is every branch
	Images    []string      // the first axis: which disks it runs in
	With      []Axis        // more axes
	In        Place         // where it runs
	Machines  []Machine     // more machines beside the job's own, on a network of theirs alone
	Needs     Capabilities  // what a bot must have
	Secrets   []string      // names of the secrets that it is given
	Timeout   time.Duration // when it is stopped; DefaultTimeout if not said
	Results   Format        // how it says what passed
	Artifacts []string      // patterns of files to keep, relative to the working directory
	Every     time.Duration // the period of a chore; 0 is no chore
	Paths     []string      // what a chore may change; empty is everything
	After     []string      // the release steps that must be done before this one
	Network   []string      // "none", or the hosts it may reach; empty is the place's own rule
	Push      string        // "head": a commit goes onto the pull request itself; empty: a branch of the bot's own
}

// A PlaceKind is a kind of place that a task runs in.
type PlaceKind string

// The places of the key "in". AnyPlace is a header without one: the strictest place that the bot can offer.
const (
	AnyPlace    PlaceKind = ""
	InVM        PlaceKind = "vm"
	InContainer PlaceKind = "container"
	OnHost      PlaceKind = "host"
)

// A Place is where a task runs.
type Place struct {
	Kind  PlaceKind
	Image string // the container's image; empty for other kinds
}

// String prints the place as a header does.
func (p Place) String() string {
	return strings.TrimSpace(string(p.Kind) + " " + p.Image)
}

// An Axis is a second (third, …) way in which the contexts of one task differ: browser=firefox chrome.
type Axis struct {
	Name   string
	Values []string
}

// A FormatKind is a way in which tests say what passed.
type FormatKind string

// The formats of the key "results".
const (
	ExitCode FormatKind = ""
	TAP      FormatKind = "tap"
	JUnit    FormatKind = "junit"
	GoJSON   FormatKind = "go-json"
)

// A Format says how a task reports its tests; the zero value is by exit code alone.
type Format struct {
	Kind  FormatKind
	Files []string // patterns of the JUnit files, relative to the working directory
}

// String prints the format as a header does; the exit code prints as nothing.
func (f Format) String() string {
	return strings.TrimSpace(string(f.Kind) + " " + strings.Join(f.Files, " "))
}

// Asks reports whether an event of this kind asks for the task.
func (h *Header) Asks(kind EventKind) bool {
	for _, e := range h.On {
		if e.Kind == kind {
			return true
		}
	}
	return false
}

// AllAxes lists the axes of the contexts, images first, as the axis "image".
func (h *Header) AllAxes() []Axis {
	var axes []Axis
	if len(h.Images) > 0 {
		axes = append(axes, Axis{Name: imageAxis, Values: h.Images})
	}
	return append(axes, h.With...)
}

// imageAxis is the name of the axis that the key "image" makes.
const imageAxis = "image"
