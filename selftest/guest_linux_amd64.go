package selftest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The requests of the KVM device, from linux/kvm.h.
const (
	kvmGetAPIVersion       = 0xae00
	kvmCreateVM            = 0xae01
	kvmGetVCPUMmapSize     = 0xae04
	kvmGetSupportedCPUID   = 0xc008ae05
	kvmCreateVCPU          = 0xae41
	kvmSetUserMemoryRegion = 0x4020ae46
	kvmRun                 = 0xae80
	kvmSetRegs             = 0x4090ae82
	kvmGetSregs            = 0x8138ae83
	kvmSetSregs            = 0x4138ae84
	kvmSetCPUID2           = 0x4008ae90

	kvmAPIVersion = 12
)

// Why a guest stopped, from linux/kvm.h.
const (
	exitIO            = 2
	exitHalt          = 5
	exitMMIO          = 6
	exitShutdown      = 8
	exitFailEntry     = 9
	exitInternalError = 17
)

// Where things are in the guest's memory of two megabytes.
const (
	guestMemory = 2 << 20
	guestTables = 0x1000 // three levels of page tables, a page each
	guestCode   = 0x10000
	guestData   = 0x20000 // sixteen bytes that are exchanged
)

// A trial is what a guest has to get through.
type trial struct {
	exchange bool   // a locked exchange of sixteen bytes, at which emulators give up
	loops    uint64 // of two instructions
}

// fullTrial takes some ten milliseconds on a processor, and many seconds if
// each instruction is emulated.
func fullTrial() trial { return trial{exchange: true, loops: 10_000_000} }

// The ports by which the guest tells how far it got.
const (
	portStarted   = 0x10
	portExchanged = 0x11
	portLooped    = 0x12
)

// The two halves of what the guest exchanges into guestData.
const (
	exchangeLow  = 0x1122334455667788
	exchangeHigh = 0x99aabbccddeeff00
)

// program is what the guest runs, in 64-bit mode with paging.
func (t trial) program() []byte {
	code := []byte{
		0x31, 0xc0, // xor eax, eax
		0x31, 0xd2, // xor edx, edx
		0xe6, portStarted, // out portStarted, al
	}
	if t.exchange {
		code = append(code, 0x48, 0xbb) // mov rbx, exchangeLow
		code = binary.LittleEndian.AppendUint64(code, exchangeLow)
		code = append(code, 0x48, 0xb9) // mov rcx, exchangeHigh
		code = binary.LittleEndian.AppendUint64(code, exchangeHigh)
		code = append(code,
			0xf0, 0x48, 0x0f, 0xc7, 0x0e, // lock cmpxchg16b [rsi]
			0x0f, 0x94, 0xc0, // sete al
			0xe6, portExchanged, // out portExchanged, al
		)
	}
	return append(code,
		0x48, 0x89, 0xf9, // mov rcx, rdi
		0x48, 0xff, 0xc9, // loop: dec rcx
		0x75, 0xfb, // jnz loop
		0xe6, portLooped, // out portLooped, al
		0xf4, // hlt
	)
}

// A guest is a virtual machine with one processor.
type guest struct {
	trial           trial
	device, vm, cpu int
	memory          []byte
	run             []byte // shared with the kernel: struct kvm_run
}

// runGuest puts KVM to a trial and says how it failed. The device stays the
// caller's.
func runGuest(ctx context.Context, device *os.File) error { return fullTrial().run(ctx, device) }

// run runs the program in a guest.
func (t trial) run(ctx context.Context, device *os.File) error {
	g := &guest{trial: t, device: int(device.Fd()), vm: -1, cpu: -1}
	defer g.close()
	for _, step := range []func() error{g.create, g.mapState, g.setCPUID, g.setRegisters} {
		if err := step(); err != nil {
			return err
		}
	}
	return g.follow(ctx)
}

// ioctl is a request with an argument that is a number.
func ioctl(fd int, request, argument uintptr) (int, error) {
	n, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, argument)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// create makes the machine, its memory with the program, and its processor.
