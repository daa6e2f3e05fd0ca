package tasks

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// A key is one key of the header: how its value is read, and whether it may be empty.
type key struct {
	name  string
	empty bool
	read  func(h *Header, f *field) error
}

// keys is the table of everything that a header can say.
func keys() []key {
	return []key{
		{"on", false, readOn},
		{"branches", false, readBranches},
		{"image", false, readImages},
		{"with", false, readWith},
		{"in", false, readPlace},
		{"machines", false, readMachines},
		{"needs", true, readNeeds},
		{"secrets", true, readSecrets},
		{"timeout", false, readTimeout},
		{"results", false, readResults},
		{"artifacts", true, func(h *Header, f *field) error { return readFiles(&h.Artifacts, f) }},
		{"every", false, readEvery},
		{"paths", false, func(h *Header, f *field) error { return readFiles(&h.Paths, f) }},
		{"after", false, func(h *Header, f *field) error { return readNames(&h.After, f, taskName) }},
		{"network", false, readNetwork},
		{"push", false, readPush},
	}
}

// keyNames are the names of the keys.
func keyNames() []string {
	var names []string
	for _, k := range keys() {
		names = append(names, k.name)
	}
	return names
}

// An atWord ties a problem to the word that has it.
type atWord struct {
	word word
	err  error
}

func (e *atWord) Error() string { return e.err.Error() }
func (e *atWord) Unwrap() error { return e.err }

func readOn(h *Header, f *field) error {
	for item := range strings.SplitSeq(f.value(), ",") {
		e, err := parseEvent(strings.TrimSpace(item))
		if err != nil {
			return err
		}
		if slices.Contains(h.On, e) {
			return hinted(fmt.Sprintf("%q is named twice", e), "keep one of them")
		}
		h.On = append(h.On, e)
	}
	return nil
}

func readBranches(h *Header, f *field) error {
	for _, w := range f.words {
		if err := checkPattern(w.text); err != nil {
			return &atWord{w, err}
		}
		h.Branches = append(h.Branches, w.text)
	}
	return unique(h.Branches)
}

func readImages(h *Header, f *field) error { return readNames(&h.Images, f, imageName) }

// readNames reads words that are all names of one kind, none of them twice.
func readNames(to *[]string, f *field, g grammar) error {
	for _, w := range f.words {
		if strings.HasSuffix(w.text, ",") {
			return &atWord{w, hinted(fmt.Sprintf("%q ends in a comma", w.text), "put blanks between names, no commas")}
		}
		if err := g.check(w.text); err != nil {
			return &atWord{w, err}
		}
		*to = append(*to, w.text)
	}
	return unique(*to)
}

// unique refuses a list that names something twice; GitHub's contexts do not tell capital letters from small ones.
func unique(list []string) error {
	seen := map[string]bool{}
	for _, s := range list {
		if seen[strings.ToLower(s)] {
			return hinted(fmt.Sprintf("%q is named twice", s), "keep one of them")
		}
		seen[strings.ToLower(s)] = true
	}
	return nil
}

func readWith(h *Header, f *field) error {
	for _, w := range f.words {
		name, value, begins := strings.Cut(w.text, "=")
		if begins {
			if err := checkAxis(h, name); err != nil {
				return &atWord{w, err}
			}
			h.With = append(h.With, Axis{Name: name})
			if value == "" {
				continue
			}
		} else {
			value = name
		}
		if len(h.With) == 0 {
			return &atWord{w, hinted(fmt.Sprintf("%q belongs to no axis", value), "write for example: with: browser=firefox chrome")}
		}
		if err := axisValue.check(value); err != nil {
			return &atWord{w, err}
		}
		axis := &h.With[len(h.With)-1]
		axis.Values = append(axis.Values, value)
	}
	for _, a := range h.With {
		if len(a.Values) == 0 {
			return hinted(fmt.Sprintf("axis %q has no values", a.Name), fmt.Sprintf("write: %s=VALUE VALUE", a.Name))
		}
		if err := unique(a.Values); err != nil {
			return err
		}
	}
	return nil
}

// checkAxis refuses names that are taken: by another axis, or by a variable that decides what a process runs.
func checkAxis(h *Header, name string) error {
	if err := axisName.check(name); err != nil {
		return err
	}
	if name == imageAxis {
		return hinted(`the axis "image" is the key "image"`, "write: image: NAME NAME")
	}
	if reserved(variable(name)) {
		return hinted(fmt.Sprintf("axis %q would set the variable %s", name, variable(name)), "choose another name")
	}
	for _, a := range h.With {
		if variable(a.Name) == variable(name) {
			return hinted(fmt.Sprintf("axis %q is named twice", name), "put all its values behind one =")
		}
	}
	return nil
}

