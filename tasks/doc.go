// Package tasks is what the team knows how to do, and how it says so.
package tasks
