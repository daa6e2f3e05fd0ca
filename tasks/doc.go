// Package tasks is what a team knows how to do, and how it says so.
//
// A team teaches its bots as it would teach a colleague: it commits one executable file to the folder bots/ of its
// repository, with the commands in it, and says in the file's leading comment when and where to run it. This package
// reads those files ([Load]), tells what they ask for ([Catalogue.ContextsFor], [Priority], [Capabilities.Missing]),
// reads and writes the lines with which people and bots ask for a job ([ParseLine], [ParseChecklist]), prepares what the
// task finds ([Environment]), and understands what it prints ([Results], [Judge]). It runs nothing and talks to nobody:
// everything here is a pure function of text, but for [Results.Collect], which reads the files that a job has left.
//
// # The header
//
// The header is part of the leading comment of the file, in the comment style of whatever language it is in (#, //, --,
// ;, % or "):
//
//	#!/bin/sh
//	# SPDX-License-Identifier: MIT              comments before the header are no concern of ours
//	#
//	# verify: run the integration tests         its first line: the file's own name, and what the task does
//	# on: pull request, push main, request      then lines "key: value"
//	# image: fedora-42 debian-13
//	#   centos-10                               a value goes on in lines indented by two more blanks
//	#
//	# note that: from here on it is prose       the first empty line ends the header
//	exec test/run
//
// The rules are strict, so that a slip of the pen is found before a bot acts on it, and fair, so that prose is left alone:
//
//   - The header begins with the line "NAME: text" where NAME is the file's name, and ends with the first line without
//     text, or with the comment.
//   - Between the two every line is "key: value" or goes on with the value before. An unknown key, one given twice, a
//     value that is not understood, and keys that contradict each other are errors.
//   - Behind the end anything may be written, except a line that begins with a key of the header: it would be ignored
//     silently, and was hardly meant to be.
//   - Words set off from a value by four blanks or more are a remark (twenty, if the value is empty, so that values may
//     be aligned). A remark is prose: what looks like a value in a column of its own is refused.
//
// The keys:
//
//	on          pull request, push BRANCH, tag PATTERN, request; separated by commas; default: request
//	branches    patterns of the base branches of pull requests; default: all
//	image       the disks to run in; one context each: verify/fedora-42
//	with        another axis, or several: browser=firefox chrome go=1.25 1.26; contexts verify/fedora-42/firefox/1.26 …
//	in          vm, container IMAGE, or host; default: the strictest place that the bot has
//	machines    NAME=IMAGE or NAME: more machines beside that of "in: vm", on a network of theirs alone; NAME has the job's image
//	needs       kvm vm container host images memory=4G disk=80G network=NAME secret=NAME arch=amd64
//	secrets     names of secrets the task is given; none for a task on pull request, which runs an outsider's code
//	timeout     at most 24h; default: 2h
//	results     tap, junit FILE…, or go-json; default: the exit code
//	artifacts   patterns of files to keep
//	every       7 days: a chore, filed as an issue when due
//	paths       what a chore may change
//	after       the release steps that go before this one
//	network     none, or the hosts that may be reached, from a machine as from a container; default: the Internet, but
//	            nothing for code of an outsider; never this host, the networks around it, or mail servers
//	push        head: put commits onto the pull request itself; default: branch, one of the bot's own
//
// Durations are whole numbers with units from seconds to weeks (90 minutes, 1h30m, 7 days), sizes have K, M, G or T.
//
// # The line
//
// A job is one line of text: "image-refresh debian-13", "verify --pull 42 --context verify/fedora-42". The same line is
// an item of an issue's checklist (" * [ ] image-refresh debian-13"), what a person types behind "cyborg", and what a
// scan prints. Words are quoted as in a POSIX shell, and what a shell would expand must be quoted, so that a line means
// the same wherever it stands.
//
// # Who says no
//
// A task that exits with 0 says yes, with 77 that it has nothing to do here, with anything else no. Where it reports its
// tests as well, the worse of the two counts; see [Judge]. A built-in task says no with [Fail]; its other errors are our
// own trouble, are never shown as the author's fault, and send the job back to the fleet.
package tasks
