# What needs Docker: the image, and the exercises with it.
.PHONY: docker slim image same measure replicas contained
JOBS ?= 100

docker: ## sees that a Docker answers, and says what it starts or installs
	.ci/docker

image: docker ## cyborg:slim and cyborg:full from the Dockerfile; with no registry to pull from it makes the Debian base itself
	container/image/build slim full

slim: docker ## cyborg:slim alone
	container/image/build slim

same: docker ## two builds of cyborg:slim with nothing kept between them are the same to the bit
	container/image/same

measure: slim ## how large cyborg:slim is, how soon a bot in it looks at GitHub, how much it needs when idle
	$(GO) test -tags docker -count=1 -timeout 15m -v -run TestMeasure ./selftest/dock

.PHONY: sandboxes engines
ENGINES ?= docker $(if $(shell command -v podman),podman)

sandboxes: docker ## every engine that is here held to its promises, and jobs that try to get out
	CYBORG_ENGINES='$(ENGINES)' .ci/bounded 8G $(GO) test -tags engines -count=1 -timeout 20m -parallel 4 -v -run TestEngines ./container/containertest

engines: docker ## the shorter part of it, for CI: fifty jobs that try to get out of each engine, and who is given secrets in it
	CYBORG_ENGINES='$(ENGINES)' .ci/bounded 8G $(GO) test -tags engines -count=1 -timeout 10m -parallel 4 -v -run 'TestEngines/.*/escape|TestEngineScripts' ./container/containertest ./agent/cmd/cyborg

replicas: slim ## five bots in containers and JOBS jobs, while somebody kills, pauses, disconnects and restarts them
	CYBORG_JOBS=$(JOBS) $(GO) test -tags docker -count=1 -timeout 15m -v -run TestReplicas ./selftest/dock

contained: slim ## make demo, in a container that has nothing but the image
	docker run --rm --network none --cap-drop ALL --security-opt no-new-privileges cyborg:slim demo

.PHONY: full machines
full: docker ## cyborg:full, which has QEMU and libvirt
	container/image/build full

machines: slim full $(OUT)/vm/busybox.qcow2 $(OUT)/vm/debian-stable.qcow2 ## a bot in cyborg:full, started with no flags at all, does two jobs of a real project in virtual machines
	CYBORG_VM_IMAGE=$(CURDIR)/$(OUT)/vm/busybox.qcow2 CYBORG_VM_DEBIAN=$(CURDIR)/$(OUT)/vm/debian-stable.qcow2 $(GO) test -tags docker -count=1 -timeout 110m -v -run TestMachine ./selftest/dock

.PHONY: deploy drain
deploy: docker ## the manifests of container/deploy against the real types of Kubernetes and Compose, and podman's own generator
	cd container/deploy/check && $(GO) test ./...
	container/deploy/quadlet

drain: slim ## a bot as confined as the manifests want it, which is asked to stop while it works
	$(GO) test -tags docker -count=1 -timeout 10m -v -run TestDrain ./selftest/dock

.PHONY: newcomer
newcomer: slim ## the steps and seconds from nothing to the first green status
	$(GO) test -tags docker -count=1 -timeout 10m -v -run TestNewcomer ./selftest/dock
.PHONY: escape
escape: packages ## fifty jobs that try to get out of the sandbox of bubblewrap
	$(GO) test -tags engines -count=1 -timeout 10m -v -run TestEscape ./container/containertest
