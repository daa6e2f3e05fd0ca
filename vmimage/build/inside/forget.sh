#!/bin/sh
# What was of this one machine must not be in those that start from its disk; and what is unused is given back.
rm -f /etc/ssh/ssh_host_*_key* /etc/dropbear/dropbear_*_host_key
rm -f /root/.ssh/authorized_keys /home/*/.ssh/authorized_keys
[ ! -e /etc/machine-id ] || [ -e /etc/cyborg-machine-id ] || : >/etc/machine-id
rm -f /var/lib/systemd/random-seed /var/lib/dbus/machine-id
if [ -d /var/cache/apt/archives ]; then rm -rf /var/cache/apt/archives/*.deb /var/lib/apt/lists/*; fi
if command -v dnf >/dev/null; then dnf -q clean all; fi
if [ -d /var/log/journal ]; then rm -rf /var/log/journal/*; fi
find /var/log -type f -exec sh -c ': >"$1"' sh {} \; 2>/dev/null
rm -rf /tmp/* /var/tmp/* 2>/dev/null
sync
fstrim / 2>/dev/null || true # a file system that cannot stays larger
exit 0
