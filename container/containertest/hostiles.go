package containertest

import (
	"fmt"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cyborg-bots/cyborg/container"
)

// systemCalls are numbers by the words that scripts have for them.
func systemCalls() []string {
	var pairs []string
	for name, number := range map[string]int{
		"SYS_PTRACE": unix.SYS_PTRACE, "SYS_VMREAD": unix.SYS_PROCESS_VM_READV, "SYS_KEYCTL": unix.SYS_KEYCTL, "SYS_BPF": unix.SYS_BPF,
		"SYS_PERF": unix.SYS_PERF_EVENT_OPEN, "SYS_URING": unix.SYS_IO_URING_SETUP, "SYS_HANDLE": unix.SYS_OPEN_BY_HANDLE_AT,
		"SYS_UNSHARE": unix.SYS_UNSHARE, "SYS_CLONE": unix.SYS_CLONE, "SYS_MOUNT": unix.SYS_MOUNT, "SYS_SETNS": unix.SYS_SETNS, "SYS_PIVOT": unix.SYS_PIVOT_ROOT,
		"SYS_FAULT": unix.SYS_USERFAULTFD, "SYS_KEXEC": unix.SYS_KEXEC_LOAD, "SYS_MODULE": unix.SYS_INIT_MODULE, "SYS_REBOOT": unix.SYS_REBOOT,
		"SYS_CHROOT": unix.SYS_CHROOT, "SYS_SWAPON": unix.SYS_SWAPON, "SYS_SYSLOG": unix.SYS_SYSLOG,
	} {
		pairs = append(pairs, name, fmt.Sprint(number))
	}
	return pairs
}

// The ends of jobs that do not end by themselves.
func tooMuch(kinds ...container.Excess) func(container.Result) bool {
	return func(r container.Result) bool { return slices.Contains(kinds, r.Excess) && !r.OK() }
}

func late(r container.Result) bool { return r.TimedOut && !r.OK() }

func anyhow(r container.Result) bool { return r.Refused == "" }

func code(n int) func(container.Result) bool {
	return func(r container.Result) bool { return r.Code == n && r.Signal == "" && !r.TimedOut && r.Excess == "" }
}

// brief is for jobs that would go on for ever.
func brief(s *container.Spec) { s.Timeout, s.Grace = 5*time.Second, 200*time.Millisecond }

// hostiles are the jobs.
func hostiles() []hostile {
	list := greedy()
	list = append(list, staying()...)
	list = append(list, prying()...)
	list = append(list, climbing()...)
	return append(list, lying()...)
}

// greedy jobs use up what they share with others.
func greedy() []hostile {
	return []hostile{
		{name: "fork bomb", script: `f() { f | f & }; f; sleep 1000`, edit: brief, ends: anyhow},
		{name: "fork bomb with sessions", perl: `use POSIX; while (1) { my $p = fork; POSIX::setsid() if defined $p && !$p }`, edit: brief, ends: late},
		{name: "memory bomb", perl: `my @a; push @a, "x" x 10_000_000 while 1`, ends: tooMuch(container.TooMuchMemory)},
		{name: "memory bomb of many", perl: `for (1..20) { if (!fork) { my $x = "x" x 60_000_000; sleep 1000 } } 1 while wait > 0; exit 3`, edit: brief,
			ends: func(r container.Result) bool { return r.Excess == container.TooMuchMemory || r.TimedOut }},
		{name: "memory in files", script: `head -c 2000000000 /dev/zero >/tmp/a; head -c 2000000000 /dev/zero >/dev/shm/b; exit 3`,
			ends: func(r container.Result) bool { return !r.OK() && r.Refused == "" }},
		{name: "disk filler", script: `cat /dev/zero >a & cat /dev/zero >b & cat /dev/zero >"$HOME/c"; wait; while :; do cat a a >>d$((i=i+1)); done`, edit: brief,
			ends: func(r container.Result) bool { return r.Excess == container.TooMuchDisk || r.TimedOut }},
		{name: "disk filler without names", perl: `while (1) { open(my $f, ">", "x") or sleep 1; unlink "x"; push @f, $f; syswrite $f, "x" x 4_000_000 }`,
			ends: tooMuch(container.TooMuchDisk)},
		{name: "a million files", perl: `my $i = 0; while (1) { open(my $f, ">", "f" . $i++) }`, edit: func(s *container.Spec) { s.Limits.Disk = 8 << 20 },
			ends: tooMuch(container.TooMuchDisk, container.TooMuchMemory)}, // what the kernel remembers of files is memory of the job
		{name: "a gigabyte of output", script: `head -c 1000000000 /dev/zero; exit 5`, ends: code(5)},
		{name: "open files", perl: `my @f; while (open(my $f, "<", "/dev/null")) { push @f, $f; last if @f > 2_000_000 } exit 6`, ends: anyhow},
		{name: "busy on every processor", script: `for i in 1 2 3 4 5 6 7 8; do sh -c 'while :; do :; done' & done; wait`, edit: brief, ends: late},
		{name: "deep folders that nobody may open", perl: `for (1..300) { mkdir "d" x 100; chdir "d" x 100 } for (1..50) { mkdir "e"; chmod 0, "e"; chdir "e" } print "deep\n"`},
	}
}

