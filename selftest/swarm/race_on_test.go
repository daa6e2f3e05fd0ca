//go:build race

package swarm

// dear is how much dearer a game is than without the race detector.
const dear = 24