func (g *guest) create() error {
	version, err := ioctl(g.device, kvmGetAPIVersion, 0)
	if err != nil || version != kvmAPIVersion {
		return fmt.Errorf("it is not KVM (version %d, %v)", version, err) //nolint:errorlint // there may be no error
	}
	if g.vm, err = ioctl(g.device, kvmCreateVM, 0); err != nil {
		g.vm = -1
		return fmt.Errorf("it makes no machine: %w", err)
	}
	g.memory, err = unix.Mmap(-1, 0, guestMemory, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return fmt.Errorf("there is no memory for a guest: %w", err)
	}
	const present, writable, large = 1, 2, 0x80
	for level := range 2 {
		at := guestTables + level*0x1000
		binary.LittleEndian.PutUint64(g.memory[at:], uint64(at+0x1000)|present|writable)
	}
	binary.LittleEndian.PutUint64(g.memory[guestTables+2*0x1000:], present|writable|large)
	copy(g.memory[guestCode:], g.trial.program())
	region := struct {
		slot, flags        uint32
		guest, size, start uint64
	}{size: guestMemory, start: uint64(uintptr(unsafe.Pointer(&g.memory[0])))}
	if err := ioctlPointer(g.vm, kvmSetUserMemoryRegion, unsafe.Pointer(&region)); err != nil {
		return fmt.Errorf("it gives a guest no memory: %w", err)
	}
	if g.cpu, err = ioctl(g.vm, kvmCreateVCPU, 0); err != nil {
		g.cpu = -1
		return fmt.Errorf("it gives a guest no processor: %w", err)
	}
	return nil
}

// mapState maps what the kernel shares of the processor.
func (g *guest) mapState() error {
	size, err := ioctl(g.device, kvmGetVCPUMmapSize, 0)
	if err != nil || size < runSize {
		return fmt.Errorf("it says nothing of a guest's state (%d bytes, %v)", size, err) //nolint:errorlint // there may be no error
	}
	if g.run, err = unix.Mmap(g.cpu, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		return fmt.Errorf("it does not share a guest's state: %w", err)
	}
	return nil
}

// ioctlPointer is a request whose argument is a structure.
func ioctlPointer(fd int, request uintptr, argument unsafe.Pointer) error {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(argument))
	if errno != 0 {
		return errno
	}
	return nil
}

// setCPUID gives the processor all features that the host can offer.
func (g *guest) setCPUID() error {
	const most = 256 // of entries, 40 bytes each
	var table struct {
		count, _ uint32
		entries  [most][10]uint32
	}
	table.count = most
	if err := ioctlPointer(g.device, kvmGetSupportedCPUID, unsafe.Pointer(&table)); err != nil {
		return fmt.Errorf("it does not say what its processors can do: %w", err)
	}
	if err := ioctlPointer(g.cpu, kvmSetCPUID2, unsafe.Pointer(&table)); err != nil {
		return fmt.Errorf("it does not take the processor that it offers: %w", err)
	}
	return nil
}

// A segment is struct kvm_segment.
type segment struct {
	base     uint64
	limit    uint32
	selector uint16
	kind     uint8
	present, dpl, db, s, l, g, avl, unusable,
	_ uint8
}

// specialRegisters is struct kvm_sregs.
type specialRegisters struct {
	cs, ds, es, fs, gs, ss, tr, ldt segment
	gdt, idt                        struct {
		base  uint64
		limit uint16
		_     [3]uint16
	}
	cr0, cr2, cr3, cr4, cr8, efer, apic uint64
	interrupts                          [4]uint64
}

// setRegisters puts the processor into 64-bit mode at the program's start.
func (g *guest) setRegisters() error {
	var s specialRegisters
	if err := ioctlPointer(g.cpu, kvmGetSregs, unsafe.Pointer(&s)); err != nil {
		return fmt.Errorf("it does not show a processor's registers: %w", err)
	}
	const (
		protected, monitor, extension, numeric, paging = 1, 1 << 1, 1 << 4, 1 << 5, 1 << 31 // CR0
		physicalExtension                              = 1 << 5                             // CR4
		longEnable, longActive                         = 1 << 8, 1 << 10                    // EFER
	)
	s.cr0, s.cr3, s.cr4 = protected|monitor|extension|numeric|paging, guestTables, physicalExtension
	s.efer = longEnable | longActive
	s.cs = segment{limit: 0xffffffff, selector: 1 << 3, kind: 11, present: 1, s: 1, l: 1, g: 1}
	data := segment{limit: 0xffffffff, selector: 2 << 3, kind: 3, present: 1, db: 1, s: 1, g: 1}
	s.ds, s.es, s.fs, s.gs, s.ss = data, data, data, data, data
	if err := ioctlPointer(g.cpu, kvmSetSregs, unsafe.Pointer(&s)); err != nil {
		return fmt.Errorf("it has no 64-bit mode: %w", err)
	}
	r := struct {
		rax, rbx, rcx, rdx, rsi, rdi, rsp, rbp uint64
		more                                   [8]uint64 // r8 to r15
		rip, rflags                            uint64
	}{rdi: g.trial.loops, rsi: guestData, rsp: guestMemory, rip: guestCode, rflags: 2}
	if err := ioctlPointer(g.cpu, kvmSetRegs, unsafe.Pointer(&r)); err != nil {
		return fmt.Errorf("it does not set a processor's registers: %w", err)
	}
	return nil
}

