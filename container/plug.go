//go:build linux

package container

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/cyborg-bots/cyborg/container/gate"
)

// tunDevice is where the kernel makes interfaces of programs.
const tunDevice = "/dev/net/tun"

// interfaceName is that of a sandbox's only interface beside the loopback.
const interfaceName = "net0"

// plug makes the interface of the sandbox that this process is in, and hands its other end out through the socket of that
// name, or through lockFD.
func plug(name string) error {
	socket := lockFD
	if name != "" {
		var err error
		if socket, err = unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0); err != nil {
			return err
		}
		defer unix.Close(socket)
		if err := unix.Connect(socket, &unix.SockaddrUnix{Name: name}); err != nil {
			return fmt.Errorf("connect to the bot: %w", err)
		}
	}
	tun, err := unix.Open(tunDevice, unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return fmt.Errorf("open %s: %w", tunDevice, err)
	}
	defer unix.Close(tun)
	request, err := unix.NewIfreq(interfaceName)
	if err != nil {
		return err
	}
	request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(tun, unix.TUNSETIFF, request); err != nil {
		return fmt.Errorf("make interface: %w", err)
	}
	if err := address(interfaceName); err != nil {
		return fmt.Errorf("set up interface: %w", err)
	}
	return unix.Sendmsg(socket, []byte{0}, unix.UnixRights(tun), nil, 0)
}

// address gives an interface its address and makes it the way to everywhere.
func address(name string) error {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(s)
	set := func(what uint, fill func(*unix.Ifreq) error) error {
		request, err := unix.NewIfreq(name)
		if err == nil {
			err = fill(request)
		}
		if err != nil {
			return err
		}
		return unix.IoctlIfreq(s, what, request)
	}
	ip := func(text net.IP) func(*unix.Ifreq) error {
		return func(r *unix.Ifreq) error { return r.SetInet4Addr(text.To4()) }
	}
	number := func(n uint32) func(*unix.Ifreq) error {
		return func(r *unix.Ifreq) error { r.SetUint32(n); return nil }
	}
	flags := func(r *unix.Ifreq) error { r.SetUint16(unix.IFF_UP | unix.IFF_RUNNING); return nil }
	return errors.Join(
		set(unix.SIOCSIFADDR, ip(net.ParseIP(gate.Address))),
		set(unix.SIOCSIFNETMASK, ip(net.IP(net.CIDRMask(gate.Bits, 32)))),
		set(unix.SIOCSIFMTU, number(gate.MTU)),
		set(unix.SIOCSIFFLAGS, flags),
		routeAll(s, name),
	)
}

// A socketAddress is the kernel's struct sockaddr_in.
type socketAddress struct {
	family uint16
	port   uint16
	addr   [4]byte
	_      [8]byte
}

// A routeEntry is the kernel's struct rtentry on 64 bits.
type routeEntry struct {
	_                  uint64
	dst, gateway, mask socketAddress
	flags              uint16
	_                  int16
	_, _               uint64
	metric             int16
	dev                *byte
	mtu, window        uint64
	irtt               uint16
}

// routeAll sends what has no other way to an interface.
func routeAll(socket int, name string) error {
	dev, err := unix.BytePtrFromString(name)
	if err != nil {
		return err
	}
	all := socketAddress{family: unix.AF_INET}
	entry := routeEntry{dst: all, mask: all, gateway: all, flags: unix.RTF_UP, dev: dev}
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(socket), unix.SIOCADDRT, uintptr(unsafe.Pointer(&entry)))
	runtime.KeepAlive(dev)
	if errno != 0 {
		return errno
	}
	return nil
}

// socketPair makes two connected sockets, one of them for another process.
func socketPair() (ours *net.UnixConn, theirs *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("make socket: %w", err)
	}
	near := os.NewFile(uintptr(fds[0]), "socket")
	defer near.Close()
	theirs = os.NewFile(uintptr(fds[1]), "socket")
	c, err := net.FileConn(near)
	if err != nil {
		theirs.Close()
		return nil, nil, fmt.Errorf("make socket: %w", err)
	}
	ours, ok := c.(*net.UnixConn)
	if !ok {
		return nil, nil, errors.Join(errors.New("make socket: not of the kind asked for"), c.Close(), theirs.Close())
	}
	return ours, theirs, nil
}

// receive takes the other end of the interface that plug made.
func receive(socket *net.UnixConn) (*os.File, error) {
	const patience = time.Minute
	_ = socket.SetReadDeadline(time.Now().Add(patience))
	rights := make([]byte, unix.CmsgSpace(4))
	_, n, _, _, err := socket.ReadMsgUnix(make([]byte, 1), rights)
	if err != nil {
		return nil, err
	}
	messages, err := unix.ParseSocketControlMessage(rights[:n])
	if err != nil || len(messages) != 1 {
		return nil, fmt.Errorf("no interface came: %w", err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return nil, fmt.Errorf("no interface came: %w", err)
	}
	unix.CloseOnExec(fds[0])
	return os.NewFile(uintptr(fds[0]), tunDevice), nil
}

// openGate serves the sandbox behind socket, when it has made its interface.
func openGate(ctx context.Context, socket *net.UnixConn, o gate.Options) (*gate.Gate, error) {
	tun, err := receive(socket)
	if err != nil {
		return nil, fmt.Errorf("make network: %w", err)
	}
	return gate.Open(ctx, tun, o)
}
