package tasks

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Limits of a document, before it is given to the JUnit library, which keeps the text of every element once for each
// element around it.
const (
	maxDepth    = 12      // of elements
	maxElements = 500_000 // looked at
	maxPlain    = 8 << 20 // bytes of the document that is kept
	maxValue    = 4 << 10 // bytes of an attribute
	maxAttrs    = 20      // of an element
	retriesAttr = "cyborg-retries"
)

// plainJUnit writes a foreign JUnit document anew with only what a report shows of it: suites, cases, failures and
// skips, texts cut to size, no output, no properties, no name spaces. It counts the tries before a success or a failure
// that Maven's surefire reports (flakyFailure, rerunFailure and the like) in an attribute of their case.
func plainJUnit(in io.Reader) ([]byte, error) {
	d := xml.NewDecoder(&printableReader{in: in})
	d.CharsetReader = latin1
	w := plainWriter{}
	for {
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if err := w.token(token); err != nil {
			return nil, err
		}
	}
	if len(w.open) > 0 {
		return nil, fmt.Errorf("the document ends inside <%s>", clip(w.open[len(w.open)-1], 40))
	}
	if !w.suites {
		return nil, errors.New("no <testsuite> in it")
	}
	return w.out.Bytes(), nil
}

// A plainWriter is the state of plainJUnit.
type plainWriter struct {
	out      bytes.Buffer
	open     []string // elements around the current place
	skip     int      // depth below which everything is left out; 0 is nothing
	elements int
	suites   bool

	kase    bytes.Buffer // what is in the current test case, written when it ends: its retries are known only then
	attrs   []xml.Attr   // of the current test case
	inCase  bool
	retries int
	text    int // bytes of text of the current failure
	reason  bytes.Buffer
}

// token takes the next token.
func (w *plainWriter) token(token xml.Token) error {
	switch t := token.(type) {
	case xml.StartElement:
		return w.start(t)
	case xml.EndElement:
		return w.end(t.Name.Local)
	case xml.CharData:
		w.chars(t)
	case xml.Directive:
		if bytes.Contains(bytes.ToUpper(t), []byte("ENTITY")) {
			return errors.New("declares entities")
		}
	}
	if w.out.Len()+w.kase.Len() > maxPlain {
		return errors.New("too large")
	}
	return nil
}

// start takes the beginning of an element.
func (w *plainWriter) start(t xml.StartElement) error {
	name := t.Name.Local
	w.open = append(w.open, name)
	w.elements++
	if len(w.open) > maxDepth {
		return fmt.Errorf("elements are nested more than %d deep", maxDepth)
	}
	if w.elements > maxElements {
		return fmt.Errorf("more than %d elements", maxElements)
	}
	if w.skip > 0 {
		return nil
	}
	switch {
	case w.inCase && slices.Contains([]string{"flakyFailure", "flakyError", "rerunFailure", "rerunError"}, name):
		w.retries++
		w.skip = len(w.open)
	case w.inCase && name == "skipped":
		w.text, w.reason = 0, bytes.Buffer{}
		for _, a := range t.Attr {
			if a.Name.Local == "message" {
				w.reason.WriteString(a.Value + "\n")
			}
		}
	case w.inCase && (name == "failure" || name == "error"):
		w.text = 0
		element(&w.kase, name, t.Attr)
	case !w.inCase && name == "testcase" && slices.Contains(w.open, "testsuite"):
		w.inCase, w.retries = true, 0
		w.attrs = slices.DeleteFunc(t.Copy().Attr, func(a xml.Attr) bool { return a.Name.Local == retriesAttr })
		w.kase.Reset()
	case !w.inCase && name == "testsuite":
		w.suites = true
		element(&w.out, name, t.Attr)
	case !w.inCase && name == "testsuites":
		w.suites = true // an empty list of suites is a list
		element(&w.out, name, nil)
	default:
		w.skip = len(w.open)
	}
	return nil
}

