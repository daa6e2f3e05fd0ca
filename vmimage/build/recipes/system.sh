# What the recipes of whole systems share. To be sourced, after disk.sh.

# system_access TREE: ssh for the key that the firmware's OEM strings bring (cyborg.key=ssh-ed25519 …), host keys of its
# own for each machine, and a word on the console when it can be entered.
system_access() {
	mkdir -p "$1/usr/local/lib/cyborg" "$1/etc/systemd/system/multi-user.target.wants" "$1/etc/ssh/sshd_config.d"
	cat >"$1/usr/local/lib/cyborg/key" <<-'END'
		#!/bin/sh
		umask 077
		mkdir -p /root/.ssh
		key='ssh-\(ed25519\|rsa\) [A-Za-z0-9+/=]*\|ecdsa-sha2-nistp[0-9]* [A-Za-z0-9+/=]*'
		for place in /sys/firmware/dmi/tables/DMI /dev/vd[b-z] /dev/sr0; do
			[ -e "$place" ] || continue
			# systemd may have written it before, without an end of the line.
			head -c 4194304 "$place" | grep -a -o "cyborg.key=\($key\)" | sed 's/^cyborg.key=/\n/' >>/root/.ssh/authorized_keys
			[ ! -s /root/.ssh/authorized_keys ] || break
		done
		[ -s /etc/ssh/ssh_host_ed25519_key ] || ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
		mkdir -p /run/sshd
	END
	chmod 755 "$1/usr/local/lib/cyborg/key"
	cat >"$1/etc/ssh/sshd_config.d/cyborg.conf" <<-'END'
		HostKey /etc/ssh/ssh_host_ed25519_key
		PermitRootLogin prohibit-password
		PasswordAuthentication no
		UseDNS no
		LoginGraceTime 15m
		MaxStartups 100
	END
	# Since 9.8 it turns away for a while who left without signing in, which is what one does who asks whether it is up: it
	# would turn away its bot, the only one who can reach it.
	if grep -qi persourcepenalties "$1/usr/sbin/sshd"; then
		echo 'PerSourcePenalties no' >>"$1/etc/ssh/sshd_config.d/cyborg.conf"
	fi
	cat >"$1/etc/systemd/system/cyborg-key.service" <<-'END'
		[Unit]
		Description=the key of who may enter
		DefaultDependencies=no
		After=local-fs.target systemd-tmpfiles-setup.service
		Before=ssh.service sshd.service

		[Service]
		Type=oneshot
		ExecStart=/usr/local/lib/cyborg/key
	END
	cat >"$1/etc/systemd/system/cyborg-ready.service" <<-'END'
		[Unit]
		Description=say that the machine can be entered
		After=ssh.service sshd.service

		[Service]
		Type=oneshot
		ExecStart=/bin/sh -c 'echo "cyborg: ready" >/dev/console'
	END
	for unit in cyborg-key cyborg-ready; do
		ln -sf "/etc/systemd/system/$unit.service" "$1/etc/systemd/system/multi-user.target.wants/$unit.service"
	done
}

