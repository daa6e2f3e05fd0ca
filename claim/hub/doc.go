// Package hub is GitHub as the bots see it.
package hub
