.PHONY: help report test coverage test-faults test-oldest test-newest example docs docs-check release-check lab lock
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
FROM ?=
TO ?=
POSTCODE ?=
SOURCE ?=
export FROM TO POSTCODE SOURCE # a recipe takes them from its environment, so that quotation marks in them do no harm

# The stamp makes a second run skip the set-up unless the lock or the metadata changed. The lock names
# everything, so nothing is resolved: an older pip (23.2) refuses the extra of a package whose pin is not the newest.
.venv/.stamp: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("crimenb needs Python 3.11 or newer, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else 0'
	$(PYTHON) -m venv .venv
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pip install --quiet --disable-pip-version-check --compile --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	$(BIN)/python -m compileall -q src
	@touch $@

help:  ## Say what each target does
	@sed -n 's/^\([a-z][a-z -]*\):.*  ## \(.*\)/\1|\2/p' Makefile | while IFS='|' read -r name what; do printf '%-24s %s\n' "$$name" "$$what"; done

report: .venv/.stamp  ## Build one report and print its path (no POSTCODE: the demonstration)
	@$(BIN)/crimenb report $(if $(POSTCODE),"$$POSTCODE") $(if $(FROM),--from "$$FROM") $(if $(TO),--to "$$TO") --source "$${SOURCE:-$(if $(POSTCODE),live,demo)}"

test: .venv/.stamp  ## Run every check
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy src && $(BIN)/deptry .
	$(BIN)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder --durations=15
	$(BIN)/python -m pytest --nbval --nbval-current-env -p no:cacheprovider reports/example/report.ipynb

coverage: .venv/.stamp  ## Run the tests and say which lines none of them reaches; a third slower than make test
	$(BIN)/python -m pytest --numprocesses 3 --dist loadfile --cov --cov-report=term:skip-covered

test-faults: .venv/.stamp  ## Run every deliberate fault, the slow ones too
	$(BIN)/python -m pytest -q -m "slow_faults or not slow_faults" tests/faults tests/batch

test-oldest test-newest: test-%:  ## Run the suite on the oldest declared versions, or on the newest (needs uv)
	uv venv --quiet --clear --python $(PYTHON) .venv-$*
	uv pip install --quiet --python .venv-$*/bin/python $(if $(filter oldest,$*),--resolution lowest-direct) --editable ".[lab,batch,test,build]"
	.venv-$*/bin/python -m pytest -q --numprocesses 2 --dist loadfile $(or $(ARGS),tests)

example: .venv/.stamp  ## Rebuild reports/example from the demonstration; must leave no difference
	$(BIN)/python tools/make_example.py

# The site needs packages that nothing else needs, so they are installed here only.
.venv/.docs: .venv/.stamp docs/requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r docs/requirements.lock
	@touch $@

docs: .venv/.docs  ## Build the site into site/, with eight reports and their pictures (needs a Chromium)
	$(BIN)/python tools/make_site.py

docs-check: docs  ## Check each page of the site: axe, links, no request to anywhere
	$(BIN)/python -m pytest -q -m site tests/test_site.py

release-check: .venv/.stamp  ## Build wheel and sdist twice, install both in empty environments and try them there
	$(BIN)/python tools/check_release.py

lab: .venv/.stamp  ## Open the notebooks in JupyterLab
	@test -f .venv/etc/jupyter/labconfig/page_config.json || $(BIN)/jupyter labextension disable --level=sys_prefix @jupyterlab/apputils-extension:announcements # asks about news
	$(BIN)/jupyter lab notebooks

COMPILE := uv pip compile --generate-hashes --no-emit-index-url --no-header --universal --upgrade
lock:  ## Resolve requirements.lock and docs/requirements.lock anew (needs uv)
	$(COMPILE) pyproject.toml --all-extras -o requirements.lock
	$(COMPILE) --group pyproject.toml:docs --constraint requirements.lock --python-version 3.11 -o docs/requirements.lock
