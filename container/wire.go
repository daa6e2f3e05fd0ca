//go:build linux

package container

// The supervisor's files beside its standard input, which is the lifeline.
const (
	reportFD = 3 // lines of JSON to the bot
	outputFD = 4 // becomes the job's stdout and stderr
	lockFD   = 5 // of the scratch directory, held while anything of the job lives
)

// How a supervisor is told from a bot. The second word is an unknown flag to
// a program that does not call Supervise, so that it stops at once.
const (
	supervisorName = "cyborg-supervisor"
	supervisorFlag = "-supervise-job"
)

// attachedFlag is supervisorFlag for a supervisor that has only the standard files, as a container's first process: it
// reads the lifeline from the first, the job's output goes to the second, reports to the third.
const attachedFlag = "-supervise-job-attached"

// An order is the first line on the lifeline: what to run.
type order struct {
	Argv    []string
	Dir     string
	Env     []string
	Scratch string // removed by the supervisor if the bot dies

	// Of the process that makes a sandbox, and of the supervisor inside it:
	Extra   int        // how many descriptors after lockFD the command gets: the first as standard input, the others from 3 on
	Streams bool       // the first three of Extra are the command's standard input, output and error
	Deaf    bool       // commandTerm is not passed on to the command: somebody inside is told
	Groups  []string   // control groups, removed by the supervisor if the bot dies
	After   [][]string // commands, run by the supervisor if the bot dies
	Inside  bool       // this supervisor is process 1 of a sandbox: the job must not look into it
	Plug    bool       // make a network interface and hand it out through lockFD, which is a socket then
	Filter  bool       // keep the job from the system calls that it does not need: nobody else does, or not well enough
	Shared  string     // a directory that is made for everybody to write
	PlugAt  string     // the socket's name, if it is not lockFD
	User    int        // who the job is, when the supervisor may decide; 0 is whoever the supervisor is
	Limits  []rlimit   // of the job's processes
}

// A rlimit is one of setrlimit's.
type rlimit struct {
	Resource int
	Value    uint64
}

// Commands on the lifeline after the order, one byte each.
const (
	commandTerm = 't' // SIGTERM to the job's group
	commandKill = 'k' // the end of everything
)

// A report is a line from the supervisor.
type report struct {
	Started bool   // the command runs
	PID     int    // its process number, beside Started
	Refused string // it cannot be started, the task's fault
	Trouble string // it cannot be started, our trouble
	Ended   bool   // the command has ended and everything of it was killed
	Code    int
	Signal  string
	Stopped bool  // it was still running when commandTerm or commandKill came
	Gone    bool  // nothing of it is left
	Left    []int // some of what is left
	Kills   int   // processes that the kernel killed because memory was used up, as far as that can be seen inside
}