func readPlace(h *Header, f *field) error {
	kind, images := PlaceKind(f.words[0].text), f.words[1:]
	switch kind {
	case InVM, OnHost:
		if len(images) > 0 {
			hint := "write: in: " + string(kind)
			if kind == InVM {
				hint = "name disks in: image: NAME"
			}
			return &atWord{images[0], hinted(fmt.Sprintf("%q takes no image", kind), hint)}
		}
	case InContainer:
		if len(images) != 1 {
			return hinted(fmt.Sprintf("%q wants one image, got %d", kind, len(images)), "write: in: container IMAGE")
		}
		if err := containerImage.check(images[0].text); err != nil {
			return &atWord{images[0], err}
		}
		h.In.Image = images[0].text
	default:
		return &atWord{f.words[0], hinted(fmt.Sprintf("unknown place %q", kind),
			didYouMean(string(kind), []string{"vm", "container", "host"}))}
	}
	h.In.Kind = kind
	return nil
}

func readNeeds(h *Header, f *field) (err error) {
	for _, w := range f.words {
		if _, err := ParseCapability(w.text); err != nil {
			return &atWord{w, err}
		}
	}
	h.Needs, err = ParseCapabilities(f.texts())
	return err
}

func readSecrets(h *Header, f *field) error {
	if err := readNames(&h.Secrets, f, secretName); err != nil {
		return err
	}
	for _, w := range f.words {
		if reserved(w.text) {
			return &atWord{w, hinted(fmt.Sprintf("secret %q has the name of a variable of the system", w.text), "choose another name")}
		}
	}
	return nil
}

// readRange reads a duration between two limits.
func readRange(f *field, low, high time.Duration) (time.Duration, error) {
	d, err := ParseDuration(f.value())
	if err == nil && (d < low || d > high) {
		err = hinted(fmt.Sprintf("%q is out of range", f.value()),
			fmt.Sprintf("from %s to %s", FormatDuration(low), FormatDuration(high)))
	}
	return d, err
}

func readTimeout(h *Header, f *field) (err error) {
	h.Timeout, err = readRange(f, time.Second, MaxTimeout)
	return err
}

func readEvery(h *Header, f *field) (err error) {
	h.Every, err = readRange(f, MinEvery, MaxEvery)
	return err
}

func readResults(h *Header, f *field) error {
	kind, files := FormatKind(f.words[0].text), f.words[1:]
	switch kind {
	case JUnit:
		if len(files) == 0 {
			return hinted(`"junit" wants the files it writes`, "write for example: results: junit build/reports/*.xml")
		}
		rest := field{key: f.key, line: f.line, words: files}
		if err := readFiles(&h.Results.Files, &rest); err != nil {
			return err
		}
	case TAP, GoJSON:
		if len(files) > 0 {
			return &atWord{files[0], hinted(fmt.Sprintf("%q takes no files, it is read from the output", kind), "write: results: "+string(kind))}
		}
	default:
		return &atWord{f.words[0], hinted(fmt.Sprintf("unknown format %q", kind),
			didYouMean(string(kind), []string{"tap", "junit", "go-json"}))}
	}
	h.Results.Kind = kind
	return nil
}

// readFiles reads patterns of files.
func readFiles(to *[]string, f *field) error {
	for _, w := range f.words {
		if err := checkFiles(w.text); err != nil {
			return &atWord{w, err}
		}
		if slices.Contains(*to, w.text) {
			return &atWord{w, hinted(fmt.Sprintf("%q is named twice", w.text), "keep one of them")}
		}
		*to = append(*to, w.text)
	}
	return nil
}

func readNetwork(h *Header, f *field) error {
	if err := readNames(&h.Network, f, hostName); err != nil {
		return err
	}
	if len(h.Network) > 1 && slices.Contains(h.Network, "none") {
		return hinted(`"none" beside hosts`, "keep none, or the hosts")
	}
	return nil
}

func readPush(h *Header, f *field) error {
	switch v := f.value(); v {
	case "head":
		h.Push = v
	case "branch":
	default:
		return hinted(fmt.Sprintf("unknown way to push %q", v), didYouMean(v, []string{"head", "branch"}))
	}
	return nil
}
