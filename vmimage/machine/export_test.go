package machine

// Abandon leaves a machine as a bot does that was killed: the domain runs, nobody holds the lock.
func (m *Machine) Abandon() error { return m.lock.Close() }
