# Two targets are all a newcomer needs: `make mnist` runs the tutorial's experiment here, `make test` passes the tests.
# Both install what is missing, say what they do, and can be repeated.
SHELL := /bin/bash
GO ?= go
BIN := bin/qalam
export CGO_ENABLED ?= 0

.DEFAULT_GOAL := help

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

build: ## build bin/qalam
	@echo "build: $(BIN)"
	@$(GO) build -trimpath -o $(BIN) ./cmd/qalam

mnist: deps build ## run the tutorial's experiment on this machine, twelve trials of two PyTorch processes each
	$(BIN) run examples/pytorchjob-mnist.yaml --images examples/images.yaml --home .qalam --replace

deps: ## install PyTorch for Debian's Python where it is missing
	@scripts/deps python3-torch

test: testdeps ## run every test, with the race detector
	@echo "test: go vet"; $(GO) vet ./...
	@echo "test: go test -race (takes some minutes the first time)"
	CGO_ENABLED=1 $(GO) test -race -timeout 20m ./...
	@scripts/check-generated

testdeps:
	@scripts/deps python3-torch strace gcc util-linux e2fsprogs

test-short: ## run the tests that take seconds, without the race detector
	$(GO) test -short ./...

test-powercut: ## cut the power of a file system under the store, 30 times (root)
	QALAM_POWERCUT_ROUNDS=30 $(GO) test -run PowerCut -v ./store/...

test-crash: ## kill the engine and the shims at every step (minutes)
	$(GO) test -tags failpoints -run Crash -timeout 30m ./runner/... ./engine/... ./cmd/...

fuzz: ## fuzz every parser for 20 s each
	@scripts/fuzz 20s

bench: build deps ## measure the figures of docs/benchmarks.md and print the table
	@$(GO) run ./bench

generate: ## regenerate code, schema, man pages and the reference
	$(GO) generate ./...

lint: ## run golangci-lint where it is installed
	golangci-lint run

.PHONY: help build mnist deps test testdeps test-short test-powercut test-crash fuzz bench generate lint
