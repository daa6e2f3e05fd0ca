//go:build race

package claim_test

// seeds of TestSwarms: the race detector makes each five times as dear, and looks for something else.
const seeds = 400
