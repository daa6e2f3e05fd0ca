# The part that Fedora and CentOS share. To be sourced, with $release, $kernel and $repo, the text of a dnf repository
# file. It wants root, or to be run under fakeroot and fakechroot, as rpm changes its root.
tree=$PWD/tree
mkdir -p "$tree" repos
printf '%s\n' "$repo" >repos/image.repo
dnf --quiet --assumeyes --installroot="$tree" --releasever="$release" --setopt=reposdir="$PWD/repos" \
	--setopt=cachedir="$PWD/cache" --setopt=install_weak_deps=False --setopt=tsflags=nodocs --setopt=retries=5 \
	install $kernel systemd systemd-udev openssh-server iproute dnf ca-certificates e2fsprogs busybox ${network:-} ${CYBORG_PACKAGES:-}
. "$CYBORG_RECIPES/system.sh"
system_access "$tree"
system_quick "$tree"
system_network "$tree"
mkdir -p "$tree/etc/systemd/system/multi-user.target.wants"
ln -sf /usr/lib/systemd/system/sshd.service "$tree/etc/systemd/system/multi-user.target.wants/sshd.service"
ln -sf /usr/lib/systemd/system/multi-user.target "$tree/etc/systemd/system/default.target"
printf 'SELINUX=disabled\n' >"$tree/etc/selinux/config" 2>/dev/null || true # the files have no labels
version=$(ls "$tree/lib/modules")
cp "$tree/lib/modules/$version/vmlinuz" "$tree/boot/vmlinuz"
small_initrd "$tree" "$tree/usr/sbin/busybox" "$tree/boot/initrd"
system_updated "$tree"
make_disk "$tree" "$CYBORG_SIZE" 'console=ttyS0 loglevel=4 systemd.show_status=error net.ifnames=0 selinux=0'
