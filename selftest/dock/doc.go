// Package dock exercises the image as people run it: `cyborg fakehub` in a container as the GitHub, bots in containers of
// their own with nothing but a token and a repository's name, a private network between them, and somebody who kills,
// pauses, disconnects and restarts them. What does not need containers is in package drill.
//
// The tests have the build tag "docker" and their own targets in the Makefile (replicas, measure, newcomer): they need a
// Docker that answers, and the image cyborg:slim. Each gives all that it makes one label, and at the end looks whether
// anything with it is left.
package dock
