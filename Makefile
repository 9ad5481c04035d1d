# `make` lists what there is.
VENV := .venv
BIN := $(VENV)/bin
# The stages run `python`: the one of the environment comes first.
export PATH := $(abspath $(BIN)):$(PATH)
export DVC_NO_ANALYTICS := 1

.DEFAULT_GOAL := help
.PHONY: help run test lint compare study countermeasures docs bench clean
REVS ?= HEAD workspace

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

run: $(VENV)/installed ## run the pipeline from photos to a report
	python stages/warm.py python stages/run.py
	@echo "The report: $(abspath reports/index.html)"

test: $(VENV)/installed ## run the tests
	python stages/warm.py python -m pytest

lint: $(VENV)/installed ## check style and types
	ruff check . && ruff format --check . && mypy

compare: $(VENV)/installed ## runs side by side: make compare REVS="HEAD workspace"
	python stages/compare.py $(REVS)

study: $(VENV)/installed ## repeat the pipeline over five seeds: mean and spread
	python stages/warm.py python stages/study.py

countermeasures: $(VENV)/installed ## what countermeasures cost and leave; attackers who only ask
	python stages/warm.py python -m dvc repro stages/dvc.yaml
	@echo "Tables and figures: $(abspath reports/tradeoff.md)"

docs: $(VENV)/installed ## write docs/parameters.md anew
	python stages/reference.py

bench: $(VENV)/installed ## measure speed and memory, against ART where it is installed
	python -m benchmarks

clean: ## remove the environment
	rm -rf $(VENV)

# pip runs only where the lock file or the package's own list changed.
$(VENV)/installed: requirements.lock pyproject.toml
	python3 -c 'import sys; assert sys.version_info >= (3, 11), "miface needs Python 3.11 or newer, this is " + sys.version.split()[0]'
	python3 -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@
