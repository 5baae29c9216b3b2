# make demo         install into .venv and interpret a real 12-lead ECG; nothing but the packages is downloaded
# make test         ruff, mypy --strict and pytest, without PyTorch
# make test-train   install PyTorch into the same .venv and run the tests that need it
# make docs         rewrite the generated pages: docs/schemas; picture, demo output and table of formats of README
# make clean        remove .venv and caches
#
# PYTHON=python3.12 chooses the interpreter. TORCH_INDEX chooses where PyTorch comes from: on a machine whose default
# index serves the CUDA build (gigabytes), say
#   make test-train TORCH_INDEX=https://download.pytorch.org/whl/cpu

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test lint test-train docs clean

TORCH_INDEX ?=
TORCH := torch==2.13.0
PYTEST ?= -m pytest
PYTEST_ARGS ?=

PY := .venv/bin/python
PIP := $(PY) -m pip install --quiet --quiet --disable-pip-version-check --constraint constraints.txt

# One thread a process: numbers repeat, and small machines stay usable.
export OMP_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS ?= 1
export MKL_NUM_THREADS ?= 1

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

.venv/stamp-python:
	@for python in "$(PYTHON)" python3 python3.14 python3.13 python3.12 python3.11 python; do \
	  if [ -n "$$python" ] && "$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' \
	      >/dev/null 2>&1; then found="$$python"; break; fi; \
	done; \
	if [ -z "$${found:-}" ]; then \
	  echo "ecground needs Python 3.11 or newer with its venv module, and found none." >&2; \
	  echo "Install one (Debian, Ubuntu: apt install python3 python3-venv) or name it: make demo PYTHON=/path/to/python3" >&2; \
	  exit 1; \
	fi; \
	echo "making .venv with $$("$$found" --version)" >&2; \
	"$$found" -m venv .venv
	@$(PY) -m pip install --quiet --quiet --disable-pip-version-check 'pip>=25.1'
	@touch $@

.venv/stamp-package: .venv/stamp-python pyproject.toml constraints.txt
	@echo "installing ecground into .venv" >&2
	@$(PIP) --editable .
	@touch $@

.venv/stamp-test: .venv/stamp-package
	@echo "installing the test tools into .venv" >&2
	@$(PIP) --group dev
	@touch $@

.venv/stamp-train: .venv/stamp-test
	@echo "installing $(TORCH) into .venv" >&2
	@$(PIP) $(if $(TORCH_INDEX),--index-url "$(TORCH_INDEX)") '$(TORCH)'
	@$(PIP) --editable '.[train]'
	@touch $@

demo: .venv/stamp-package
	@file="$$($(PY) -c 'from pydicom.data import get_testdata_file as f; print(f("waveform_ecg.dcm", download=False))')"; \
	$(PY) -m ecground interpret --format text "$$file"; \
	echo; \
	echo "The same as JSON:"; \
	echo "  .venv/bin/ecground interpret --json \"$$file\""

lint: .venv/stamp-test
	$(PY) -m ruff check .
	$(PY) -m mypy

test: lint
	$(PY) $(PYTEST) -rs -m "not slow" $(PYTEST_ARGS)

test-train: .venv/stamp-train
	$(PY) $(PYTEST) -rs -m "train and not slow" $(PYTEST_ARGS)

docs: .venv/stamp-test
	$(PY) docs/generate.py
	$(PY) docs/gallery.py
	$(PY) docs/instruct.py

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
