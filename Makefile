# make run · test · check · eval · bench · peers · sbom · audit · clean: each works from a fresh clone, says what it does, and can be interrupted and run again.
#
#   make run SHAWAHID_PROFILE=light      only MIT and Apache-2.0 models, less memory
#   make run TORCH_INDEX=URL          a package index with the CPU build of torch, where the usual one would bring CUDA
#   make run PYTHON=python3.12        another interpreter (3.11 or newer)
#   make run SHAWAHID_MODELS=/some/path  another place for the models (3 GB)

PYTHON ?= $(shell for p in python3 python3.11 python3.12 python3.13 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
ifeq ($(PYTHON),)
PYTHON := python3
endif
VENV_PYTHON := .venv/bin/python
TORCH_INDEX ?=
export TORCH_INDEX
ifdef SHAWAHID_PROFILE
export SHAWAHID_PROFILE
endif
ifdef SHAWAHID_MODELS
export SHAWAHID_MODELS
endif

.PHONY: help run test check eval bench peers clean lock sbom audit

help:
	@echo "make run     set up whatever is missing and open the chat window"
	@echo "make test    set up whatever is missing and run all tests"
	@echo "make check   lint, format, types, layers, advisories"
	@echo "make eval    measure answers on the project's own questions"
	@echo "make bench   measure speed, memory and the reading of documents on this machine"
	@echo "make peers   compare Shawahid with LlamaIndex and LangChain, same models; XQUAD=\"ar.json en.json\" asks these files too"
	@echo "make sbom    write the bill of materials (CycloneDX) and the licences of what is installed"
	@echo "make audit   compare the locked versions with published advisories"
	@echo "make clean   remove the environment, the index and all caches of this clone; models stay"

run:
	@$(PYTHON) tools/setup.py run
	@exec $(VENV_PYTHON) app.py

test:
	@$(PYTHON) tools/setup.py test
	@$(VENV_PYTHON) -m pytest

check:
	@$(PYTHON) tools/setup.py dev
	$(VENV_PYTHON) -m ruff check .
	$(VENV_PYTHON) -m ruff format --check .
	$(VENV_PYTHON) -m mypy --strict rag
	@if command -v pyright >/dev/null; then pyright --pythonpath $(VENV_PYTHON); else echo "pyright is not installed: its view of the types was not checked"; fi
	.venv/bin/lint-imports
	@$(PYTHON) tools/supply.py audit

eval:
	@$(PYTHON) tools/setup.py eval
	@$(VENV_PYTHON) -m rag eval

bench:
	@$(PYTHON) tools/setup.py run
	@$(VENV_PYTHON) -m bench

peers:
	@$(PYTHON) tools/setup.py eval
	@test -x .cache/peers/venv/bin/python || $(PYTHON) -m venv .cache/peers/venv
	@.cache/peers/venv/bin/python -m pip install -q $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) -r bench/peers/requirements.txt
	@$(VENV_PYTHON) -m bench.peers $(if $(XQUAD),--xquad $(XQUAD))

sbom:
	@$(PYTHON) tools/setup.py dev
	@$(PYTHON) tools/supply.py sbom

audit:
	@$(PYTHON) tools/supply.py audit

lock:
	@$(PYTHON) tools/lock.py

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .cache build dist
	find index -mindepth 1 ! -name README.md -delete
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
