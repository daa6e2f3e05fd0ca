//go:build linux

package container

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// A pump carries a job's output from its pipe to the writer. A writer that
// fails loses the rest but does not stop the job.
type pump struct {
	pipe *os.File
	done chan error
}

// pumpSize is that of one write to the job's output.
const pumpSize = 64 << 10

func startPump(pipe *os.File, w io.Writer) *pump {
	p := &pump{pipe: pipe, done: make(chan error, 1)}
	if w == nil {
		w = io.Discard
	}
	go func() {
		var writeErr error
		buffer := make([]byte, pumpSize)
		for {
			n, err := pipe.Read(buffer)
			if n > 0 && writeErr == nil {
				_, writeErr = w.Write(buffer[:n])
			}
			if err != nil {
				p.done <- writeErr
				return
			}
		}
	}()
	return p
}

// finish waits for what is still in the pipe. When all of the job is gone the
// pipe ends by itself; if somebody else got hold of it (a daemon that was
// handed the descriptor), or the writer blocks, the wait is cut short.
func (p *pump) finish() error {
	const straggler, patience = 5 * time.Second, time.Minute
	defer p.pipe.Close()
	_ = p.pipe.SetReadDeadline(time.Now().Add(straggler))
	select {
	case err := <-p.done:
		if err != nil {
			return fmt.Errorf("write output: %w", err)
		}
		return nil
	case <-time.After(patience):
		return errors.New("write output: the writer blocks")
	}
}
