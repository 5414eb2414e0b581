# Two targets are all a newcomer needs: `make mnist` runs the tutorial's experiment here, `make test` passes the tests.
# Both install what is missing, say what they do, and can be repeated.
SHELL := /bin/bash
GO ?= go
BIN := bin
export CGO_ENABLED ?= 0

.DEFAULT_GOAL := help

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

build: ## build bin/qalam and bin/qalam-shim
	@echo "build: $(BIN)/qalam, $(BIN)/qalam-shim"
	@$(GO) build -trimpath -o $(BIN)/ ./cmd/qalam ./cmd/qalam-shim

mnist: deps build ## run the tutorial's experiment on this machine, twelve trials of two PyTorch processes each
	$(BIN)/qalam run examples/pytorchjob-mnist.yaml --images examples/images.yaml --home .qalam --replace

deps: ## install PyTorch for Debian's Python where it is missing
	@scripts/deps python3-torch

test: testdeps ## run every test, with the race detector
	@echo "test: go vet"; $(GO) vet ./...
	@echo "test: go test -race (takes some minutes the first time)"
	CGO_ENABLED=1 $(GO) test -race -timeout 20m $$($(GO) list ./... | grep -v '^qalam/suggest')
	@echo "test: the search, which starts no goroutine (layout_test.go), without the race detector"
	$(GO) test -timeout 20m ./suggest/...
	@scripts/check-generated

testdeps:
	@scripts/deps python3-torch strace gcc util-linux e2fsprogs

test-short: ## run the tests that take seconds, without the race detector
	$(GO) test -short ./...

test-powercut: ## cut the power of a file system under the store and under running trials, 30 times each (root)
	QALAM_POWERCUT_ROUNDS=30 $(GO) test -run PowerCut -v -timeout 30m ./store/... ./e2e

test-crash: ## kill the engine 500 times beside 50 live trials, and engine and shims 20 times at every step (an hour)
	$(GO) test -tags failpoints -run 'Killed|Crash' -timeout 30m ./runner/... ./engine/... ./cmd/...
	QALAM_KILLS=500 $(GO) test -run CrashAtRandom -v -timeout 60m ./e2e
	QALAM_STEP_ROUNDS=20 $(GO) test -run CrashAtEveryStep -timeout 60m ./e2e

test-heavy: ## the tests of hostile trials at their full size (half an hour, some GB of disk)
	QALAM_TRIALS=10000 QALAM_LINES=1000000 QALAM_LINE_MEGABYTES=1024 QALAM_FLOOD_LINES=60000000 \
		$(GO) test -run 'LastWords|AwayWhilePrinting|EndlessLines|Flood' -v -timeout 60m ./e2e

test-architectures: ## compare enas with random search and evolution on NAS-Bench-201 (20 minutes; needs the tables of bench/search)
	QALAM_BENCHMARKS=$${QALAM_BENCHMARKS:-$(CURDIR)/../shared/benchmarks} $(GO) test -run Bench201 -v -timeout 60m ./suggest/nas

fuzz: ## fuzz every parser for 20 s each
	@scripts/fuzz 20s

bench: build deps ## measure the figures of docs/benchmarks.md and print the table
	@$(GO) run ./bench

peers: ## install the optimisers that the search is compared with, in virtual environments below .venv-peers (some GB)
	@bench/search/peers/install.sh .venv-peers

bench-search: peers ## compare the search with its peers and write the tables (hours; what was run before is not run again)
	@GO="$(GO)" bench/search/families.sh peers
	@GO="$(GO)" bench/search/families.sh ours
	@GO="$(GO)" bench/search/families.sh tables

bench-latency: peers ## measure how long suggestions of ours and of the peers take, and what ours hold: ten minutes on a quiet machine
	@GO="$(GO)" bench/search/latency.sh .venv-peers

bench-tables: ## write the tables and the picture of the search from the runs that are stored
	@GO="$(GO)" bench/search/families.sh tables

generate: ## regenerate code, schema, man pages and the reference
	$(GO) generate ./...

lint: ## run golangci-lint where it is installed
	golangci-lint run

.PHONY: test-architectures help build mnist deps test testdeps test-short test-powercut test-crash test-heavy fuzz bench peers bench-search bench-latency bench-tables generate lint