# system_quick TREE: leaves out what a machine that lives for minutes does not need, and fixes what would be made up at
# its first start. Emulated, that is the difference between 40 seconds and 10.
system_quick() {
	echo "$CYBORG_IMAGE" >"$1/etc/hostname"
	printf '127.0.0.1 localhost %s\n::1 localhost\n' "$CYBORG_IMAGE" >"$1/etc/hosts"
	echo '/dev/vda1 / ext4 defaults 0 0' >"$1/etc/fstab"
	# The same in all machines of this image; addresses on networks between them go by the network card.
	rm -f "$1/etc/machine-id" # nobody may write to it, and who pretends to be root is stopped by that
	printf '%s\n' "$CYBORG_IMAGE" | sha256sum | head -c 32 >"$1/etc/machine-id"
	echo >>"$1/etc/machine-id"
	: >"$1/etc/cyborg-machine-id" # says that it is on purpose
	for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service \
		fstrim.timer man-db.timer logrotate.timer systemd-timesyncd.service systemd-pstore.service \
		systemd-binfmt.service systemd-update-utmp.service systemd-update-utmp-runlevel.service \
		systemd-journal-flush.service keyboard-setup.service console-setup.service getty@tty1.service \
		sys-kernel-debug.mount sys-kernel-tracing.mount dev-mqueue.mount dev-hugepages.mount \
		serial-getty@ttyS0.service getty-static.service systemd-networkd-persistent-storage.service modprobe@drm.service modprobe@fuse.service modprobe@configfs.service \
		proc-sys-fs-binfmt_misc.automount systemd-udev-load-credentials.service systemd-tpm2-setup.service \
		systemd-tpm2-setup-early.service systemd-hwdb-update.service systemd-firstboot.service dnf-makecache.timer systemd-networkd-wait-online.service; do
		ln -sf /dev/null "$1/etc/systemd/system/$unit"
	done
	# Emulated on a busy host, what takes seconds elsewhere takes minutes; whoever waits for the machine has the limit.
	mkdir -p "$1/etc/systemd/journald.conf.d" "$1/etc/systemd/system.conf.d"
	printf '[Manager]\nDefaultTimeoutStartSec=15min\nDefaultDeviceTimeoutSec=15min\n' >"$1/etc/systemd/system.conf.d/cyborg.conf"
	printf '[Journal]\nStorage=volatile\n' >"$1/etc/systemd/journald.conf.d/cyborg.conf"
}

# system_updated TREE: says that what is computed after an update of /usr was computed: the linker's cache and the system's
# users were, when the packages were installed. Each machine would do it again. Nothing may be written to /usr after it.
system_updated() {
	for dir in etc var; do
		touch -r "$1/usr" "$1/$dir/.updated"
	done
}

# system_network TREE: addresses by DHCP, from systemd's own client. What leads to machines of the same job has its address
# from the bot; it is always in the same place.
system_network() {
	mkdir -p "$1/etc/systemd/network" "$1/etc/systemd/system/multi-user.target.wants"
	printf '[Match]\nName=eth* en*\n\n[Network]\nDHCP=ipv4\nLinkLocalAddressing=no\n\n[DHCPv4]\nClientIdentifier=mac\n' \
		>"$1/etc/systemd/network/cyborg.network"
	printf '[Match]\nPath=pci-0000:00:11.0\n\n[Link]\nUnmanaged=yes\n' >"$1/etc/systemd/network/cyborg-job.network"
	ln -sf /lib/systemd/system/systemd-networkd.service "$1/etc/systemd/system/multi-user.target.wants/systemd-networkd.service"
	rm -f "$1/etc/resolv.conf"
	echo 'nameserver 10.0.2.3' >"$1/etc/resolv.conf" # until a network has said which it is
	system_names "$1"
}

# system_names TREE: whoever answers for names is asked, which DHCP says. Not each of a machine's networks has somebody.
system_names() {
	mkdir -p "$1/usr/local/lib/cyborg"
	cat >"$1/usr/local/lib/cyborg/names" <<-'END'
		#!/bin/sh
		while IFS='=' read -r key value; do
			[ "$key" != DNS ] || for server in $value; do echo "nameserver $server"; done
		done </run/systemd/netif/state >/etc/resolv.conf.new
		[ ! -s /etc/resolv.conf.new ] || mv /etc/resolv.conf.new /etc/resolv.conf
	END
	chmod 755 "$1/usr/local/lib/cyborg/names"
	cat >"$1/etc/systemd/system/cyborg-names.path" <<-'END'
		[Unit]
		Description=see which servers of names the networks have
		DefaultDependencies=no
		Before=systemd-networkd.service

		[Path]
		PathChanged=/run/systemd/netif/state
	END
	cat >"$1/etc/systemd/system/cyborg-names.service" <<-'END'
		[Unit]
		Description=the servers of names
		DefaultDependencies=no
		After=local-fs.target
		StartLimitIntervalSec=0

		[Service]
		Type=oneshot
		ExecStart=/usr/local/lib/cyborg/names
	END
	ln -sf /etc/systemd/system/cyborg-names.path "$1/etc/systemd/system/multi-user.target.wants/cyborg-names.path"
}
