// Package agent is one bot: it looks at GitHub, chooses a job, claims it, performs it, publishes what came of it, and
// releases the claim; and the loop around that.
//
//	Run ── look ──► plan ──► choose ──► claim.Acquire ──► Perform ──► release(result)
//	        ▲         │                                      │
//	        └─ poll ──┴─► watch: stop runs that nobody wants ┘
//
// All bots are alike and none knows the others but through what it reads. A round of the loop reads each repository
// once (one GraphQL query); plan turns what it saw into a queue, which is pure and tested as a table; choose takes from
// the queue so that bots which see the same rarely want the same job (rendezvous rank, 3-claims.md 3.8). What they
// want all the same is decided by package claim, never here: a look at GitHub finds candidates, the claim decides.
//
// A run is stopped when it has become useless: its pull request was closed or has a new head, somebody with write
// access said /cancel, or the context was asked for again. One reading that says so is not believed (GitHub's answers
// can be stale, L11); it is confirmed by a second, different one. Errors of reading never stop a run (L12).
//
// A bot that is asked to stop (its context ends) takes nothing new, gives what it runs a short time, stops the rest and
// releases its claims, so that a peer can go on within seconds. A bot that is killed loses nothing: its claims expire,
// and its next start releases what its journal still holds.
//
// Beside jobs a bot does a few things for people, each once however many bots see that it is to be done: it answers the
// commands of comments (heed.go), files the chores that are due (chore.go), and sums up pull requests (summary.go). None of
// these has a claim. Bots take turns, look at what is there before they write, and what is there twice all the same is
// taken back by who came second.
//
// Perform is the one way through the house: the line in an issue, the line in the shell and the head of a pull request
// end there, with a tasks.Job, and come out with an Outcome.
package agent