// end takes the end of an element.
func (w *plainWriter) end(name string) error {
	depth := len(w.open)
	if depth == 0 || w.open[depth-1] != name {
		return fmt.Errorf("</%s> ends nothing", clip(name, 40))
	}
	w.open = w.open[:depth-1]
	switch {
	case w.skip == depth:
		w.skip = 0
	case w.skip > 0:
	case name == "testcase":
		w.inCase = false
		attrs := w.attrs
		if w.retries > 0 {
			attrs = slices.Concat([]xml.Attr{{Name: xml.Name{Local: retriesAttr}, Value: strconv.Itoa(w.retries)}}, attrs)
		}
		element(&w.out, name, attrs)
		w.out.Write(w.kase.Bytes())
		w.out.WriteString("</testcase>\n")
	case w.inCase && name == "skipped":
		// The library knows a reason only as an attribute; some frameworks write it as text.
		element(&w.kase, name, []xml.Attr{{Name: xml.Name{Local: "message"}, Value: strings.TrimSpace(w.reason.String())}})
		w.kase.WriteString("</skipped>")
	case w.inCase:
		w.kase.WriteString("</" + name + ">")
	default:
		w.out.WriteString("</" + name + ">\n")
	}
	return nil
}

// chars takes text: that of failures and skips is kept, up to a limit.
func (w *plainWriter) chars(text []byte) {
	if w.skip > 0 || !w.inCase || w.open[len(w.open)-1] == "testcase" {
		return
	}
	text = text[:min(len(text), maxMessage-w.text)]
	w.text += len(text)
	if w.open[len(w.open)-1] == "skipped" {
		w.reason.Write(text)
		return
	}
	escape(&w.kase, text)
}

// element writes a start tag.
func element(to *bytes.Buffer, name string, attrs []xml.Attr) {
	to.WriteString("<" + name)
	for _, a := range attrs[:min(len(attrs), maxAttrs)] {
		if a.Name.Space != "" || !slices.Contains([]string{"name", "classname", "time", "message", "type", retriesAttr}, a.Name.Local) {
			continue
		}
		to.WriteString(" " + a.Name.Local + `="`)
		escape(to, []byte(clip(a.Value, maxValue)))
		to.WriteString(`"`)
	}
	to.WriteString(">")
}

// escape writes text that is to be read back as it is. The buffer takes everything, hence no error.
func escape(to *bytes.Buffer, text []byte) { _ = xml.EscapeText(to, text) }

// A printableReader replaces the control characters that XML forbids, and that test frameworks print all the same
// (colours, mostly), by question marks.
type printableReader struct{ in io.Reader }

func (r *printableReader) Read(p []byte) (int, error) {
	n, err := r.in.Read(p)
	for i, c := range p[:n] {
		if c < ' ' && c != '\n' && c != '\t' && c != '\r' {
			p[i] = '?'
		}
	}
	return n, err
}

// latin1 reads the one other encoding that is seen in the wild.
func latin1(charset string, in io.Reader) (io.Reader, error) {
	switch strings.ToLower(charset) {
	case "utf-8", "us-ascii", "ascii":
		return in, nil
	case "iso-8859-1", "iso-8859-15", "latin1", "windows-1252":
		return &latin1Reader{in: in}, nil
	}
	return nil, fmt.Errorf("encoding %q is not read, write UTF-8", clip(charset, 40))
}

// A latin1Reader makes UTF-8 of ISO 8859-1.
type latin1Reader struct {
	in      io.Reader
	pending []byte
}

func (r *latin1Reader) Read(p []byte) (int, error) {
	if len(r.pending) == 0 {
		var raw [4096]byte
		n, err := r.in.Read(raw[:])
		if n == 0 {
			return 0, err
		}
		for _, c := range raw[:n] {
			r.pending = append(r.pending, string(rune(c))...)
		}
	}
	n := copy(p, r.pending)
	r.pending = r.pending[n:]
	return n, nil
}
