// Package s3test runs a real S3 server for tests, and troubles the way to it.
//
// [Start] runs versitygw on loopback, on a folder that goes with the test. The
// program comes from a module file of its own (.ci/s3.mod), so that its
// hundreds of modules stay out of ours; the go command builds it, once, and
// keeps it in its cache.
//
// [Between] is a proxy that fails some requests, is slow, cuts answers off, says
// "slow down", or is gone: what the way to a store does to bots.
package s3test
