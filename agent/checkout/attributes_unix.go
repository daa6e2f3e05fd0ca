//go:build unix && !linux

package checkout

import "syscall"

// attributes puts a command into a group of its own.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
