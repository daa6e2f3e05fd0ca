// Package claim decides who works on what, without a server: bots agree through records that anybody can read on GitHub.
package claim
