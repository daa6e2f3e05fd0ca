package publish

import "time"

// Status is how one test ended.
type Status string

// The statuses of a test. A failure that matches a known issue stays [Failed]
// and carries [Test.Issue]: it is shown apart and is not the author's fault.
const (
	Running Status = "running" // begun, no result yet
	Passed  Status = "passed"
	Failed  Status = "failed"
	Skipped Status = "skipped"
	Todo    Status = "todo" // failed, and was expected to
)

// A Test is one test of a job, as the job reported it. Its texts are foreign:
// they are shown as text, and cut to sane lengths.
type Test struct {
	Name      string        // unique in its report; parsers number repeated names
	Status    Status        // how it ended
	Duration  time.Duration // 0 if the job did not say
	Message   string        // why it failed or was skipped; may have several lines
	Line      int           // first line of its output, counted from 1 in what the job printed; 0 unknown
	End       int           // last line of its output, normally the one with the result; 0 unknown
	Retries   int           // how often it was run again before this result
	Issue     int           // number of the known issue that its failure matches; 0 none
	Artifacts []string      // names of the artifacts that belong to it, as given to Attempt.Artifact
}

// A Report is what is known of a job's tests at some moment.
type Report struct {
	Tests   []Test // in the order in which they ended
	Planned int    // how many tests there will be in all; 0 unknown
	Problem string // what is wrong with the report itself ("planned 10 tests but ran 7"); empty: nothing
	Offset  int    // lines of the log that precede the job's output; added to Line and End. See Attempt.Lines
}

// Counts sums up a report. Known failures are counted apart from Failed.
type Counts struct {
	Total   int `json:"total"` // all tests that the report lists
	Passed  int `json:"passed"`
	Failed  int `json:"failed"` // without known issues
	Known   int `json:"known"`  // failed because of a known issue
	Skipped int `json:"skipped"`
	Todo    int `json:"todo"`
	Running int `json:"running"`
	Retried int `json:"retried"` // needed more than one try, whatever came of it
	ToGo    int `json:"to_go"`   // planned and not yet ended; 0 if the plan is unknown
}

// Counts counts the tests of r.
func (r Report) Counts() Counts {
	c := Counts{Total: len(r.Tests)}
	for _, t := range r.Tests {
		if t.Retries > 0 {
			c.Retried++
		}
		switch t.Status {
		case Passed:
			c.Passed++
		case Failed:
			if t.Issue > 0 {
				c.Known++
			} else {
				c.Failed++
			}
		case Skipped:
			c.Skipped++
		case Todo:
			c.Todo++
		case Running:
			c.Running++
		}
	}
	c.ToGo = max(0, r.Planned-(c.Total-c.Running))
	return c
}

// Failures returns the tests that failed and match no known issue, in order.
func (r Report) Failures() []Test {
	var list []Test
	for _, t := range r.Tests {
		if t.Status == Failed && t.Issue == 0 {
			list = append(list, t)
		}
	}
	return list
}
