# The part that Debian and Ubuntu share. To be sourced, with $suite, $mirror, $components, $kernel, and $keyring: whose keys
# the mirror is signed with. CYBORG_KEYRING is a file with them, where they are not installed.
#
# The disk is made in mmdebstrap's last hook: there, however it came to be root, files have their owners.
export CYBORG_WORK=$PWD
if [ "$(id -u)" != 0 ] && ! command -v fakechroot >/dev/null && ! { command -v newuidmap >/dev/null && grep -q "^$(id -un):" /etc/subuid; }; then
	echo "mmdebstrap needs one of three: root; fakechroot and fakeroot; or uidmap and ids of its own for this user" >&2
	echo "(usermod --add-subuids 100000-165535 --add-subgids 100000-165535 $(id -un), as root)" >&2
	exit 3
fi
for keys in "${CYBORG_KEYRING:-}" /usr/share/keyrings/"$keyring"-archive-keyring.gpg /usr/share/keyrings/"$keyring"-archive-keyring.pgp; do
	[ ! -e "$keys" ] || break
done
if [ ! -e "$keys" ]; then
	echo "the keys that $mirror is signed with are not on this machine: install $keyring-keyring or" >&2
	echo "$keyring-archive-keyring, or give the file in CYBORG_KEYRING" >&2
	exit 3
fi
cat >finish <<'END'
#!/bin/sh
set -eu
tree=$1
cd "$CYBORG_WORK"
. "$CYBORG_RECIPES/disk.sh"
. "$CYBORG_RECIPES/system.sh"
system_access "$tree"
system_quick "$tree"
system_network "$tree"
rm -f "$tree"/etc/ssh/ssh_host_*_key* "$tree"/boot/initrd* "$tree"/initrd* "$tree"/vmlinuz*
rm -rf "$tree"/var/cache/apt/archives/*.deb "$tree"/var/lib/apt/lists/* "$tree"/var/log/*
mkdir -p "$tree"/var/log/journal
rmdir "$tree"/var/log/journal
(cd "$tree/boot" && ln -sf vmlinuz-* vmlinuz)
small_initrd "$tree" "$tree/bin/busybox" "$tree/boot/initrd"
system_updated "$tree"
# What is mounted in the tree is of the host.
cp -a --one-file-system "$tree" "$PWD/copy"
# fakechroot makes what packages link absolutely lead into the tree; on the disk the tree is the root.
find "$PWD/copy" -type l -lname "$tree/*" | while IFS= read -r link; do
	to=$(readlink "$link")
	ln -sfn "${to#"$tree"}" "$link"
done
make_disk "$PWD/copy" "$CYBORG_SIZE" 'console=ttyS0 loglevel=4 systemd.show_status=error net.ifnames=0'
rm -rf "$PWD/copy"
END
chmod 755 finish

# What the team wants done in the tree: there it is root, and the processor is this machine's own.
cat >inside <<'END'
#!/bin/sh
set -eu
[ -n "${CYBORG_INSIDE:-}" ] || exit 0
exec chroot "$1" env -u TMPDIR HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin /bin/sh -euc "$CYBORG_INSIDE"
END
chmod 755 inside

mmdebstrap --quiet --keyring="$keys" --variant=minbase --format=null --components="$components" \
	--include="$kernel,systemd,systemd-sysv,udev,openssh-server,busybox-static,iproute2,ca-certificates,e2fsprogs${CYBORG_PACKAGES:+$(printf ,%s $CYBORG_PACKAGES)}" \
	--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
	--dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
	--aptopt='Acquire::Retries "5"' --aptopt='APT::Install-Recommends "false"' \
	--customize-hook="$PWD/inside" --customize-hook="$PWD/finish" "$suite" /dev/null "$mirror"
