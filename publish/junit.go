package publish

import (
	"encoding/xml"
	"fmt"
	"strings"
	"time"
	"unicode"
)

// The elements of JUnit's format that other programs agree on.
type (
	junitSuites struct {
		XMLName  xml.Name   `xml:"testsuites"`
		Tests    int        `xml:"tests,attr"`
		Failures int        `xml:"failures,attr"`
		Skipped  int        `xml:"skipped,attr"`
		Suite    junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name      string      `xml:"name,attr"`
		Tests     int         `xml:"tests,attr"`
		Failures  int         `xml:"failures,attr"`
		Errors    int         `xml:"errors,attr"`
		Skipped   int         `xml:"skipped,attr"`
		Time      string      `xml:"time,attr"`
		Timestamp string      `xml:"timestamp,attr"`
		Hostname  string      `xml:"hostname,attr,omitempty"`
		Cases     []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Class   string        `xml:"classname,attr"`
		Name    string        `xml:"name,attr"`
		Time    string        `xml:"time,attr"`
		Failure *junitMessage `xml:"failure"`
		Error   *junitMessage `xml:"error"`
		Skipped *junitMessage `xml:"skipped"`
	}
	junitMessage struct {
		Message string `xml:"message,attr,omitempty"`
		Text    string `xml:",chardata"`
	}
)

// junit is the same results for programs that know nothing of us. A known
// issue and an expected failure count as skipped there, a test that did not
// come to its end as an error.
func (r Results) junit() ([]byte, error) {
	suite := junitSuite{
		Name: xmlText(r.Context), Tests: len(r.Tests), Hostname: xmlText(r.Host),
		Timestamp: r.Started.Format(time.RFC3339), Time: "0",
	}
	if r.Finished != nil {
		suite.Time = fmt.Sprintf("%.3f", r.Finished.Sub(r.Started).Seconds())
	}
	for _, t := range r.Tests {
		c := junitCase{Class: suite.Name, Name: xmlText(t.Name), Time: fmt.Sprintf("%.3f", t.Seconds)}
		first, _, _ := strings.Cut(t.Message, "\n")
		text := &junitMessage{Message: xmlText(first), Text: xmlText(t.Message)}
		switch {
		case t.Status == Failed && t.Issue > 0:
			c.Skipped = &junitMessage{Message: fmt.Sprintf("known issue #%d", t.Issue), Text: text.Text}
			suite.Skipped++
		case t.Status == Failed:
			c.Failure = text
			suite.Failures++
		case t.Status == Skipped || t.Status == Todo:
			c.Skipped = text
			suite.Skipped++
		case t.Status == Running:
			c.Error = &junitMessage{Message: "no result"}
			suite.Errors++
		}
		suite.Cases = append(suite.Cases, c)
	}
	all := junitSuites{Tests: suite.Tests, Failures: suite.Failures, Skipped: suite.Skipped, Suite: suite}
	data, err := xml.MarshalIndent(all, "", " ")
	if err != nil {
		return nil, fmt.Errorf("encode junit: %w", err)
	}
	return append([]byte(xml.Header), append(data, '\n')...), nil
}

// xmlText drops what XML 1.0 cannot hold.
func xmlText(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' || r == 0xFFFE || r == 0xFFFF {
			return -1
		}
		return r
	}, s)
}
