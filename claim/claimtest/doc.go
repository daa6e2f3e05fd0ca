// Package claimtest examines package claim, and whatever implements its interfaces.
//
//   - Memory is a GitHub in memory, for the log of marks alone: ids, times, replicas that lag, answers that get lost.
//   - Board is a conformance suite: whoever writes a claim.Board runs it.
//   - Explore walks through every order of events of two or three bots that compete for a subject, with the real claim.Life, and
//     prints a counterexample as a story.
//
// It is a package of its own so that fakes and checks stay out of the program.
package claimtest
