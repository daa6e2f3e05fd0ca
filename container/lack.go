package container

// A LackError is that a place cannot have what a job needs at this time, through nobody's fault: a peer may have it, or
// the same place later. It says nothing about the job.
type LackError struct {
	Thing string // what it is, for people, and the same on every bot: "the disk debian-0123456789ab"
	Name  string // what it is called where one can ask for it again
	Cause error  // why it is not there; may be nil
}

// Error implements error.
func (e *LackError) Error() string {
	if e.Cause == nil {
		return "needs " + e.Thing
	}
	return "needs " + e.Thing + ": " + e.Cause.Error()
}

// Unwrap implements errors.Unwrap.
func (e *LackError) Unwrap() error { return e.Cause }
