// Package world is the whole thing on one machine: the emulated GitHub, an example repository with people who work on
// it, and a fleet of bots, all in this process but for git and the jobs themselves.
//
// It serves the demonstration (`cyborg demo`), the tests of the whole, and the README, which shows what it prints. A
// World is a place: a GitHub with people, a folder for logs that is served beside it, and bots that are started and
// stopped. A story is what happens in it: Demo tells one, in which a pull request passes, one fails, one is pushed anew
// while it is tested, and one does not merge; and it ends by comparing what GitHub shows with what must have happened,
// so that it is a test that people like to watch.
//
// Nothing here knows the insides of a bot: bots are made from an agent.Config as the real program makes them, over the
// real hub client, and speak to the emulator over the loopback interface.
package world
