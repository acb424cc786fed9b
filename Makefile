# The jobs of this repository. Each installs what it needs first (scripts/setup.sh) and shares one
# cargo profile and one target folder, so that DataFusion is compiled once.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/dodb
export CARGO_TARGET_DIR := $(CACHE)/target
PYTHON := $(CACHE)/venv/bin/python
DODB := $(CARGO_TARGET_DIR)/release/dodb

.PHONY: help demo demo-worker test lint bench worker release clean-cache

help: ## show this list
	@printf 'make TARGET, where TARGET is\n'
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile \
		| while IFS='|' read -r name text; do printf '  %-12s %s\n' "$$name" "$$text"; done
	@printf 'Build output and data: %s\n' '$(CACHE)'

demo: ## the main job on real input: 336,776 flights in, queried, and what that costs
	@demo/run.sh

demo-worker: ## the same in a Worker on workerd, billed by its own counters
	@demo/run-worker.sh

test: ## every check and every test
	@scripts/test.sh

lint: ## formatting, clippy and the house rules
	@scripts/setup.sh build
	cargo fmt --all --check
	cargo clippy --release --workspace --all-targets --locked -- -D warnings
	cargo run --release --locked --quiet -p xtask -- tidy

bench: ## every benchmark against its peers, in one run; results under bench/results
	@scripts/setup.sh build bench tests
	cargo build --release --locked --workspace --all-targets
	@scripts/worker.sh release
	@scripts/worker.sh test
	@$(PYTHON) demo/prepare.py
	@$(PYTHON) bench/run.py --dodb '$(DODB)'
	@$(PYTHON) bench/json_bench.py --dodb '$(DODB)'
	@$(PYTHON) bench/worker.py --dodb '$(DODB)' --flights '$(CACHE)/flights'
	@$(PYTHON) bench/index.py --dodb '$(DODB)'
	@$(PYTHON) bench/slow.py --dodb '$(DODB)'
	@$(PYTHON) bench/flush.py

worker: ## build the Worker and serve it on workerd, port 8787; its data stays in the cache folder
	@scripts/worker.sh test
	@node crates/worker/js/serve.mjs --build '$(CACHE)/worker/test' --persist '$(CACHE)/worker/data'

release: ## what is shipped, slower to build and smaller: the binary, and the Worker for wrangler
	@scripts/setup.sh build
	cargo build --profile dist --locked -p dodb-cli
	@ls -lh '$(CARGO_TARGET_DIR)/dist/dodb'
	@scripts/worker.sh release

clean-cache: ## delete build output, data and Python packages outside the repository
	rm -rf -- '$(CACHE)'
