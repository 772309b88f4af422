# Every gate, under the name one would type. `make check` is what has to be green before a commit, and what
# CI runs. The recipes hold one command each, so that nobody needs make: read it off and type it.

# `--frozen`: a gate never changes uv.lock. Set RUN to "uv run --no-sync" to leave the environment alone too.
RUN ?= uv run --frozen
PACKAGES := $(sort $(notdir $(wildcard packages/*)))

.PHONY: help check gates format lint types imports deps test docs reference serve foreign long live bench changes

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 12

check: gates test ## all that must be green

gates: lint types imports deps docs ## all but the tests

format: ## write the format, and the fixes that are safe
	$(RUN) ruff format
	$(RUN) ruff check --fix

lint: ## format and lint
	$(RUN) ruff format --check
	$(RUN) ruff check

types: ## mypy, strict, over every package
	$(RUN) mypy

imports: ## the floors of docs/architecture.md
	$(RUN) lint-imports

deps: $(addprefix deps-,$(PACKAGES)) ## each package declares what it imports, and imports what it declares

deps-%:
	cd packages/$* && $(RUN) deptry src

test: ## the tests that need only what pip brings
	$(RUN) pytest -n auto

docs: ## build the site; a dead link is an error
	NO_MKDOCS_2_WARNING=1 $(RUN) mkdocs build --strict

reference: ## write the generated pages again
	$(RUN) python docs/generate.py

serve: ## the site on http://127.0.0.1:8000, as it is being written
	NO_MKDOCS_2_WARNING=1 $(RUN) mkdocs serve

foreign: ## the tests that need programs from Debian or npm
	$(RUN) pytest -m foreign

long: ## the tests that take minutes to hours
	$(RUN) pytest -m long --timeout 0

live: ## the tests that need an account, from INXT_USER and INXT_PASSWORD
	$(RUN) pytest -m live

bench: ## the benchmarks, at a twentieth of their size; SCALE=1 for the whole
	$(RUN) --group bench python -m benchmarks.run --scale $(or $(SCALE),0.05)

changes: ## the changelog as the fragments would make it
	$(RUN) python .ci/changelog.py
