// Package house holds the tests of the project itself, as tailscale and restic have them: what is written down about
// the tree is true of the tree, and stays true.
//
//   - imports go one way only, and the big libraries each live in one package (TestArrows);
//   - every package says what it is for, every exported name what it promises (TestComments);
//   - rooms stay small: 500 lines a file, 60 a function, six methods an interface (TestRooms);
//   - nothing waits blindly, nobody but main owns the context or the exit (TestManners);
//   - the README's transcripts are what the program prints (TestREADME).
//
// The tests parse the sources inside the test process. A test that calls `go list` would be answered from the test
// cache after the tree has changed.
package house
