// Package libvirt is the machine.Driver over libvirt and QEMU.
//
// It is compiled without libvirt's headers (build tag libvirt_dlopen) and loads the library when it is first used, so
// that the same program runs on machines that have none; then every call says what to install. Without the tag or
// without cgo, Open says so.
//
// The usual connection is qemu:///session: an ordinary user's own daemon, started by the library when it is needed and
// gone two minutes after. It needs no privilege, works in an unprivileged container with all capabilities dropped, and
// never changes the owner of a file. Root has no session: for root it is the system's daemon.
//
// Some things are said to QEMU directly (qemu:commandline), since the libvirt of Debian 12 cannot say them: the user
// network with a forwarded port, which needs no device and no privilege, with restrict=on so that the guest reaches
// nothing; and the private network over a unix socket.
package libvirt
