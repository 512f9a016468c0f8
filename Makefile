# Hearth's commands. Each does its own set-up on a fresh Debian 12 machine; as root also by apt.

PYTHON ?= python3
BIN := .venv/bin
# Tests of processes wait as much as they count: four workers left a quarter of two cores unused, and with six some waited
# longer than libraries do. tests/order.py says who takes which.
JOBS ?= $(shell expr $$(nproc) '*' 5 / 2)
PYTEST = $(BIN)/python -m pytest -n $(JOBS)
STAMP := .venv/.set-up
COMPILED := .venv/.compiled
RULES := rules-unit rules-architecture
TRIXIE = $${HEARTH_TRIXIE:-/var/cache/hearth/trixie}
# What installs and builds the package is locked too, so that nothing is fetched without a known hash.
BUILD_TOOLS := uv hatchling editables
COMPILE = env -u UV_FIND_LINKS $(BIN)/uv pip compile --quiet --no-config --universal --python-version 3.11 \
	--fork-strategy fewest --generate-hashes --no-emit-index-url --no-header --no-annotate

# What the extra `spark` adds to requirements-runtime.txt, and what builds it: PySpark comes as source.
SPARK = import tomllib; extras = tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]; \
	print(*extras["spark"], "setuptools", sep="\n")

# Every process of the tests would compile all its modules by itself, where the environment says so.
unexport PYTHONDONTWRITEBYTECODE

# A step that says that it goes on: a dot a second, and how it ended.
seen = { printf '  %s ' "$(notdir $(firstword $(filter-out VIRTUAL_ENV=%,$(1))))"; \
	( while sleep 1; do printf .; done ) & dots=$$!; $(1); code=$$?; \
	kill $$dots; wait $$dots 2>/dev/null; [ $$code = 0 ] && echo " done" || echo " failed"; [ $$code = 0 ]; }

.PHONY: help setup test test-fast trixie spark lint types $(RULES) format demo bench dashboards soak lock clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile

setup: $(STAMP) ## .venv with the hearth command

$(STAMP): requirements.txt requirements-build.txt pyproject.toml api/pages/libraries.lock
	@if ! $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && \
			command -v $(PYTHON) >/dev/null && $(PYTHON) -c '' 2>/dev/null; then \
		echo "$(PYTHON) is older than 3.11: name a newer one, make PYTHON=python3.11" >&2; exit 2; \
	fi
	@if ! $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null; then \
		if [ "$$(id -u)" = 0 ]; then $(MAKE) --no-print-directory apt PACKAGE=python3-venv; \
		else echo "Python's venv is missing: apt-get install python3-venv" >&2; exit 2; fi; \
	fi
	@echo "setting up .venv, once: the installer, 100 packages, hearth itself"
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(call seen,$(PYTHON) -m venv --clear .venv)
	@$(call seen,$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r requirements-build.txt)
	@$(call seen,VIRTUAL_ENV=.venv $(BIN)/uv pip install --quiet --require-hashes -r requirements.txt)
	@$(call seen,VIRTUAL_ENV=.venv $(BIN)/uv pip install --quiet --no-deps --no-build-isolation -e .)
	@$(call seen,deploy/fetch-libraries) || echo "the map of the desk stays a drawing; deploy/fetch-libraries tries again"
	@touch $@

# Else each worker would compile all libraries and rewrite all assertions, and all workers at the same time. A module that
# cannot be imported is told by the tests themselves.
$(COMPILED): $(STAMP)
	@echo "compiling the modules of the tests, once"
	@ls -d tests/*/__init__.py | xargs -n 1 dirname | xargs -n 5 -P $$(nproc) \
		$(BIN)/python -m pytest -q --collect-only >/dev/null 2>&1 || true
	@touch $@

test: setup trixie $(COMPILED) ## all tests, on PostgreSQL and on TimescaleDB
	@if [ "$$(id -u)" = 0 ] && ! { command -v chromium-headless-shell && command -v pdftotext; } >/dev/null; then \
		$(MAKE) --no-print-directory apt PACKAGE="chromium-headless-shell fonts-noto-cjk poppler-utils" || \
			echo "no Chromium, no pdftotext: the pages and the dossier's PDF are not tested"; \
	fi
	$(PYTEST)

# Three at once on two cores: none of them has a long end by itself, and no test is collected twice.
test-fast: setup ## style, types, import directions, and the tests of rules
	@$(MAKE) --no-print-directory --jobs 3 --output-sync=target lint $(RULES)

$(RULES): rules-%: setup
	$(BIN)/python -m pytest -q tests/$*

trixie: setup ## the Debian folders with TimescaleDB, Mosquitto, Docker and Python, once
	@if [ "$$(id -u)" = 0 ] && ! { [ -d "$(TRIXIE)" ] && [ -d "$$(dirname "$(TRIXIE)")/bookworm" ]; } && \
			! command -v debootstrap >/dev/null; then \
		$(MAKE) --no-print-directory apt PACKAGE=debootstrap; \
	fi
	$(BIN)/python -m local

spark: setup ## PySpark in a folder of its own, once, for tests of recheck on Spark
	$(BIN)/python -m local spark

lint: setup types ## style, types and import directions
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: setup
	$(BIN)/mypy

format: setup ## put the code into the common form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

demo: setup ## a whole town on this machine; options as ARGS="--homes 2000 --open"
	@if [ "$$(id -u)" = 0 ] && [ ! -d "$(TRIXIE)" ] && ! command -v mosquitto >/dev/null; then \
		$(MAKE) --no-print-directory apt PACKAGE=mosquitto || echo "no Mosquitto: the demo takes amqtt instead"; \
	fi
	@$(BIN)/hearth demo $(ARGS)

bench: setup ## the figures, as JSON
	$(BIN)/python -m bench

dashboards: setup ## rewrite dashboards/json from the code
	$(BIN)/python -m dashboards

soak: setup ## a million readings: nothing lost, memory flat
	$(BIN)/python -m bench.soak

lock: setup ## rewrite requirements*.txt from pyproject.toml
	printf '%s\n' $(BUILD_TOOLS) | $(COMPILE) --extra demo --extra kafka --extra bench --extra dev pyproject.toml - \
		--output-file requirements.txt
	$(COMPILE) pyproject.toml --constraints requirements.txt --output-file requirements-runtime.txt
	printf '%s\n' $(BUILD_TOOLS) | $(COMPILE) - --constraints requirements.txt --output-file requirements-build.txt
	printf 'confluent-kafka\n' | $(COMPILE) - --constraints requirements.txt --output-file requirements-kafka.txt
	$(BIN)/python -c '$(SPARK)' | $(COMPILE) - --constraints requirements.txt --output-file requirements-spark.txt

# Where root may mount nothing, files of the demo's servers are elsewhere and a link leads there: local/host.py.
clean: ## everything that was made, but not the servers' cache
	@for link in demo-data/*; do \
		[ ! -L "$$link" ] || case "$$(readlink "$$link")" in \
			/var/cache/hearth/servers/* | "$(TRIXIE)"/srv/hearth/*) rm -rf "$$(readlink "$$link")" ;; \
		esac; \
	done
	rm -rf .venv dist demo-data api/pages/libraries .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

.PHONY: apt
apt:
	apt-get update --quiet --quiet
	DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --no-install-recommends $(PACKAGE)