// Where things are in struct kvm_run.
const (
	runImmediateExit = 1
	runExitReason    = 8
	runPort          = 34 // of an exit for input or output
	runDetail        = 32 // of other exits
	runDataOffset    = 40
	runSize          = 48 // as much of it as we read
)

// follow runs the guest until it halts. If ctx ends, a signal gets the
// processor's thread out of the guest.
func (g *guest) follow(ctx context.Context) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	thread := unix.Gettid()
	kicked := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(kicked)
		g.run[runImmediateExit] = 1
		// A signal that the Go runtime expects at any time, and ignores.
		_ = unix.Tgkill(unix.Getpid(), thread, unix.SIGURG)
	})
	defer func() {
		if !stop() {
			<-kicked // it uses what is about to be given back
		}
	}()
	step := atStart
	for {
		_, err := ioctl(g.cpu, kvmRun, 0)
		switch {
		case ctx.Err() != nil:
			return &hangError{step: step}
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.EAGAIN):
			continue
		case err != nil:
			return fmt.Errorf("a guest stops %s: %w", step, err)
		}
		next, done, err := g.exited(step)
		if err != nil || done {
			return err
		}
		step = next
	}
}

// How far a guest got, for people.
const (
	atStart    = "at its start"
	atExchange = "at a locked exchange of 16 bytes"
	atLoop     = "in its loop"
	atEnd      = "at its end"
)

// exited judges why the guest stopped; next is what it does now.
func (g *guest) exited(step string) (next string, done bool, err error) {
	reason := binary.LittleEndian.Uint32(g.run[runExitReason:])
	switch reason {
	case exitIO:
		port := binary.LittleEndian.Uint16(g.run[runPort:])
		switch {
		case port == portStarted && g.trial.exchange:
			return atExchange, false, nil
		case port == portStarted:
			return atLoop, false, nil
		case port == portExchanged:
			return atLoop, false, g.exchanged()
		case port == portLooped:
			return atEnd, false, nil
		default:
			return "", false, fmt.Errorf("a guest writes to port %#x, which is not in its program", port)
		}
	case exitHalt:
		if step != atEnd {
			return "", false, fmt.Errorf("a guest halts %s", step)
		}
		return "", true, nil
	case exitInternalError:
		return "", false, fmt.Errorf("a guest stops %s: internal error %d of KVM", step, binary.LittleEndian.Uint32(g.run[runDetail:]))
	case exitFailEntry:
		return "", false, fmt.Errorf("a guest does not start: hardware error %#x", binary.LittleEndian.Uint64(g.run[runDetail:]))
	case exitShutdown:
		return "", false, fmt.Errorf("a guest crashes %s", step)
	case exitMMIO:
		return "", false, fmt.Errorf("a guest loses its way %s", step)
	default:
		return "", false, fmt.Errorf("a guest stops %s: reason %d", step, reason)
	}
}

// exchanged checks that the exchange said yes and did what it said.
func (g *guest) exchanged() error {
	at := binary.LittleEndian.Uint64(g.run[runDataOffset:])
	if at >= uint64(len(g.run)) || g.run[at] != 1 {
		return errors.New("a locked exchange of 16 bytes says no")
	}
	low, high := binary.LittleEndian.Uint64(g.memory[guestData:]), binary.LittleEndian.Uint64(g.memory[guestData+8:])
	if low != exchangeLow || high != exchangeHigh {
		return fmt.Errorf("a locked exchange of 16 bytes leaves %#x %#x in memory", low, high)
	}
	return nil
}

// close gives everything back; the machine ends with its last descriptor.
func (g *guest) close() {
	if g.run != nil {
		_ = unix.Munmap(g.run)
	}
	for _, fd := range []int{g.cpu, g.vm} {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
	if g.memory != nil {
		_ = unix.Munmap(g.memory)
	}
}
