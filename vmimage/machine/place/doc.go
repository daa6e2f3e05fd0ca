// Package place runs a job's command in a virtual machine of its own: a container.Runner whose jobs get a fresh machine
// each, which is destroyed afterwards.
//
//	checkout ──tar over ssh──► the same folder in the machine ──► command, live output
//	artifacts, kept files ◄──── only files, only so many bytes ◄──┘
//
// The folders have the same names inside as on the host, so that a task finds in its variables what is there. Nothing of
// the bot is in the machine: no token, no key but the one that lets the bot in, no folder of the host, no cache that
// another job reads; and by default no network. What comes out is looked at as a stranger's: see machine.CopyOut.
//
// A Budget says how much memory and how many processors all machines of a bot may have together, so that they never
// make the host swap: a job waits until there is room for it.
package place
