# What a newcomer needs: make run, make test. See README.md.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

GO      ?= go
ARGS    ?=
LINTER  := bin/golangci-lint
RUNNER  := bin/gotestsum
MODULES := . conformance conformance/objects conformance/monitoring

# How often a failed test is run again. CI says 1, and names such a test in its
# output: it is a fault to find. Data races and many failures end the run.
RERUNS  ?= 0
TEST    := $(CURDIR)/$(RUNNER) --format pkgname --format-hide-empty-pkg --rerun-fails=$(RERUNS) \
	--rerun-fails-max-failures=3 --rerun-fails-run-root-test --rerun-fails-abort-on-data-race --packages ./... --

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.PHONY: run
run: bin/perfectworks ## build and start everything, nothing to configure
	@exec bin/perfectworks serve $(ARGS)

.PHONY: build
build: bin/perfectworks ## build bin/perfectworks

# Go knows best what is out of date.
.PHONY: bin/perfectworks
bin/perfectworks:
	@$(GO) build -o $@ ./cmd/perfectworks

.PHONY: test
test: ## run all tests on real parts, with the race detector
	@$(GO) run ./cmd/withpostgres -- $(MAKE) --no-print-directory test-all

# A program with the race detector sleeps before it exits, for a second if it is
# not told otherwise: so does each package's test, and each child process.
.PHONY: test-all
test-all: export GORACE ?= atexit_sleep_ms=50
test-all: bin/perfectworks $(RUNNER)
	PERFECTWORKS_BINARY=$(CURDIR)/bin/perfectworks $(TEST) -race -timeout 20m
	cd conformance && PERFECTWORKS_BINARY=$(CURDIR)/bin/perfectworks $(TEST) -timeout 5m
	cd conformance/monitoring && $(TEST) -count=1 -timeout 2m

.PHONY: test-s3
test-s3: ## test the store of files against a server of the S3 protocol
	cd conformance/objects && $(GO) test -count=1 -tags cloud -timeout 5m ./...

.PHONY: check-deployment
check-deployment: ## check alerts, image, compose files, proxy, unit; start a cluster; installs what it needs from Debian as root
	@deploy/check.sh

.PHONY: lint
lint: $(LINTER) ## check style, mistakes and the import rule
	@for module in $(MODULES); do (cd $$module && $(CURDIR)/$(LINTER) run ./...); done
	@cd tools && $(GO) mod verify >/dev/null
	@cd tools && $(GO) run ./notices -check ../THIRD_PARTY_NOTICES.md

.PHONY: notices
notices: ## write THIRD_PARTY_NOTICES.md: the licences of libraries and fonts in the program
	@cd tools && $(GO) run ./notices ../THIRD_PARTY_NOTICES.md

.PHONY: format
format: $(LINTER) ## format the code
	@for module in $(MODULES); do (cd $$module && $(CURDIR)/$(LINTER) fmt ./...); done

$(RUNNER): tools/go.mod tools/go.sum
	@cd tools && $(GO) build -o ../$(RUNNER) gotest.tools/gotestsum

$(LINTER): tools/go.mod tools/go.sum
	@cd tools && $(GO) build -o ../$(LINTER) github.com/golangci/golangci-lint/v2/cmd/golangci-lint

.PHONY: bench
bench: ## measure speed beside its limits; JSON to $$BENCH_JSON
	@$(GO) run ./cmd/withpostgres -durable -- $(GO) run ./bench

.PHONY: bench-floods
bench-floods: ## measure what floods by others do to a caller
	@$(GO) run ./cmd/withpostgres -durable -- env FLOOD_SECONDS=15 $(GO) test -count=1 -v -run TestNeighboursOfFloods ./cmd/perfectworks

SCHEMATHESIS := bin/schemathesis

.PHONY: fuzz-api
fuzz-api: $(SCHEMATHESIS)/bin/st ## call the API as its document allows and forbids, for two minutes; needs Python
	@$(GO) run ./cmd/withpostgres -- env SCHEMATHESIS=$(CURDIR)/$(SCHEMATHESIS)/bin/st \
		$(GO) test -count=1 -v -timeout 15m -run TestTheAPIAgainstGeneratedRequests ./cmd/perfectworks

$(SCHEMATHESIS)/bin/st: tools/schemathesis/requirements.txt
	@rm -rf $(SCHEMATHESIS) && python3 -m venv $(SCHEMATHESIS)
	@$(SCHEMATHESIS)/bin/pip install --quiet --disable-pip-version-check --no-deps --requirement $<

.PHONY: payments
payments: ## try payments in random orders, in bursts, and killed at every step; some minutes
	@$(GO) run ./cmd/withpostgres -- env PAYMENTS_IN_FULL=1 $(GO) test -count=1 -v -timeout 20m -run 'Payments|Webhooks|Fulfilment' ./app

.PHONY: faults
faults: bin/perfectworks ## kill, freeze, cut off and fill up everything under load, and check what is left; half an hour
	@$(GO) run ./cmd/withpostgres -- env FAULTS=full PERFECTWORKS_BINARY=$(CURDIR)/bin/perfectworks \
		$(GO) test -count=1 -v -timeout 120m ./faults

.PHONY: bench-documents
bench-documents: ## measure the documents engine; JSON to $$BENCH_JSON; installs readers and browsers it asks
	@$(GO) run ./bench/documents $(ARGS)

.PHONY: corpus
corpus: ## try the documents engine on whole corpora; needs npm, a JDK and Chromium
	CORPUS=1 $(GO) test -count=1 -p 1 -timeout 60m -v ./adapters/documents/... | grep -v -e '^=== ' -e '--- PASS' -e '--- SKIP'

.PHONY: clean
clean: ## remove what was built; data stays
	@rm -rf bin
