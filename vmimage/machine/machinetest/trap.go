package machinetest

import (
	"net"
	"testing"
)

// Trap listens at a port of this host's loopback interface, which a guest must not reach: QEMU's user network leads there unless
// it is told not to. The function says whether anybody came.
func Trap(t testing.TB) (port int, sprung func() bool) {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	reached := make(chan struct{}, 1)
	go func() {
		if conn, err := l.Accept(); err == nil {
			conn.Close()
			reached <- struct{}{}
		}
	}()
	return l.Addr().(*net.TCPAddr).Port, func() bool {
		select {
		case <-reached:
			return true
		default:
			return false
		}
	}
}