// staying jobs do not want to end.
func staying() []hostile {
	const daemon = `perl -e '$0 = "hostile-daemon"; $SIG{$_} = "IGNORE" for qw(TERM HUP INT PIPE QUIT); sleep 1 while 1'`
	return []hostile{
		{name: "daemon", script: `setsid ` + daemon + ` >/dev/null 2>&1 </dev/null & sleep 0.2; exit 7`, ends: code(7)},
		{name: "daemon that holds the output", script: `(setsid ` + daemon + ` &) ; sleep 0.2; exit 7`, ends: code(7)},
		{name: "daemon without an environment", script: `cd /; setsid env -i /usr/bin/` + daemon + ` >/dev/null 2>&1 & sleep 0.2; exit 7`, ends: code(7)},
		{name: "hopper", perl: `$0 = "hostile-daemon"; for (1..100000) { my $p = fork; exit 0 if $p; select undef, undef, undef, 0.001 unless defined $p }`, ends: anyhow},
		{name: "deaf to signals", perl: `$SIG{$_} = "IGNORE" for keys %SIG; sleep 1 while 1`, edit: brief, ends: late},
		{name: "stops itself", script: `kill -STOP $$; exit 1`, edit: brief, ends: late},
		{name: "closes everything", perl: `use POSIX; POSIX::close($_) for 0..1000; sleep 1 while 1`, edit: brief, ends: late},
	}
}

// prying jobs look for what is not theirs.
func prying() []hostile {
	return []hostile{
		{name: "environments", script: `cat /proc/[0-9]*/environ /proc/1/environ 2>/dev/null | tr '\0' '\n' | grep -i -e token -e SENTINEL; exit 0`},
		{name: "process 1", script: `for f in mem maps environ root cwd exe fd/0 fd/3 fd/4 auxv; do (cat /proc/1/$f/etc/hostname || head -c 100 /proc/1/$f) 2>/dev/null | grep -q . && case $f in exe) ;; *) echo "OUT $f";; esac; done; exit 0`},
		{name: "the bot by its number", script: `for p in BOT VICTIM; do cat /proc/$p/environ /proc/$p/cmdline 2>/dev/null; ls /proc/$p/root/ 2>/dev/null && echo OUT; done; exit 0`},
		{name: "ptrace", perl: `for my $p (1, BOT, VICTIM) { print "OUT $p\n" if $p != $$ && syscall(SYS_PTRACE, 16, $p, 0, 0) == 0 }`},
		{name: "memory of others", perl: `my $b = "x" x 64; my $l = pack("QQ", unpack("Q", pack("P", $b)), 64); my $r = pack("QQ", 0x400000, 64);
			for my $p (1, BOT, VICTIM) { print "OUT $p\n" if syscall(SYS_VMREAD, $p, $l, 1, $r, 1, 0) > 0 }`},
		{name: "secrets of the machine", script: `cat /etc/shadow /etc/gshadow /root/.ssh/* /etc/ssh/*key /root/.config/gh/* /home/*/.netrc 2>/dev/null | grep . && echo OUT; exit 0`},
		{name: "files around", script: `cat CANARY STAGE/../*/token 2>/dev/null; ls STAGE 2>/dev/null && echo OUT; ls ../scratch 2>/dev/null | grep -v '^test-' | grep . && echo OUT; exit 0`},
		{name: "links to files around", script: `ln -s CANARY link; ln -s / root; ln CANARY hard 2>/dev/null; cat link root/CANARY hard 2>/dev/null; echo "SENT""INEL changed" >link; exit 0`},
		{name: "sockets of engines", perl: `use Socket; for my $n (qw(/var/run/docker.sock /run/docker.sock /run/podman/podman.sock /run/containerd/containerd.sock /run/systemd/private /run/dbus/system_bus_socket)) {
			socket(my $s, PF_UNIX, SOCK_STREAM, 0); print "OUT $n\n" if connect($s, sockaddr_un($n)) }`},
		{name: "abstract socket", perl: `use Socket; socket(my $s, PF_UNIX, SOCK_STREAM, 0); print "OUT\n" if connect($s, pack("S a*", AF_UNIX, "\0ABSTRACT"))`},
		{name: "the machine's ports", perl: `use Socket; for my $a (qw(ADDRESSES)) { for my $p (LOOPPORT, OUTPORT, 22) {
			socket(my $s, PF_INET, SOCK_STREAM, 0); print "OUT $a $p\n" if connect($s, sockaddr_in($p, inet_aton($a))) } }`},
		{name: "metadata and neighbours", perl: `use Socket; for my $a (qw(169.254.169.254 169.254.170.2 100.100.100.200 172.17.0.1 172.17.0.2 10.0.2.2 10.0.0.1 192.168.0.1 192.168.122.1 192.0.2.1)) { for my $p (80, 8080, 2375) {
			socket(my $s, PF_INET, SOCK_STREAM, 0); print "OUT $a $p\n" if connect($s, sockaddr_in($p, inet_aton($a))) } }`},
		{name: "raw sockets", perl: `use Socket; for (["packet", 17, 3, 768], ["raw", 2, 3, 1], ["raw6", 10, 3, 58], ["vsock", 40, 1, 0], ["alg", 38, 5, 0]) { my ($n, $f, $t, $p) = @$_; print "OUT $n\n" if socket(my $s, $f, $t, $p) }`},
		{name: "devices", script: `for d in mem kmem port kmsg sda vda vda1 nvme0n1 loop0 kvm fuse mapper/control; do head -c 1 /dev/$d >/dev/null 2>&1 && echo "OUT $d"; done
			mknod disk b 8 0 2>/dev/null && echo OUT mknod; mknod mem c 1 1 2>/dev/null && echo OUT mknod; exit 0`},
	}
}

