package checkout

import "syscall"

// attributes puts a command into a group of its own and binds it to the thread
// that starts it.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
