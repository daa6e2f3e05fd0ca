// Package build makes disks from recipes.
//
// A recipe is two small programs, which a team commits as bots/images/NAME.bootstrap and NAME.setup, or the first of
// which is ready-made (see [Recipes]):
//
//	NAME.bootstrap   runs on the bot, in an empty directory, and writes $CYBORG_DISK: a raw or qcow2 disk that boots
//	NAME.setup       runs in a machine that was started from that disk, as root, and changes it
//
// Then the machine is switched off, its disk loses what is unused, is written anew as a compressed qcow2 file that
// stands for itself, is started once more to see that it boots, and gets its name: the sum of what is in it.
//
// # What a recipe finds
//
//	CYBORG_IMAGE     NAME
//	CYBORG_DISK      the file to write (bootstrap)
//	CYBORG_RECIPES   the folder of the ready-made ones; its disk.sh makes a tree of files a disk (bootstrap)
//	CYBORG_MIRROR, CYBORG_SUITE, CYBORG_SIZE, CYBORG_PACKAGES, CYBORG_INSIDE, CYBORG_KEYRING, CYBORG_URL, CYBORG_SHA256
//	                 what ready-made ones can be told (bootstrap)
//
// and proxies, PATH, HOME and TMPDIR. A recipe that fails ends the build; what it printed is in the job's log.
//
// CYBORG_PACKAGES names packages beside the few that a recipe installs: on the bot, which is the quicker way than a setup
// where machines are emulated. A recipe of two lines does it:
//
//	#!/bin/sh
//	CYBORG_PACKAGES="golang-go git" exec "$CYBORG_RECIPES/debian.bootstrap"
//
// CYBORG_INSIDE is a script that Debian's and Ubuntu's recipes run in the new system's tree, as its root with HOME=/root, when
// its packages are installed. That too is the bot's own processor at work, where a setup has an emulated one: so a disk brings
// the caches that jobs would fill each time anew. It needs a root, or user namespaces; fakechroot runs no static programs.
//
//	CYBORG_PACKAGES=golang-go CYBORG_INSIDE="go build std" exec "$CYBORG_RECIPES/debian.bootstrap"
package build
