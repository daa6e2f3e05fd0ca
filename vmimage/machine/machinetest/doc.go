// Package machinetest has what tests of real machines share: an ordinary user to be when the tests run as root, whose
// session libvirt would refuse; the small image; and the proof that nothing is left.
package machinetest
