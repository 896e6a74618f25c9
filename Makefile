# What a developer does here, one word each; `make` lists them.
#
# Nothing has to be set up by hand: each target makes what it needs (.venv, js-client/node_modules) and keeps it until
# pyproject.toml or package-lock.json changes. A missing tool is one line that names it and how to get it.
#
# Variables: PORT and EXAMPLE (demo), DURATION, SEED and CLIENTS (chaos), SCHEDULES and SEED (simulate), SUITES
# (conformance), PYTHON (an interpreter to prefer), CHROMIUM (the browser to test in).

PORT ?= 8000
EXAMPLE ?= chat
DURATION ?= 60
SEED ?= 1
INPUTS ?= 1000000
CLIENTS ?= 30
SCHEDULES ?= 5000
VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.runtime
DEVELOPMENT := $(VENV)/.development
MODULES := js-client/node_modules/.installed
INTEROP := tests/interop/node_modules/.installed

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# The targets share two cores and one terminal, and some tests measure.
.NOTPARALLEL:
.PHONY: help demo test test-python test-js test-browser chaos sweep simulate fuzz conformance check build format clean needs-python needs-node needs-browser

help:
	@echo "make demo    run an example on PORT=$(PORT): EXAMPLE=chat, or pond"
	@echo "make test    run all tests (one kind: test-python, test-js, test-browser)"
	@echo "make chaos   prove that nothing is lost under thousands of cuts: DURATION=$(DURATION) SEED=$(SEED) CLIENTS=$(CLIENTS)"
	@echo "make sweep   cut a dialogue once at every byte, on every transport"
	@echo "make simulate play SCHEDULES=$(SCHEDULES) from SEED=$(SEED) on: both clients, a hostile network, virtual time"
	@echo "make fuzz    mutate INPUTS=$(INPUTS) inputs for every decoder of both languages, from SEED=$(SEED) on"
	@echo "make conformance run the protocols' public suites from a checkout of socketio/socket.io: SUITES=<its path>"
	@echo "make check   lint, types, architecture, tests that documents name, and whether the browser build is current"
	@echo "make build   build the browser client into the Python package"
	@echo "make format  format all sources"
	@echo "make clean   remove what was set up or built"

demo: $(RUNTIME)
	@exec $(BIN)/python -m examples.$(EXAMPLE) --port $(PORT)

test: needs-python needs-node needs-browser test-python test-js test-browser

# The simulation plays the client in TypeScript as well, and foreign clients run in Node. Two at a time, a file to each:
# what the tests of a file share is made once.
test-python: needs-node $(DEVELOPMENT) $(MODULES) $(INTEROP)
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile
	$(BIN)/python tools/core_coverage.py

test-js: $(MODULES)
	npm --prefix js-client test --silent
	node --test tests/examples/*.test.mjs

# These tests are Node scripts, so that they drive Chromium with playwright-core from js-client/node_modules. They lie
# outside of js-client, so they get it by createRequire(new URL("../../js-client/", import.meta.url))("playwright-core").
# They start their servers with the interpreter that PYTHON names, and the browser that CHROMIUM names.
test-browser: needs-browser $(DEVELOPMENT) $(MODULES) $(INTEROP)
	PYTHON="$(abspath $(BIN))/python" CHROMIUM="$(browser)" node --test --test-concurrency=2 tests/browser/*.test.mjs

chaos: needs-node $(DEVELOPMENT)
	@$(BIN)/python -m tests.chaos --duration $(DURATION) --seed $(SEED) --clients $(CLIENTS)

sweep: $(DEVELOPMENT)
	$(BIN)/python -m tests.sweep

simulate: needs-node $(DEVELOPMENT) $(MODULES)
	@$(BIN)/python -m tests.simulation --schedules $(SCHEDULES) --seed $(SEED)

fuzz: needs-node $(DEVELOPMENT) $(MODULES)
	$(BIN)/python -m tests.fuzz --inputs $(INPUTS) --seed $(SEED)
	INPUTS=$(INPUTS) SEED=$(SEED) npm --prefix js-client test --silent -- test/fuzz

# Their own tests, from their own repository: none of it is here. A server is started at port 3000, as they want it.
conformance: needs-node $(DEVELOPMENT)
	@$(BIN)/python -m tests.interop.public_suites $(or $(SUITES),$(error conformance needs SUITES: the path of a checkout of https://github.com/socketio/socket.io))

check: $(DEVELOPMENT) $(MODULES)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy --strict
	$(BIN)/python -m pytest -q tests/architecture tests/docs/test_compatibility.py tests/docs/test_security.py
	npm --prefix js-client run --silent check

build: $(MODULES)
	npm --prefix js-client run --silent build

format: $(DEVELOPMENT) $(MODULES)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	npm --prefix js-client run --silent format

clean:
	rm -rf $(VENV) js-client/node_modules js-client/dist tests/interop/node_modules dist .mypy_cache .pytest_cache .ruff_cache .hypothesis

# -- what is set up once ------------------------------------------------------------------------------------------------

$(RUNTIME): pyproject.toml | needs-python
	$(python) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[uvloop]'
	@touch $@

$(DEVELOPMENT): pyproject.toml | needs-python
	$(python) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[uvloop,test]'
	@touch $(RUNTIME) $@

$(MODULES): js-client/package.json js-client/package-lock.json js-client/.npmrc | needs-node
	npm --prefix js-client ci --loglevel=error
	@touch $@

$(INTEROP): tests/interop/package.json tests/interop/package-lock.json tests/interop/.npmrc | needs-node
	npm --prefix tests/interop ci --loglevel=error
	@touch $@

# -- what must be there -------------------------------------------------------------------------------------------------

# A recipe of nothing but $(error) is what makes it a single line: a failing command would get make's own line after it.

needs-python:
	@$(if $(python),:,$(error python is missing: install Python 3.11 or newer with its venv module (Debian: apt-get install python3 python3-venv)))

needs-node:
	@$(if $(node),:,$(error node is missing: install Node.js 20.19 or newer (Debian 13: apt-get install nodejs npm)))
	@$(if $(npm),:,$(error npm is missing: install the npm that belongs to your Node.js (Debian: apt-get install npm)))

needs-browser:
	@$(if $(browser),:,$(error chromium is missing: install Chromium (Debian: apt-get install chromium) or name a browser by CHROMIUM=/its/path))
	@$(if $(openssl),:,$(error openssl is missing: the browser tests make a certificate with it (Debian: apt-get install openssl)))

python = $(shell for name in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$name" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$name" && break; done)
node = $(shell node -e 'const [major, minor] = process.versions.node.split(".").map(Number); \
	process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1)' 2>/dev/null && echo node)
npm = $(shell npm --version 2>/dev/null)
browser = $(shell for name in $(or $(CHROMIUM),chromium chromium-browser google-chrome google-chrome-stable); do \
	command -v "$$name" && break; done)
openssl = $(shell command -v openssl)
