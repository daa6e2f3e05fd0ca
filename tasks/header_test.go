package tasks

import "testing"

func TestProductHeader(t *testing.T) {
	h, err := ParseHeader("bots/verify", []byte(`#!/bin/sh
# verify: run the integration tests in a machine of each system
# on: pull request, push main, request
# branches: main stable-*
# image: fedora-42 debian-13 centos-10          one context each: verify/fedora-42 …
# with: browser=firefox chrome                  optional second axis: verify/fedora-42/firefox …
# in: vm                                        vm, container IMAGE, or host (trusted jobs only)
# needs: kvm memory=4G
# secrets:                                      names; a task that runs an outsider's code may name none
# timeout: 2h
# results: tap                                  tap, junit FILE…, go-json; default: the exit code
# artifacts: *.png *.log *.core
exec test/run
`))
	t.Logf("%+v %v", h, err)
	_, err = ParseHeader("bots/verify", []byte("#!/bin/sh\n# verify: x\n# imge: a\n# every: 7 dys\n"))
	t.Log(err)
}
