// Package place runs a job's command in a virtual machine of its own: a container.Runner whose jobs get a fresh machine
// each, which is destroyed afterwards.
//
//	checkout ──tar over ssh──► the same folder in the machine ──► command, live output
//	artifacts, kept files ◄──── only files, only so many bytes ◄──┘
//
// The folders have the same names inside as on the host, so that a task finds in its variables what is there. Nothing of
// the bot is in the machine: no token, no key but the one that lets the bot in, no folder of the host, no cache that
// another job reads. What a job may reach is as in every sandbox, by the same rules of the same gate (see container/gate):
// nothing; the hosts that its task names; or the Internet without this host and the networks around it. Each machine has
// a cable to a gate of its own. What comes out is looked at as a stranger's: see machine.CopyOut.
//
// A job may have more machines beside its own (container.Spec.Machines), with disks of their own and nothing of the
// checkout in them:
//
//	bot ──ssh──► job ◄──┐                    10.111.112.1, where the command runs
//	bot ──ssh──► server ◄──── a Network ─┐   10.111.112.2, in the order of the header
//	bot ──ssh──► client ◄────────────────┘   10.111.112.3
//
// All are up and see each other before the command starts. Their names are in each one's /etc/hosts and, with blanks
// between, in CYBORG_MACHINES; "ssh NAME" in any of them asks nothing. Each may have the memory and processors of the job's
// limits, and room is taken for all at once. One that dies is named in the log and does not end the job: that may be what
// it tests. Each one's console is kept beside the job's, as console-NAME.txt.
//
// A Budget says how much memory and how many processors all machines of a bot may have together, so that they never
// make the host swap: a job waits until there is room for it.
package place
