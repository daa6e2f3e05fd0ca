// Package swarm plays fleets of bots in virtual time: real agents with real clients against the emulated GitHub, in one
// process, with everything that goes wrong, and judges what came of it by what the emulator knows.
//
// # A game
//
// A [Game] is played in a testing/synctest bubble, in which a day takes as long as what is computed in it. Bots are
// agent.New(…).Run with a hub.Client over fakehub's in-process transport. What is not real is what the bots never look
// at: a job is a wait of some length with an outcome that follows from its claim, and the store throws away what it is
// given. Between a bot and the network stands a link, which can be cut, frozen (SIGSTOP, a laptop that sleeps) or dead
// (SIGKILL), and each bot measures durations with a clock of its own that is wrong by up to a tenth.
//
// People open pull requests, push anew over them, rename and close them, and ask for a context again in the middle.
//
// # What is judged
//
// The judge reads the emulator's truth: every status in the order in which it was taken, without lag. It does not ask
// the bots. From the performers it takes only when each was at work, with which claim and to what end.
//
//	double    two performers worked on one subject at once, though none was frozen and nobody had asked again
//	effects   two different results counted in one attempt
//	flips     readers saw a result count, and later another one in its stead
//	lost      a subject was open at the end though a capable bot was alive
//	wrong     at rest, people saw something else than the result that counts
//	phantom   a result that nobody produced, or another one than was produced
//
// Beside agents there are games of claims alone: what surrounds a claim is left out (scans, directories, pages), and in the
// same time five times as many jobs are done by the same claim.Acquire, Keep and StatusBoard with the same client.
//
// # Chance
//
// Everything follows from the seed. Two requests hardly ever come at the same time (each is on its way for a number of
// nanoseconds of its own), so that the order in which goroutines run does not matter, and a seed can be played again. One
// game of agents in twenty takes another turn where two goroutines of one bot do something at the same instant.
package swarm