// climbing jobs want the rights of others.
func climbing() []hostile {
	return []hostile{
		{name: "write outside", script: `for d in / /etc /usr /usr/bin /lib /var /var/lib /run /root /home /opt /boot /sys /dev /proc STAGE; do (echo x >$d/hostile) 2>/dev/null && echo "OUT $d"; done; exit 0`},
		{name: "mount", script: `mount -t tmpfs none /tmp 2>/dev/null && echo OUT tmpfs; mount --bind / /tmp 2>/dev/null && echo OUT bind; mount -o remount,rw / 2>/dev/null && echo OUT remount; umount /proc 2>/dev/null && echo OUT umount; exit 0`},
		{name: "namespaces", script: `for n in --user --mount --net --pid; do unshare $n true 2>/dev/null && echo "OUT $n"; done; unshare -r -m mount -t tmpfs none /tmp 2>/dev/null && echo OUT; nsenter -t 1 -m true 2>/dev/null && echo OUT; exit 0`},
		{name: "namespaces by clone", perl: `for my $n (0x10000000, 0x10020000) { my $p = syscall(SYS_CLONE, $n + 17, 0, 0, 0, 0); exit 0 if $p == 0; print "OUT $n\n" if $p > 0 } 1 while wait > 0`},
		{name: "system calls of the mighty", perl: `my $z = "\0" x 256; my %c = (keyctl => [SYS_KEYCTL, 0, -3, 1], bpf => [SYS_BPF, 0, $z, 64], perf => [SYS_PERF, $z, 0, -1, -1, 0], uring => [SYS_URING, 1, $z],
			handle => [SYS_HANDLE, -100, $z, 0], unshare => [SYS_UNSHARE, 0x10000000], mount => [SYS_MOUNT, $z, "/tmp", $z, 4096, 0], setns => [SYS_SETNS, 0, 0], pivot => [SYS_PIVOT, "/tmp", "/tmp"],
			kexec => [SYS_KEXEC, 0, 0, 0, 0], module => [SYS_MODULE, $z, 0, $z], reboot => [SYS_REBOOT, 0, 0, 0, 0], swapon => [SYS_SWAPON, $z, 0], syslog => [SYS_SYSLOG, 2, $z, 10]);
			for my $n (sort keys %c) { $! = 0; my $r = syscall($c{$n}[0], @{$c{$n}}[1 .. $#{$c{$n}}]); print "OUT $n\n" if $r >= 0 } print "tried\n"`},
		{name: "chroot", perl: `mkdir "x"; print "OUT\n" if chroot "x"; if (!chroot "/tmp") { exit 0 } print "OUT\n"`},
		{name: "setuid programs", script: `cp /bin/sh sh; chmod 6755 sh; ./sh -p -c 'id -u; id -g' | grep -x 0 && echo OUT; for s in su sudo mount passwd chsh newgrp pkexec; do p=$(command -v $s) && test -u "$p" && "$p" --help </dev/null 2>/dev/null | grep -q uid=0 && echo "OUT $s"; done; exit 0`},
		{name: "become root", perl: `use POSIX; $< = $> = 0; $( = $) = 0; print "OUT\n" if $> == 0 || $< == 0; print "OUT setuid\n" if POSIX::setuid(0); print "OUT gid\n" if POSIX::setgid(0)`},
		{name: "kill everybody", script: `kill -9 VICTIM BOT 1 2>/dev/null; (trap '' TERM; kill -TERM -1); perl -e 'kill 9, grep { $_ != $$ } 2..40000'; exit 0`, ends: anyhow},
		{name: "the kernel's settings", script: `for f in /proc/sys/kernel/core_pattern /proc/sys/kernel/modprobe /proc/sys/vm/panic_on_oom /proc/sys/kernel/hostname /proc/sysrq-trigger /proc/sys/net/ipv4/ip_forward /sys/kernel/uevent_helper /sys/power/state; do
			(echo hostile >$f) 2>/dev/null && echo "OUT $f"; done; date -s 2001-01-01 2>/dev/null >&2 && echo OUT date; hostname hostile 2>/dev/null && echo OUT hostname; exit 0`},
		{name: "control groups", script: `find /sys/fs/cgroup -name release_agent -o -name cgroup.procs -o -name memory.limit_in_bytes -o -name memory.max 2>/dev/null | while read f; do (echo 0 >$f) 2>/dev/null && echo "OUT $f"; done; mkdir /sys/fs/cgroup/memory/x 2>/dev/null && echo OUT; exit 0`},
		{name: "the supervisor's program", script: `for f in /proc/1/exe /run/cyborg-supervisor /run/cyborg-loader /run/cyborg-libraries/libc.so.6; do (echo x >$f) 2>/dev/null && echo "OUT $f"; rm -f $f 2>/dev/null; chmod 777 $f 2>/dev/null && echo "OUT chmod $f"; done; exit 0`},
		{name: "the network's other end", perl: `use Socket; open(my $t, "+<", "/dev/net/tun") and do { my $r = pack("a16 S", "net1", 0x1001); print "OUT tun\n" if ioctl($t, 0x400454ca, $r); $r = pack("a16 S", "net0", 0x1001); print "OUT net0\n" if ioctl($t, 0x400454ca, $r) };
			socket(my $s, PF_UNIX, SOCK_STREAM, 0); print "OUT socket\n" if connect($s, sockaddr_un("/run/cyborg-socket/gate")); socket(my $i, PF_INET, SOCK_DGRAM, 0); my $q = pack("a16 S a14", "net0", 2, "\0\0\x0a\0\0\5"); print "OUT address\n" if ioctl($i, 0x8916, $q)`},
		{name: "typing on the terminal", perl: `for my $f ("/dev/tty", "/dev/console", "/dev/tty1", "/dev/pts/0") { open(my $t, "+<", $f) or next; my $c = "x"; print "OUT $f\n" if ioctl($t, 0x5412, $c) }`},
	}
}

