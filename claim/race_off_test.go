//go:build !race

package claim_test

// seeds of TestSwarms.
const seeds = 2000
