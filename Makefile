# Two commands do everything on a fresh machine: `make ask` and `make test`.
# Each says precisely what is missing when it can't go on.

QUESTION ?= Tom has 3 boxes with 12 apples each. He eats 5 apples. How many apples are left?
BIN := target/release/strawberry
# A virtual environment with the oracles and peers of `make parity` and `make test-peers`.
VENV := .venv

.DEFAULT_GOAL := help
.PHONY: help need build web serve ask test test-web test-clients test-peers bench report bench-geometry fmt lint parity fuzz

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

need:
	@scripts/need.sh

build: need ## the release binary, target/release/strawberry (with the web app in it after `make web`)
	cargo build --release --locked -p strawberry

web: ## the web app, embedded by the next build (Node.js 20 or newer)
	cd web && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci && npm run check && npm run build

serve: web ## the API and the web app on http://127.0.0.1:8080
	$(MAKE) build
	$(BIN) model pull default
	$(BIN) serve

ask: build ## fetch the default model and answer a real question, thinking shown
	$(BIN) model pull default
	$(BIN) ask --effort high "$(QUESTION)"

test: need ## all tests in Rust: unit, property, golden, kill -9, HTTP and command line
	cargo test --release --locked --workspace

test-web: web ## drive the app in a browser (Debian: apt-get install chromium)
	$(MAKE) build
	$(BIN) model pull default
	cd web && npm test

test-clients: build $(VENV)/ready ## the API through OpenAI's own clients, generated requests, kill -9
	$(VENV)/bin/pip install --quiet --requirement scripts/clients/requirements.txt
	cd scripts/clients && npm install --silent --no-package-lock
	$(BIN) model pull default
	mkdir -p target/tiny && cargo run --release -p strawberry-engine --example tiny -- llama target/tiny
	cd scripts/clients && ../../$(VENV)/bin/python run.py ../../$(BIN) "$$(../../$(BIN) model list --json | python3 -c 'import json,sys; print(json.load(sys.stdin)[0]["path"])')" python node open-responses
	cd scripts/clients && ../../$(VENV)/bin/python run.py ../../$(BIN) ../../target/tiny/model.gguf jobs fuzz

bench: build ## speed of the engine on this machine
	$(BIN) model pull default
	$(BIN) bench engine --attempts 1
	$(BIN) bench engine --attempts 16
	$(BIN) bench engine --attempts 64

report: build ## accuracy against tokens on the data in DATA=folder; goes on where it stopped
	$(BIN) model pull default
	$(BIN) eval svamp words gsm8k mbpp --limit 300 --effort none,minimal,low,medium,high --data $(DATA) --out report

bench-geometry: build ## prove the public geometry sets in GEOMETRY=folder (TIMEOUT=120s)
	scripts/bench_geometry.sh $(GEOMETRY) target/geometry $(or $(TIMEOUT),120s)

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
