// Package vmimage is what a team says about the disks of its virtual machines, and what can be told of a disk's file.
//
// # In the repository
//
//	bots/images/NAME             a link to NAME-<sha256>.qcow2: which disk NAME is now
//	bots/images/NAME.bootstrap   how its disk is first made; runs on the bot
//	bots/images/NAME.setup       what is done inside it, as root; runs in a machine
//
// A link is a symbolic link, which dangles unless people put the disk beside it, or a file with the same text; git
// keeps both as the same bytes. As a disk is named by its digest, a commit says for ever what its tests ran in, a
// branch keeps its disks until it is gone, and a new disk is used only by what merges the commit that names it.
//
// # Elsewhere
//
//	vmimage/store     disks on S3, web servers and this machine: fetched, checked, kept, removed
//	vmimage/build     recipes, and how a disk is made from them
//	vmimage/machine   machines that start from a disk
package vmimage

// Folder is where a repository keeps what it says about disks.
const Folder = "bots/images"
