// Package claim decides who works on what.
//
// A fleet of bots serves a repository. No bot knows the others, and there is no server, queue or database of their own:
// all they share is GitHub, where each can read what the others wrote. When ten of them see a job, one shall do it.
// This package is how they agree.
//
// # The idea
//
// GitHub has no "set if nobody has set it" for the things that people look at. Statuses, titles and labels can be read,
// and then written, and between the two somebody else writes as well. The bots of 2017 worked so, and did jobs twice,
// or four times.
//
// But GitHub has logs that only grow: the statuses of a commit, and the changes of an issue's title. Nobody can edit or
// remove a record, and each gets a number and a time from GitHub. So the log is the lock. Each bot writes a record, "I
// do it", and then everybody reads the log, and comes to the same conclusion, since the conclusion is a function of the
// log alone: [Decide]. What people see (the newest status, the title) is only the picture of it, and is repaired when
// it is wrong.
//
// # One contested claim
//
// The context verify of a commit is free, and two bots see that at the same moment. Time runs down; W is the settle
// wait, five seconds.
//
//	     bot a                           the commit's statuses                          bot b
//	       │                                                                              │
//	look   ├──────────────────────────►  (none: free)  ◄──────────────────────────────────┤   look
//	claim  ├───►  17  Testing in progress [a] k7m2q9xa 30m                                │
//	       ┆          18  Testing in progress [b] 3fhtw0me 30m  ◄─────────────────────────┤   claim
//	       ┆ W                                                                            ┆ W
//	       ┆                                                                              ┆
//	look   ├──────────────────────────►  17 a, 18 b  ◄────────────────────────────────────┤   look
//	       │                             the lowest number has it: a                      │
//	works  ║                                                                              └─► looks for other work,
//	       ║                                                                                  and writes nothing more
//	       ║
//	look   ║──────────────────────────►  still a
//	beat   ║───►  19  Testing in progress [a] k7m2q9xa 30m +10m
//	       ║
//	ends   ╨
//	look   ├──────────────────────────►  still a
//	result └───►  20  Tests passed [a] k7m2q9xa                                               (success)
//
// Everything hangs on the wait between claim and second look. GitHub answers reads from replicas, which lag; b's claim
// may be on a's replica before a's own is on b's. Who looks at once sees himself alone, and works; and so does the
// other. Who waits until every replica has what was there when he claimed (assumption A2) sees every claim with a lower
// number, or there is none. Package claimtest has a machine that walks through every order of events: with the wait it
// finds no order in which two work, and without it tells one in eight lines.
//
// k7m2q9xa is the claim's nonce. Only it identifies a claim. Names are for people.
//
// # The records
//
// They are texts that a person reads, and can write. [ParseStatusText] and [ParseTitle] have the grammar.
//
//	Testing in progress [a] k7m2q9xa 30m         claim: the bot a does it, and has it for 30 minutes
//	Testing in progress [a] k7m2q9xa 30m +10m    beat: and for 30 minutes from now
//	Tests passed [a] k7m2q9xa                    result, with state success, failure or error
//	Not yet tested (released) k7m2q9xa           given back: a peer may have it at once
//	Not yet tested                               reset: do it, or do it again
//	Not yet tested (direct trigger)              the same
//	Not yet tested: needs kvm, 0 of 3 have it    note: why it waits
//
// A reset and a note differ by the colon, and in what they do. A reset ends whatever runs or is done and asks for the
// job anew, whoever posts it: it is a person's wish. A note changes nothing: bots announce and explain with notes
// ([Waiting]), so that one which comes late, when the job already runs, does no harm.
//
// Without a nonce are: a claim by a bot of 2017, or of a version to come, which is respected for [ForeignLease]; and a
// result by a person, or such a bot, which counts, and over a bot's. Words which nobody here understands are left
// alone, and never painted over.
//
// # The fold
//
// [Decide] reads the log in the order of its numbers and keeps: which attempt it is, who owns the present generation of
// claims, until when, and the result.
//
//	reset      a new attempt begins; what was before is over
//	claim      the first owns the generation, until its time + its lease; those behind it are racers. Once the owner's time
//	           is over (and [Epsilon] longer, as GitHub's times differ), the next claim begins a new generation
//	beat       of the owner, in time: the time counts from here
//	result     the first of the present generation is the result of the attempt. One of an older generation is ignored: that is
//	           the fence against a bot that slept through its lease and then publishes
//	release    of the owner: free
//	all else   nothing
//
// Only marks of accounts that may write here count (Policy.Allowed).
//
// What follows from it, and from what:
//
//	T1  all who have seen the same marks agree; at most one result of an attempt counts     nothing but the log
//	T2  a result never changes, once all marks of its time are visible                      A2
//	T3  never two bots at work                                                              A2, A3, A4, and W at least A2's lag
//	T4  whoever is lowest wins, so each race has a winner; a dead bot costs its lease       A1
//	T5  people see the result that counts, at last                                          somebody looks (Verdict.Repair)
//
// The assumptions: A1 a record that GitHub has accepted stays. A2 it is in every read that begins W later. A3 the times
// of two records are right to [Epsilon]. A4 a bot's clock is right to a tenth, and runs while the machine sleeps
// ([SinceBoot]). A5 a request without an answer has been carried out after 30 seconds, or never will be. Where A2 to A4
// fail two bots may work on one job; T1 still holds, so for a test nothing is lost but time.
//
// # The life of a claim
//
// [Life] is the protocol as a pure step function: it is told what happened, and says what to do. [Acquire] and Keep
// carry that out, and the explorer of claimtest runs the same function through every order of events. What it takes
// care of:
//
//   - The nonce goes to disk before the claim goes to GitHub ([Journal]), so that a bot which starts again gives back at once what it left behind.
//   - A write without an answer may have been carried out. For a claim: wait until it must be there, and look; if it is not, the same again, with the same nonce.
//     A result is simply repeated, since the first counts.
//   - The lease is renewed at a third of it. The bot stops by itself after nine tenths, counted on a clock that runs in the machine's sleep
//     from before the last renewal was sent. So it has stopped when others may begin, whatever it could not hear.
//   - Errors while it works mean nothing by themselves. Only a positive sign ends the work: another has it, or a person asked anew; and time.
//   - 401, 403, 404: no more beats, and no result, unless reading works again.
//   - A list that lacks what was seen before is old; nothing is decided on it. If the wait was seen to be too short it is doubled for an hour ([Patience]).
//   - All timings are functions of the lease, and the lease is in the record, so bots with different settings agree.
//   - GitHub takes 1,000 statuses for a context of a commit. Beats end at 900, claims at 980, and [Verdict.Why] says so.
//
// # The boards
//
// A [Board] is a log. [StatusBoard] has the statuses of a commit. [IssueBoard] has the changes of an issue's title
// ("WIP: a [k7m2q9xa]: Image refresh"). [RefBoard] puts a git ref in front of either, the one thing on GitHub that can
// be set only if nobody has: with it the effects of a job on the world outside happen at most once, whatever clocks and
// replicas do ([Claim.Fence]). claimtest.Board checks any board.
//
// # Choosing well
//
// A lost race costs a status and seven points of the budget. [Places] shares the free jobs out among the idle bots, by
// names alone, so that everybody starts with another; [RankDelay] says how long to leave a job to those who come
// before.
//
// # How to use it
//
//	c, err := claim.Acquire(ctx, board, subject, claim.Owner{Name: "a"}, claim.DefaultPolicy())
//	if err != nil {
//		return err // a *TakenError says who has it, and until when
//	}
//	work, release := c.Keep(ctx)
//	passed, err := test(work) // ends when the claim is lost
//	if err != nil {
//		return release(claim.Result{}) // trouble of our own: a peer may have it
//	}
//	return release(claim.Result{State: "success", Text: "Tests passed"})
package claim
