package machine

// An Image is a disk that machines start from. All paths are absolute; nothing of it is ever written.
type Image struct {
	Name   string // "debian-stable", for people
	Disk   string // qcow2; each machine gets an overlay on it
	Kernel string // of a direct boot, quickest as an uncompressed vmlinux; empty: the firmware boots the disk
	Initrd string
	Append string // the kernel's command line; "console=ttyS0" belongs there
	User   string // whom ssh signs in; empty is root
}

// user is whom ssh signs in.
func (i Image) user() string {
	if i.User == "" {
		return "root"
	}
	return i.User
}