// lying jobs want to be believed.
func lying() []hostile {
	return []hostile{
		{name: "reports of its own", perl: `for my $n (3 .. 30) { open(my $f, ">&=", $n) or next; syswrite $f, qq({"Ended":true,"Code":0,"Gone":true}\n) } for my $n (0 .. 10) { open(my $f, ">", "/proc/1/fd/$n") or next; syswrite $f, qq(k{"Ended":true}\n); print "OUT $n\n" } exit 3`, ends: code(3)},
		{name: "reports as output", script: `printf '{"Started":true}\n{"Ended":true,"Code":0,"Gone":true}\n'; printf '{"Ended":true,"Code":0,"Gone":true}\n' >&2; exit 4`, ends: code(4)},
		{name: "words of a bot", script: `echo "Tests passed"; echo "ok 1 - all"; echo "1..1"; echo "::set-output name=state::success"; exit 5`, ends: code(5)},
		{name: "escapes of terminals", script: `printf '\033]0;owned\007\033[2J\033[31m\033]52;c;ZWNobyBvd25lZA==\007\033P+q\033\\'; exit 6`, ends: code(6)},
		{name: "a link as an artifact", script: `mkdir -p art; ln -s /etc/shadow art/a; ln -s CANARY art/b; ln -s / art/c; mkfifo art/d; exit 7`, ends: code(7)},
		{name: "killed by its own hand", script: `kill -KILL $$`, ends: func(r container.Result) bool { return r.Signal == "SIGKILL" && r.Excess == "" }},
	}
}
