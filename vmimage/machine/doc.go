// Package machine is the life of a virtual machine: start, wait until it answers, run commands in it, copy files in and
// out, and take it away without a trace.
//
// # The parts
//
//	Pool     all machines of this host's bots: starts them, lists them, sweeps what the dead left
//	Machine  one of them: Run, CopyIn, CopyOut, Console, Close
//	Driver   the hypervisor under it (vmimage/machine/libvirt); it knows domains, nothing of ssh or files
//	Switch   a private network between machines of one job; as a Network it has a name and a lock, and is swept as they are
//	Cable    an interface whose other end is the bot, which decides what the guest may reach (container/gate)
//
// # What a machine is made of
//
// An image is read only and shared. Each machine writes to an overlay of its own, in a directory of its own, and is
// entered with an ssh key that was made for this start and is nowhere else. The public half reaches the guest as text of
// the firmware (SMBIOS type 11, "OEM strings"), in two spellings that need no network:
//
//	cyborg.key=ssh-ed25519 AAAA…                       for images made for cyborg
//	io.systemd.credential.binary:tmpfiles.extra=…      systemd 252 or newer writes authorized_keys itself
//
// Without a Cable the guest reaches nothing: not the host, not its network, not the Internet; the only way in is ssh from
// the bot through a port of the loopback interface, and the only way out is what the bot copies.
//
// # Whose fault
//
// Four ends are kept apart, because different people must hear of them:
//
//	the command's own exit      Exit: the task's verdict
//	*BootError                  the image does not come up; the console's end is in the error
//	*CrashError                 the guest died under the command: a panic, or it switched itself off
//	any other error             our own trouble: no hypervisor, no disk, no memory; a peer may fare better
//
// # What is left when a bot dies
//
// A machine's domain is transient and goes with the bot's connection to the hypervisor. If that fails too, any bot that
// starts sweeps: a machine is named cyborg-EXPIRY-RANDOM, and its directory's lock file is held by the bot that owns it.
//
//	lock held                     its bot lives: nobody touches it, whatever the expiry says
//	lock free                     its bot is dead: domain and directory go at once
//	lock free, kept by a person   (cyborg vm run) it goes when its expiry has passed
//	no directory in sight         it may belong to a bot in another container: it goes when its expiry has passed
package machine
