// Package drill exercises the real program as processes: `cyborg fakehub` as the GitHub, several `cyborg run` as the
// fleet, git and plain HTTP as the people. What one process can show is tested elsewhere and quicker; here is what needs
// real processes: a real project with real test output, a fleet under lag and lost answers, bots that are killed,
// stopped and continued.
//
// Drills take minutes, so they have the build tag "drill" and their own targets in the Makefile (real, fleet, chaos, validate).
// CYBORG_BIN names the program; the targets build it first.
package drill
