# Everything that a person types here; .ci/run types the same.
#   make demo     the whole thing on this machine: a GitHub, people, three bots; no account, no root
#   make test     every test, those in virtual machines too; says what it installs first (root on Debian), fails where it cannot
SHELL   := /bin/bash
GO      ?= go
OUT     := out
TAGS    := libvirt_dlopen
# One set of flags for the program, the tests and the linters, so that each package is compiled once for all of them.
export GOFLAGS += -trimpath
VERSION ?= $(shell git describe --always --dirty 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X main.version=$(VERSION)
FUZZTIME ?= 10s
SIMTIME ?= 30s
SKIPS   ?= .ci/skips

.PHONY: vm vm-many vm-debian placements load build demo test unit lint bench simulate fuzz real fleet chaos validate upgrade npm chores explore mutants mutants-sandbox mutants-images packages s3server s3 clean

build: ## out/cyborg, one static program but for the C library
	$(GO) build -tags $(TAGS) -ldflags '$(LDFLAGS)' -o $(OUT)/cyborg ./agent/cmd/cyborg

demo: build ## under a minute; ends by itself; DEMO=--keep leaves it open to play with
	$(OUT)/cyborg demo $(DEMO)

test: packages build s3server unit vm vm-debian ## all tests: the race detector on, skips only where .ci/skips lists them; then those in machines
	@mkdir -p $(OUT)

unit:
	@mkdir -p $(OUT)
	set -o pipefail; { $(GO) test -json -run '^Test(Explore|Limits|Rank|Places|Collisions)' ./claim ./claim/claimtest ./tasks && $(GO) test -race -vet all -timeout 25m -json ./...; } | tee $(OUT)/test.json | $(OUT)/cyborg results --skips $(SKIPS) go-json

s3server: ## a real S3 server for the tests, pinned in a mod file of its own; the go command keeps it in its cache
	$(GO) tool -modfile=.ci/s3.mod -n versitygw

s3: build s3server ## runs it on this machine with a bucket for logs, and prints the settings; ends with Ctrl-C
	GO=$(GO) .ci/s3

packages: ## the Debian packages that the tests use
	.ci/packages

lint: ## golangci-lint, pinned in its own mod file so that its hundreds of modules stay out of ours
	$(GO) build -modfile=.ci/lint.mod -o $(OUT)/golangci-lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	$(OUT)/golangci-lint run --allow-parallel-runners ./...

real: build ## a real project's releases as pull requests, and a chore of its own, by real bot processes
	CYBORG_BIN=$(CURDIR)/$(OUT)/cyborg $(GO) test -tags drill -count=1 -timeout 15m -v -run TestReal ./selftest/drill

fleet: build ## 8 bot processes, 40 pull requests of 5 contexts, lag and lost acknowledgements
	CYBORG_BIN=$(CURDIR)/$(OUT)/cyborg $(GO) test -tags drill -count=1 -timeout 15m -v -run TestFleet ./selftest/drill

chaos: build ## 8 bot processes that are killed, stopped, cut off and started twice
	CYBORG_BIN=$(CURDIR)/$(OUT)/cyborg $(GO) test -tags drill -count=1 -timeout 20m -v -run TestChaos ./selftest/drill

validate: build ## six pull requests of this very program, in sandboxes where bubblewrap works: one is well, and passes
	CYBORG_BIN=$(CURDIR)/$(OUT)/cyborg $(GO) test -tags drill -count=1 -timeout 15m -v -run TestValidate ./selftest/drill

npm: ## the real npm and a registry of npm's packages: what deps-refresh makes of them; needs npm
	$(GO) test -tags npm -count=1 -timeout 20m -v -run TestNPM ./tasks/deps

upgrade: build ## four bot processes of two versions, of which the newer writes words that the older does not know
	CYBORG_BIN=$(CURDIR)/$(OUT)/cyborg $(GO) test -tags drill -count=1 -timeout 15m -v -run TestUpgrade ./selftest/drill

chores: ## 300 games of 20 bots that cross one due date at once: one issue remains
	CYBORG_SEEDS=300 $(GO) test -count=1 -timeout 30m -v -run TestChoreOnce ./agent

$(OUT)/vm/%.qcow2: .ci/disk $(wildcard vmimage/build/recipes/* selftest/drill/testdata/*.bootstrap) | build
	.ci/disk $(OUT)/cyborg $* $@

vm: packages build s3server $(OUT)/vm/busybox.qcow2 ## real virtual machines as an ordinary user, emulated where there is no KVM
	CYBORG_S3_SERVER=$$($(GO) tool -modfile=.ci/s3.mod -n versitygw) \
	CYBORG_BIN=$(CURDIR)/$(OUT)/cyborg CYBORG_VM_IMAGE=$(CURDIR)/$(OUT)/vm/busybox.qcow2 $(GO) test -tags '$(TAGS) vm drill' -count=1 -p 1 -timeout 60m -v -run TestVM ./vmimage/machine/libvirt ./vmimage/machine/place ./selftest/drill

vm-many: packages $(OUT)/vm/busybox.qcow2 ## 20 boots in a row and 4 at once: nothing is left
	CYBORG_VM_IMAGE=$(CURDIR)/$(OUT)/vm/busybox.qcow2 $(GO) test -tags '$(TAGS) vm many' -count=1 -timeout 60m -v -run TestVMMany ./vmimage/machine/libvirt

vm-debian: packages build $(OUT)/vm/debian-stable.qcow2 ## a real project's tests in a Debian that cyborg image build has made; two minutes, where there is no KVM
	CYBORG_BIN=$(CURDIR)/$(OUT)/cyborg CYBORG_VM_DEBIAN=$(CURDIR)/$(OUT)/vm/debian-stable.qcow2 $(GO) test -tags '$(TAGS) vm drill' -count=1 -timeout 120m -v -run TestDebian ./selftest/drill

explore: ## every order of events of two and three agents, deeper than make test goes
	CYBORG_EXPLORE=deep $(GO) test -count=1 -timeout 30m -v -run TestExplore ./claim/claimtest

mutants: ## switch off each safeguard of the claims, one at a time: a test must fail
	CYBORG_MUTATE=all $(GO) test -count=1 -timeout 60m -v -run Mutation ./claim/claimtest

mutants-sandbox: packages docker ## the same for the safeguards of bubblewrap, Docker and the network of jobs
	CYBORG_MUTATE=all CYBORG_ENGINES=docker .ci/bounded 4G $(GO) test -count=1 -timeout 60m -v -run Mutation ./container/containertest

mutants-images: s3server ## the same for the safeguards of disks: fetched, uploaded, pruned
	CYBORG_MUTATE=all $(GO) test -count=1 -timeout 60m -v -run Mutation ./vmimage/store

placements: ## 10 million placements of 50 secrets in all their forms, cut anywhere: no byte shows; and the speed of hiding them
	$(GO) test ./publish -run '^$$' -bench Placements -benchtime 10000000x
	$(GO) test ./publish -run '^$$' -bench Redactor

load: ## eight jobs at 1 MB/s on one bot, on a folder and on a real S3 server: lag, memory, bytes sent; a page of 10 MB; a disk's download beside curl
	$(GO) test -run '^$$' -bench EightJobs -benchtime 1x ./publish ./publish/s3
	$(GO) test -run '^$$' -bench BigPage -benchtime 1x ./publish
	$(GO) test -run '^$$' -bench Get -benchtime 10x ./vmimage/store

bench: build ## timed claims, as ratios against something run beside
	$(GO) test -run '^$$' -bench . -benchmem ./...

simulate: build ## fleets in virtual time: what they waste; then every fault, whole bots and claims alone for SIMTIME each; SEED=N repeats
	$(GO) test -count=1 -timeout 10m -v -run 'TestWaste|TestNotes|TestBudget|TestAccounts' ./selftest/swarm
	$(OUT)/cyborg simulate --faults all --games 1000000 --for $(SIMTIME) $(if $(SEED),--seed $(SEED))
	$(OUT)/cyborg simulate --faults all --games 1000000 --for $(SIMTIME) $(if $(SEED),--seed $(SEED)) --claims

fuzz: ## every fuzz target for FUZZTIME
	.ci/fuzz $(FUZZTIME)

clean:
	rm -rf $(OUT)

include container/image/targets.mk # all that needs Docker
