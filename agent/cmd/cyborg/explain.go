package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/cyborg-bots/cyborg/claim"
	"github.com/cyborg-bots/cyborg/claim/hub"
)

// explain gives the exit status of an error, and what a person can do about it where that is known. It is the only place
// that maps errors to either.
func explain(err error) (code int, hint string) {
	if e, ok := errors.AsType[*exitError](err); ok {
		code, hint = e.Code, e.Hint
	} else {
		code = exitInfra
	}
	if _, ok := errors.AsType[*claim.TakenError](err); ok {
		return exitOccupied, hint
	}
	if hint != "" {
		return code, hint
	}
	if limited, ok := errors.AsType[*hub.LimitedError](err); ok {
		return code, fmt.Sprintf("wait %s, or use another account's token", time.Until(limited.Until).Round(time.Second))
	}
	network, _ := errors.AsType[*net.OpError](err)
	switch {
	case network != nil && network.Op == "listen":
		hint = "give another address with --listen; port 0 takes a free one"
	case network != nil:
		hint = "check GITHUB_API_URL and the network: name server, proxy, firewall"
	case errors.Is(err, hub.ErrUnauthorized):
		hint = "set GITHUB_TOKEN to a token that is valid for this GitHub, and GITHUB_API_URL to its API"
	case errors.Is(err, context.DeadlineExceeded):
		hint = "the network or GitHub is slow: try again"
	}
	return code, hint
}
