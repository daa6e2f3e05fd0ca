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
// # Going on from a saved state
//
// A whole system takes half a minute to boot where processors are emulated, and does the same each time. So the first
// machine of an image is saved as soon as it answers, before anything ran in it: its memory by the hypervisor, its overlay
// as it is. The machines after it have overlays on that one and go on from there.
//
//	which           no Open or Private, root signs in, not Spec.Cold; it took seconds to come up. At a Cable the guest finds
//	                the same as before, whoever is at its other end
//	for whom        the same disk (path, size, time), disk size, memory, processors, KVM or not, versions of the hypervisor,
//	                devices: all that is a part of the state's name
//	its own         a key, which takes the place of the state's, and randomness, which the kernel starts anew from; the
//	                time of day is set; both before anybody else gets in. What userland has drawn before (machine-id, ssh's
//	                host keys, the boot's id) is shared by all from one state
//	proved          the state is first used by who made it, who sees that its key opens nothing any more; only then it has
//	                a name
//	who makes it    one bot of a host at a time, under a lock; the others boot
//	what goes wrong a state that fails is thrown away, a machine that cannot be saved is remembered as such for a week; in
//	                each case the machine boots
//	how long        a week, and as many bytes as PoolOptions.MostStates; what was not used for longest goes first. Machines
//	                have their own hard link of the overlay, so that it may go at any time
//
// The domain is a new one each time, whose hypervisor reads the memory from a socket, and not one that libvirt restores: it
// has its own name and port, and it ends with the bot as any other.
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
