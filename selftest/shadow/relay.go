package shadow

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
)

// relayName is the first argument with which this program is the relay.
const relayName = "shadow-relay"

// Relay is what main calls first: if this process is the relay in the place of a job, it does its work, and gives the
// exit status. args are the process's: PROGRAM shadow-relay SOCKET COMMAND [ARG…]. The command finds its GitHub at a port
// of the loopback interface, and all that it sends there goes to the socket.
func Relay(args []string) (code int, ok bool) {
	if len(args) < 4 || args[1] != relayName {
		return 0, false
	}
	code, err := relay(args[2], args[3:])
	if err != nil {
		fmt.Fprintf(os.Stderr, "relay: %v\n", err)
		return relayBroke, true
	}
	return code, true
}

// relayBroke is the exit status of a relay that did not come to run its command.
const relayBroke = 99

func relay(socket string, argv []string) (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go carry(conn, socket)
		}
	}()
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), "GITHUB_API_URL=http://"+listener.Addr().String(), "GITHUB_TOKEN=of-the-window")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	over := make(chan struct{})
	defer close(over)
	go func() {
		for {
			select {
			case s := <-signals:
				_ = cmd.Process.Signal(s)
			case <-over:
				return
			}
		}
	}()
	err = cmd.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			return 128 + int(status.Signal()), nil
		}
		return exit.ExitCode(), nil
	}
	return 0, err
}

// carry carries one connection to the socket.
func carry(conn net.Conn, socket string) {
	defer conn.Close()
	far, err := net.Dial("unix", socket)
	if err != nil {
		return
	}
	defer far.Close()
	var both sync.WaitGroup
	both.Go(func() { pour(far, conn) })
	both.Go(func() { pour(conn, far) })
	both.Wait()
}

// pour copies one direction, and passes its end on.
func pour(to, from net.Conn) {
	_, _ = io.Copy(to, from)
	if half, ok := to.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
}

// listen opens the socket of a window for the user that the job will be.
func listen(ctx context.Context, path string) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("open the window's socket: %w", err)
	}
	if err := os.Chmod(path, 0o666); err != nil {
		return nil, errors.Join(fmt.Errorf("open the window's socket: %w", err), l.Close())
	}
	return l, nil
}
