//go:build linux

package container

import "golang.org/x/sys/unix"

const auditArch = unix.AUDIT_ARCH_AARCH64

// deniedHere are the system calls that only this architecture has.
func deniedHere() []uint32 { return nil }
