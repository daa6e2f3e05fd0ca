package publish

import (
	"log/slog"
	"time"
)

// Info is what is known of an attempt when it begins. Everything in it is
// published; texts from people are data.
type Info struct {
	Repo     string        // owner/name
	Task     string        // the file in bots/, or the built-in task
	Context  string        // the status context; empty: Task
	Pull     int           // number of the pull request; 0 none
	Issue    int           // number of the issue; 0 none
	Branch   string        // the branch, for jobs that have neither
	SHA      string        // commit that is worked on
	Base     string        // commit that it was merged with; empty: none
	Title    string        // title of the pull request or issue
	Web      string        // address of the forge for people, "https://github.com"; empty: no links
	Bot      string        // the bot's name
	Host     string        // the bot's host
	Version  string        // the bot's version
	Prefix   string        // folder of its objects, from NewPrefix; empty: a new one
	Nonce    string        // the claim's nonce; makes the prefix traceable. Letters and digits
	Line     string        // the line that repeats the run; first line of the log
	Started  time.Time     // zero: now, by the local clock
	Timeout  time.Duration // 0: none
	Previous string        // address of the attempt before this one (a bot that died, a retry); empty: none

	Unlisted bool // in no index: who finds one of a private repository would find its logs

	Progress func(Step) // is told, by one goroutine at a time, how far the end of a big attempt is; nil: nobody waits

	Limits  Limits       // zero values: the defaults
	Redact  *Redactor    // nil: nothing is secret
	Scratch string       // folder for scratch files; empty: the system's
	Log     *slog.Logger // the bot's own log; nil: none
}

// Limits bound what one attempt may publish.
type Limits struct {
	Log       int64         // bytes of log kept; 0: 100 MB
	Flush     time.Duration // a printed line is sent after at most this long; 0: 2 s
	Chunk     int64         // or as soon as that many bytes wait; 0: 1 MB
	File      int64         // bytes of one artifact; 0: 100 MB
	Files     int           // number of artifacts; 0: 500
	FileTotal int64         // bytes of all artifacts; 0: 1 GB
	Patience  time.Duration // how long Finish tries a store that fails; 0: 2 min
}

// State is how an attempt stands or ended. Failure is the task's "no"; Error
// and what follows it are not the author's fault.
type State string

// The states of an attempt.
const (
	StateRunning   State = "running"
	StateSuccess   State = "success"
	StateFailure   State = "failure"   // the task said no
	StateError     State = "error"     // our own trouble: infrastructure
	StateCancelled State = "cancelled" // superseded, closed, or asked to stop
	StateTimeout   State = "timeout"   // took longer than its task allows
	StateSkipped   State = "skipped"   // nothing to do (exit code 77)
)

// An Outcome is how an attempt ended.
type Outcome struct {
	State       State
	Description string    // one line, the text of the status: "3 tests failed"
	Finished    time.Time // zero: now, by the local clock
}
