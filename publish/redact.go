package publish

// A Redactor knows the secrets that must not leave the machine.
type Redactor struct{}
