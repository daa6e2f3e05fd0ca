// Package store has the disks: it fetches them from S3 or web servers, keeps them on this machine, uploads new ones, and
// removes what nobody refers to.
//
// # What is promised
//
// A disk is named by the SHA-256 of its file, and the name comes from git. So nobody has to be trusted: not the server,
// not the network, not the disk of this machine.
//
//   - [Cache.Get] gives a file only after its sum was seen to be right. What was seen is written down with the file's
//     inode, size and times, so that a disk of gigabytes is not read again for every machine; any change of the file, and a
//     week, void it.
//   - A disk stands for itself: one that names a file of the host is refused, whatever its sum.
//   - One download per machine: whoever comes second waits for the first, and takes over if it dies.
//   - What has arrived stays: a download goes on where it was, also from another server, as parts of one sum are the same
//     everywhere.
//   - [Upload] never replaces a disk, and believes in one only after reading all of it back.
//   - Pruning keeps what git refers to, what is in use, and what is so new that its reference may be on the way.
//
// # Files of a cache
//
//	NAME-<sha256>.qcow2              a whole disk, read only; a shared lock on it says that it is in use
//	.NAME-<sha256>.qcow2.lock        held by who fetches it
//	.NAME-<sha256>.qcow2.partial     what has arrived so far, sparse
//	.NAME-<sha256>.qcow2.journal     which parts these are
//	.NAME-<sha256>.qcow2.checked     what was seen when its sum was right; its time is the last use
package store
