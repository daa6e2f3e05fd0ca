#!/bin/sh
# Prints what is installed: a line "NAME VERSION" for each package. Busybox has an rpm of its own, which lists nothing.
if [ -e /etc/packages ]; then
	exec cat /etc/packages
elif command -v dpkg-query >/dev/null; then
	exec dpkg-query -W -f '${Package} ${Version}\n'
elif command -v rpm >/dev/null; then
	exec rpm -qa --qf '%{NAME} %{VERSION}-%{RELEASE}\n'
fi
