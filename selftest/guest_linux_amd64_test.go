package selftest

import (
	"bytes"
	"context"
	"encoding/binary"
	"os"
	"testing"
)

// endless runs a guest that would take a thousand years.
func endless(ctx context.Context, device *os.File) error {
	return trial{loops: 1 << 63}.run(ctx, device)
}

// Even a device that emulates gets through a short loop; so the program, its
// registers and page tables are right on every machine with KVM.
func TestShortTrial(t *testing.T) {
	device, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0)
	if err != nil {
		t.Logf("no trial on this machine: %v", err)
		return
	}
	defer device.Close()
	for range 3 {
		if err := (trial{loops: 100}).run(t.Context(), device); err != nil {
			t.Error(err)
		}
	}
}

// A device that emulates gets through a shorter trial, as the one above shows: what a guest has to do is no detail.
func TestFullTrial(t *testing.T) {
	full := fullTrial()
	if !full.exchange || full.loops < 5_000_000 {
		t.Errorf("got %+v", full)
	}
	program := full.program()
	exchange := []byte{0xf0, 0x48, 0x0f, 0xc7, 0x0e} // lock cmpxchg16b [rsi]
	if at := bytes.Index(program, exchange); at < 0 || bytes.Index(program, []byte{0xe6, portExchanged}) < at {
		t.Errorf("no exchange before it is said: % x", program)
	}
	// A guest that stops before its end has not run.
	g := &guest{trial: full, run: make([]byte, runSize+1), memory: make([]byte, guestMemory)}
	exit := func(reason uint32, port uint16) {
		binary.LittleEndian.PutUint32(g.run[runExitReason:], reason)
		binary.LittleEndian.PutUint16(g.run[runPort:], port)
	}
	for _, reason := range []uint32{exitHalt, exitInternalError, exitShutdown, exitFailEntry, exitMMIO, 99} {
		for _, step := range []string{atStart, atExchange, atLoop} {
			exit(reason, 0)
			if _, done, err := g.exited(step); err == nil || done {
				t.Errorf("it stops %s for the reason %d: done %v, %v", step, reason, done, err)
			}
		}
	}
	binary.LittleEndian.PutUint64(g.run[runDataOffset:], runSize)
	exit(exitIO, portExchanged)
	for _, said := range []byte{0, 1} { // it says no, or it says yes and has exchanged nothing
		g.run[runSize] = said
		if _, _, err := g.exited(atExchange); err == nil {
			t.Errorf("an exchange that says %d and leaves memory as it was is believed", said)
		}
	}
	binary.LittleEndian.PutUint64(g.memory[guestData:], exchangeLow)
	binary.LittleEndian.PutUint64(g.memory[guestData+8:], exchangeHigh)
	if next, _, err := g.exited(atExchange); err != nil || next != atLoop {
		t.Errorf("an exchange that happened: %q, %v", next, err)
	}
}
