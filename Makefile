# `make` lists the targets.
SHELL := /bin/bash
SERVICES := host/tests/services/services
NODES ?= 1

.DEFAULT_GOAL := help
.PHONY: help demo test torture build plugins up down lint fmt bench flame

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 18

demo: ## build, start the servers, send 1,000 orders through, show the rows
	@host/tests/demo

test: ## every test, on servers of its own; prints the counts
	@host/tests/run

torture: ## kill processes and servers under load for an hour, compare every cell; TORTURE_SEED=N repeats a run
	@TORTURE=full host/tests/run torture

build: ## build target/release/host
	cargo build --release --package host

plugins: build ## build plugins/order_enrich.wasm
	target/release/host plugin build plugins/order_enrich

up: ## start Kafka, Cassandra and a schema registry on this machine (NODES=1 or 3)
	@$(SERVICES) up --nodes $(NODES)
	@if [ ! -e .env ]; then $(SERVICES) env > .env && echo "wrote .env, which host reads, with these addresses"; \
	elif $(SERVICES) env | grep -qvxFf .env; then \
	  echo ".env is there already and is left as it is; it does not say:"; $(SERVICES) env | grep -vxFf .env; fi

down: ## stop them; their data stays in .services
	@$(SERVICES) down

lint: ## formatting, clippy, licences and advisories
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	@for tool in deny audit; do \
	  if cargo $$tool --version > /dev/null 2>&1; then cargo $$tool $$([ $$tool = deny ] && echo check); \
	  else echo "cargo $$tool is not installed, left out (cargo install cargo-$$tool)"; fi; done

fmt: ## format everything
	cargo fmt --all

bench: build plugins ## time the stages, the pipeline beside its bounds (on servers and from a file), memory under a backlog and shadowing; with the spread
	cargo bench --package host --bench allocations --bench stages
	@host/benches/pipeline
	@host/benches/shadow
	@host/benches/wasm-tax
	@host/benches/members
	@host/benches/servers
	@host/benches/backlog
	@host/benches/letters-rate
	@host/benches/start

flame: build plugins ## draw where processor time goes, as target/bench/flame.svg (needs perf and inferno)
	@host/benches/flame
