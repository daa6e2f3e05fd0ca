# What the recipes share: from a tree of files to a disk that a BIOS boots. To be sourced.
#
#   make_disk TREE SIZE_MB CMDLINE
#
# writes $CYBORG_DISK, raw and sparse: a boot sector, GRUB behind it, and one ext4 partition with TREE, which holds
# /boot/vmlinuz and /boot/initrd. It mounts nothing and needs no root; where the owners of the files matter, the caller
# is root, or runs under fakeroot, or in mmdebstrap's hooks. What an ordinary user made is root's on the disk. Emulated on a busy host, the kernel's check of its timer
# fails now and then, so that is left out.
make_disk() {
	tree=$1 size=$2 cmdline=$3
	grub=${GRUB_DIR:-/usr/lib/grub/i386-pc}
	mkdir -p "$tree/boot/grub"
	cat >"$tree/boot/grub/grub.cfg" <<-CFG
		linux /boot/vmlinuz root=/dev/vda1 rw no_timer_check $cmdline
		initrd /boot/initrd
		boot
	CFG
	rm -f "$CYBORG_DISK"
	truncate -s "${size}M" "$CYBORG_DISK"
	start=2048
	sectors=$((size * 2048 - start))
	$(as_root) mke2fs -q -F -t ext4 -L root -m 1 -O ^metadata_csum,^64bit -d "$tree" \
		-E "offset=$((start * 512)),lazy_itable_init=1" "$CYBORG_DISK" "$((sectors / 2))k"
	grub-mkimage -O i386-pc -d "$grub" -p '(hd0,msdos1)/boot/grub' -o "$CYBORG_DISK.core" \
		biosdisk part_msdos ext2 normal configfile linux boot
	[ "$(stat -c %s "$CYBORG_DISK.core")" -lt $(((start - 1) * 512)) ]
	dd if="$grub/boot.img" of="$CYBORG_DISK" bs=440 count=1 conv=notrunc status=none
	{
		printf '\200\376\377\377\203\376\377\377' # bootable, no CHS, Linux
		le32 $start
		le32 $sectors
	} | dd of="$CYBORG_DISK" bs=1 seek=446 conv=notrunc status=none
	printf '\125\252' | dd of="$CYBORG_DISK" bs=1 seek=510 conv=notrunc status=none
	dd if="$CYBORG_DISK.core" of="$CYBORG_DISK" bs=512 seek=1 conv=notrunc status=none
	rm "$CYBORG_DISK.core"
}

# as_root prints what lets a program of an ordinary user see his own files as those of root.
as_root() {
	if [ "$(id -u)" = 0 ]; then
		:
	elif unshare -r true 2>/dev/null; then
		echo unshare -r
	elif command -v fakeroot >/dev/null; then
		echo fakeroot
	fi
}

# le32 prints a number as four bytes, the lowest first.
le32() {
	for shift in 0 8 16 24; do
		printf "\\$(printf %03o $(($1 >> shift & 255)))"
	done
}

# small_initrd KERNEL_TREE BUSYBOX OUT: an initrd that finds the disk and the network card of a virtual machine and goes
# to its root, in half a second where a distribution's takes ten under emulation. KERNEL_TREE has lib/modules/VERSION.
small_initrd() {
	modules=$1/lib/modules/$(ls "$1/lib/modules")
	ird=$(mktemp -d)
	mkdir -p "$ird/bin" "$ird/mod" "$ird/dev" "$ird/proc" "$ird/sys" "$ird/root"
	cp "$2" "$ird/bin/busybox"
	ln -s busybox "$ird/bin/sh"
	n=10
	for m in virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio_blk \
		failover net_failover virtio_net rng-core virtio-rng af_packet; do
		ko=$(find "$modules" -name "$m.ko*" | head -n 1)
		[ -n "$ko" ] || continue # built in
		case $ko in
		*.xz) xz -dc "$ko" >"$ird/mod/$n-$m.ko" ;;
		*.zst) zstd -qdc "$ko" >"$ird/mod/$n-$m.ko" ;;
		*) cp "$ko" "$ird/mod/$n-$m.ko" ;;
		esac
		n=$((n + 1))
	done
	cat >"$ird/init" <<-'INIT'
		#!/bin/sh
		b=/bin/busybox
		$b mount -t devtmpfs dev /dev
		$b mount -t proc proc /proc
		$b mount -t sysfs sys /sys
		for m in /mod/*.ko; do $b insmod $m; done
		root=/dev/vda1
		for word in $($b cat /proc/cmdline); do
			case $word in root=/dev/*) root=${word#root=} ;; esac
		done
		n=0
		until [ -b $root ] || [ $n = 50 ]; do $b usleep 100000; n=$((n + 1)); done
		$b mount -t ext4 $root /root || { echo "initrd: no root on $root"; exec $b sh; }
		for m in dev proc sys; do $b mount --move /$m /root/$m; done
		exec $b switch_root /root /sbin/init
	INIT
	chmod 755 "$ird/init"
	(cd "$ird" && find . | LC_ALL=C sort | ./bin/busybox cpio -o -H newc 2>/dev/null) >"$3.cpio"
	[ "$(stat -c %s "$3.cpio")" -gt 1000000 ]
	gzip -9nc "$3.cpio" >"$3"
	rm -r "$ird" "$3.cpio"
}
