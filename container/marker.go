//go:build linux

package container

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// The variables by which processes of a job are found again. The supervisor
// has one of its own, because it is the last that may be killed.
const (
	markerVariable     = "CYBORG_JOB"
	supervisorVariable = "CYBORG_SUPERVISOR"
)

// A marker names a job and the bot that owns it. The start time makes the
// process number unique in time; the namespace says for which /proc it is true.
type marker struct {
	Namespace string // of process numbers, as in /proc/self/ns/pid
	PID       int    // of the bot
	Start     uint64 // of the bot, in clock ticks since boot
	Nonce     string // of the job; empty in a marker that only names the bot
}

// String is the marker as it stands in the environment.
func (m marker) String() string {
	return fmt.Sprintf("%s,%d,%d,%s", m.Namespace, m.PID, m.Start, m.Nonce)
}

// parseMarker reads what String wrote. Anybody can set the variable, so
// anything may come.
func parseMarker(text string) (marker, error) {
	if len(text) > 256 {
		return marker{}, errors.New("parse marker: too long")
	}
	parts := strings.Split(text, ",")
	if len(parts) != 4 || parts[0] == "" || parts[3] == "" {
		return marker{}, fmt.Errorf("parse marker %q: not four parts", text)
	}
	pid, err := strconv.Atoi(parts[1])
	if err != nil || pid <= 0 {
		return marker{}, fmt.Errorf("parse marker %q: bad process number", text)
	}
	start, err := strconv.ParseUint(parts[2], 10, 64)
	if err != nil {
		return marker{}, fmt.Errorf("parse marker %q: bad start time", text)
	}
	return marker{Namespace: parts[0], PID: pid, Start: start, Nonce: parts[3]}, nil
}

// newMarker returns a marker of this process with a fresh nonce.
func newMarker() (marker, error) {
	namespace, err := pidNamespace()
	if err != nil {
		return marker{}, err
	}
	self, err := readProcess(os.Getpid())
	if err != nil {
		return marker{}, err
	}
	return marker{Namespace: namespace, PID: self.pid, Start: self.start, Nonce: rand.Text()}, nil
}

// pidNamespace names the namespace of process numbers.
func pidNamespace() (string, error) {
	link, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return "", fmt.Errorf("read pid namespace: %w", err)
	}
	return strings.Trim(strings.TrimPrefix(link, "pid:"), "[]"), nil
}

// alive reports whether the bot of the marker still runs.
func (m marker) alive() bool {
	p, err := readProcess(m.PID)
	return err == nil && p.start == m.Start && p.state != 'Z'
}
