# How PostFlow is set up, run and tested: `make` lists it.
# Needs only make, a shell and Python; .ci/setup fetches the rest.

PYTHON := .venv/bin/python
# Options for pytest, for example: make test ARGS="core -x"
ARGS ?= -n auto --dist worksteal

.DEFAULT_GOAL := help
.PHONY: help setup run test test-browser test-postgres lint format check bench bench-load screenshots docs reference requirements

help: ## List what there is.
	@awk -F ':.*## ' '/^[a-z-]+:.*##/ { printf "%-14s %s\n", $$1, $$2 }' Makefile

setup: ## Make .venv with the pinned requirements; quick when nothing changed.
	@.ci/setup

run: setup .env ## Start PostFlow with a sandbox instance and a demo account. OPTIONS="--port 8001" for other ports.
	@$(PYTHON) manage.py demo $(OPTIONS)

# For trying out; what is there already is left alone.
.env:
	@umask 077; echo DEBUG=1 > .env.new; \
	$(PYTHON) -c "import secrets; print('SECRET_KEY=' + secrets.token_urlsafe(50))" >> .env.new && mv .env.new .env

test: setup ## Run all tests on SQLite, in a browser too where a Chromium is installed.
	@$(PYTHON) -m pytest $(ARGS)

test-browser: setup ## Run only the tests that drive a browser.
	@$(PYTHON) -m pytest -m browser $(ARGS)

test-postgres: setup ## Run the tests on a throw-away PostgreSQL, without the browser.
	@.ci/postgres $(PYTHON) -m pytest -m "not browser" $(ARGS)

lint: setup ## Check style, types, imports, templates, settings and migrations.
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/lint-imports --no-cache
	.venv/bin/mypy
	.venv/bin/djlint --lint --quiet .
	DEBUG=1 $(PYTHON) -W error manage.py check
	DEBUG=1 $(PYTHON) -W error manage.py makemigrations --check --dry-run

format: setup ## Format the code, and mend what can be mended without thinking.
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

check: lint test ## What has to be green before a change lands.

bench: setup ## Measure how fast things are.
	@LOG_LEVEL=ERROR $(PYTHON) -m pytest tests/bench -o python_files="bench_*.py" -q -s

# Of its own: the options above are pytest's.
bench-load: ARGS =
bench-load: setup ## Read a large installation with 50 people at once. ARGS="--users 3 --requests 200" for a quick try.
	@$(PYTHON) -m tests.load $(ARGS)

screenshots: setup ## Take the pictures of docs/screenshots anew, of a trial run. Takes some minutes.
	@$(PYTHON) -m pytest tests/browser -o python_files="take_*.py" -q

docs: setup ## Write docs/commands.md anew from the commands themselves.
	@DEBUG=1 $(PYTHON) -m tests.command_reference

# Not of settings, which hold a key, nor of models, of which it sees only what Django makes of them.
reference: setup ## Write the reference of all functions, from their docstrings, to .run/reference/index.html.
	@DEBUG=1 $(PYTHON) -W ignore manage.py shell --no-imports -c "from pdoc.__main__ import cli; cli( \
	['--docformat=google', '--no-include-undocumented', '--output-directory=.run/reference', 'core', 'postflow', 'pixelfed', \
	'analytics_core', 'analytics_pixelfed', '!.*([.]tests|[.]migrations|models|[.]settings)'])"

requirements: ## Pin the requirements of pyproject.toml anew.
	@.ci/requirements
