// Package shadow is how the bots validate a change of their own program before it may do anything: the built-in task
// self-check, which judges each pull request of the bots' own repository.
//
// The candidate, which is the program as the pull request would make it, is foreign code. All of it happens in the place
// of the job, as with any other task: it is built there, and it is run there. It never has a token, and never a
// network. What it sees of GitHub is a Window: the bot that does the job answers the candidate's requests, over a
// socket in the job's directory, with what its own token may read, of the served repositories alone. Writes are written
// down, and refused.
//
//	bot ── Window ── socket ─┊─► relay (this version, in the place of the job) ─► 127.0.0.1 ─► candidate
//	        │                ┊                                                              ─► this version
//	        └─► GitHub       ┊ the place of the job
//
// A window is frozen: what was read once is answered from memory, so that this version, which looks through it first,
// and the candidate see the very same GitHub at the same moment. Both are run as "cyborg run --once --rehearse": one
// look, every claim that they would make from it and all that they would say, at once. As each claim is refused, no job is
// ever done. The difference between two such accounts is what the change does to the world. What differs is looked at
// once more through a new window, since the world may have moved while the first was filled.
//
// The clauses, each one a test on the page:
//
//	builds          make build, in a copy of the checkout, leaves out/cyborg
//	selftest        it ends well, finds what this version finds here, and does not boast of more
//	shadow/run      it looks at the real repositories and ends by itself, with status 0
//	shadow/choices  it would take the same jobs in the same places and order, as this bot and as one that can do all, claim the same
//	                subjects under the same name, and change the same things
//	shadow/texts    and say the same about them, as this version understands it, but for nonces
//	shadow/budget   with hardly more requests, and no more writes
//	demo            the whole story of cyborg demo comes out as it must, if nothing was wrong so far
//
// A change that is meant to choose or speak differently says so in its pull request, in a line "shadow: choices differ"
// or "shadow: texts differ": the differences are then shown, and no failure. People read that line when they review.
//
// Who passed may do one more thing before it is merged: the context "verify/x@bots#N" of any served repository runs
// that repository's task with the candidate of pull request N, see Perform.
package shadow
