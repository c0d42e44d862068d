# Two commands do everything on a fresh machine: `make ask` and `make test`.
# Each says precisely what is missing when it can't go on.

QUESTION ?= Tom has 3 boxes with 12 apples each. He eats 5 apples. How many apples are left?
BIN := target/release/strawberry
# A virtual environment with the oracles and peers of `make parity` and `make test-peers`.
VENV := .venv

.DEFAULT_GOAL := help
.PHONY: help need build ask test bench fmt lint parity test-peers fuzz

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

need:
	@scripts/need.sh

build: need ## the release binary, target/release/strawberry
	cargo build --release --locked -p strawberry

ask: build ## fetch the default model and answer a real question, thinking shown
	$(BIN) model pull default
	$(BIN) ask --effort high "$(QUESTION)"

test: need ## everything: unit, property, golden, kill -9 and command-line tests
	cargo test --release --locked --workspace

bench: build ## speed of the engine on this machine
	$(BIN) model pull default
	$(BIN) bench engine --attempts 1
	$(BIN) bench engine --attempts 16
	$(BIN) bench engine --attempts 64

fmt: ## format the code
	cargo fmt --all

lint: ## rustfmt check and clippy, warnings are errors
	cargo fmt --all --check
	cargo clippy --release --locked --workspace --all-targets -- -D warnings

$(VENV)/ready: scripts/requirements.txt
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --requirement scripts/requirements.txt
	touch $@

parity: build $(VENV)/ready ## compare with llama.cpp, gguf and transformers (builds llama.cpp: minutes)
	$(BIN) model pull default
	$(VENV)/bin/python scripts/parity.py

test-peers: build $(VENV)/ready ## ask through llama-cpp-python's own server
	$(BIN) model pull default
	$(VENV)/bin/python scripts/peer_server_test.py

fuzz: ## ten minutes of every fuzz target (SECONDS_EACH=600)
	scripts/fuzz.sh $(or $(SECONDS_EACH),600)
