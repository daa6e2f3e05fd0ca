//go:build linux && (amd64 || arm64)

package container

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Offsets in the kernel's struct seccomp_data.
const (
	seccompNumber   = 0
	seccompArch     = 4
	seccompArgument = 16 // the low half of the first of six, eight bytes each, little endian
)

// x32Bit marks the system calls of another calling convention of the same processor.
const x32Bit = 0x40000000

// namespaceFlags are those of clone that make a namespace. In one of its own a job would have every capability, and with
// it the whole width of the kernel to attack.
const namespaceFlags = unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWIPC |
	unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWTIME

// denied are the system calls that no job needs to build and test software: those that make namespaces and mounts, load
// code into the kernel, set the machine's clock, or have a history of ways out. They fail with EPERM, as without the
// privilege; containers of Docker and Podman deny them too.
func denied() []uint32 {
	return append([]uint32{
		unix.SYS_ACCT, unix.SYS_ADD_KEY, unix.SYS_ADJTIMEX, unix.SYS_BPF, unix.SYS_CHROOT, unix.SYS_CLOCK_ADJTIME, unix.SYS_CLOCK_SETTIME,
		unix.SYS_DELETE_MODULE, unix.SYS_FANOTIFY_INIT, unix.SYS_FINIT_MODULE, unix.SYS_FSCONFIG, unix.SYS_FSMOUNT, unix.SYS_FSOPEN,
		unix.SYS_FSPICK, unix.SYS_INIT_MODULE, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER, unix.SYS_IO_URING_SETUP,
		unix.SYS_KEXEC_FILE_LOAD, unix.SYS_KEXEC_LOAD, unix.SYS_KEYCTL, unix.SYS_LOOKUP_DCOOKIE, unix.SYS_MOUNT, unix.SYS_MOUNT_SETATTR,
		unix.SYS_MOVE_MOUNT, unix.SYS_NAME_TO_HANDLE_AT, unix.SYS_NFSSERVCTL, unix.SYS_OPEN_BY_HANDLE_AT, unix.SYS_OPEN_TREE,
		unix.SYS_PERF_EVENT_OPEN, unix.SYS_PIVOT_ROOT, unix.SYS_QUOTACTL, unix.SYS_QUOTACTL_FD, unix.SYS_REBOOT, unix.SYS_REQUEST_KEY,
		unix.SYS_SETDOMAINNAME, unix.SYS_SETHOSTNAME, unix.SYS_SETNS, unix.SYS_SETTIMEOFDAY, unix.SYS_SWAPOFF, unix.SYS_SWAPON,
		unix.SYS_SYSLOG, unix.SYS_UMOUNT2, unix.SYS_UNSHARE, unix.SYS_USERFAULTFD, unix.SYS_VHANGUP,
	}, deniedHere()...)
}

// families are the kinds of sockets that a job may make; another fails as if the kernel did not have it.
func families() []uint32 { return []uint32{unix.AF_UNIX, unix.AF_INET, unix.AF_INET6, unix.AF_NETLINK} }

// A filter is a program for the kernel's seccomp.
type filter []unix.SockFilter

func (f *filter) load(offset uint32) {
	*f = append(*f, unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset})
}

// unless skips the next n instructions if the loaded value compares as test says.
func (f *filter) unless(test uint16, k uint32, n uint8) {
	*f = append(*f, unix.SockFilter{Code: unix.BPF_JMP | test | unix.BPF_K, Jt: n, K: k})
}

// when skips the next n instructions if the loaded value does not compare as test says.
func (f *filter) when(test uint16, k uint32, n uint8) {
	*f = append(*f, unix.SockFilter{Code: unix.BPF_JMP | test | unix.BPF_K, Jf: n, K: k})
}

func (f *filter) fail(errno unix.Errno) { f.end(unix.SECCOMP_RET_ERRNO | uint32(errno)) }

func (f *filter) end(action uint32) {
	*f = append(*f, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: action})
}

// jobFilter is the program for jobs.
func jobFilter() filter {
	var f filter
	f.load(seccompArch)
	f.unless(unix.BPF_JEQ, auditArch, 1)
	f.fail(unix.ENOSYS) // programs of another architecture would have other numbers
	f.load(seccompNumber)
	f.when(unix.BPF_JGE, x32Bit, 1)
	f.fail(unix.ENOSYS)
	for _, number := range denied() {
		f.when(unix.BPF_JEQ, number, 1)
		f.fail(unix.EPERM)
	}
	// Its flags lie in memory, where a filter cannot look; C libraries fall back to clone.
	f.when(unix.BPF_JEQ, unix.SYS_CLONE3, 1)
	f.fail(unix.ENOSYS)

	f.when(unix.BPF_JEQ, unix.SYS_CLONE, 4)
	f.load(seccompArgument)
	f.when(unix.BPF_JSET, namespaceFlags, 1)
	f.fail(unix.EPERM)
	f.end(unix.SECCOMP_RET_ALLOW)

	// Typing on the bot's terminal, if there were one.
	f.when(unix.BPF_JEQ, unix.SYS_IOCTL, 5)
	f.load(seccompArgument + 8)
	f.unless(unix.BPF_JEQ, unix.TIOCSTI, 1)
	f.when(unix.BPF_JEQ, tioclinux, 1)
	f.fail(unix.EPERM)
	f.end(unix.SECCOMP_RET_ALLOW)

	f.when(unix.BPF_JEQ, unix.SYS_SOCKET, uint8(2*len(families())+2))
	f.load(seccompArgument)
	for _, family := range families() {
		f.when(unix.BPF_JEQ, family, 1)
		f.end(unix.SECCOMP_RET_ALLOW)
	}
	f.fail(unix.EAFNOSUPPORT)
	f.end(unix.SECCOMP_RET_ALLOW)
	return f
}

// tioclinux is the request by which a program pastes into a virtual console.
const tioclinux = 0x541c

// file gives the program as bubblewrap reads it: an open file, at its start.
func (f filter) file() (*os.File, error) {
	fd, err := unix.MemfdCreate("seccomp", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make seccomp filter: %w", err)
	}
	file := os.NewFile(uintptr(fd), "seccomp")
	var text bytes.Buffer
	if err = binary.Write(&text, binary.NativeEndian, []unix.SockFilter(f)); err == nil {
		_, err = file.WriteAt(text.Bytes(), 0)
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("make seccomp filter: %w", err)
	}
	return file, nil
}

// filterThread puts this thread, and what it starts, under the rules for jobs.
func filterThread() error {
	rules := jobFilter()
	program := unix.SockFprog{Len: uint16(len(rules)), Filter: &rules[0]}
	err := unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0)
	runtime.KeepAlive(rules)
	return err
}
