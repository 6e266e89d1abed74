# What a reader or a writer does with the book; `make` alone lists it.
# Everything runs in .venv, which is made on first use, again when the requirements change, and
# anew when it was made in another folder (a copy, a move) or by a Python that is gone.

FITS := import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 14))
PYTHON ?= $(firstword $(shell for name in python3 python3.13 python3.12 python3.11; do \
	$$name -c '$(FITS)' 2>/dev/null && echo $$name; done; true))
REFUSAL = $(or $(PYTHON),python3) does not fit: the book needs Python 3.11, 3.12 or 3.13 with venv and \
	ensurepip (Debian: python3-venv); name one with PYTHON=/path/to/python
PORT ?= 8000
BIN := .venv/bin
READY := .venv/.ready
LAB := .venv/.lab
NBVAL := --nbval --nbval-current-env --nbval-cell-timeout=300 -n 2 --dist loadfile
PYTEST := OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 $(BIN)/python -m pytest  # two workers: a thread each

.PHONY: help book serve lab check test portable execute bench clean style anew

help:  ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-9s %s\n", $$1, $$2}' Makefile

book: $(READY)  ## build the site in _build/html
	$(BIN)/jupyter-book build -W -n --keep-going --quiet .
	@echo "To read it in a browser: make serve"

serve: book  ## build the site and serve it on this machine (PORT=8000)
	@$(BIN)/python -m twostage serve --port $(PORT)

lab: $(LAB)  ## open the chapters in JupyterLab, installed on first use (OPTIONS=--no-browser)
	$(BIN)/jupyter-lab --ip=127.0.0.1 --LabApp.default_url=/lab/tree/chapters $(OPTIONS)

check: style  ## check the style, run the tests of a minute: no kernel, no browser, nothing slow
	$(PYTEST) tests -n 2 -m "not kernel and not browser and not slow"

test: style  ## check the style, run the tests, re-compute every chapter and compare
	$(PYTEST) tests chapters $(NBVAL)

style: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# Other vector instructions and other numbers of threads stand in for other machines.
portable: $(READY)  ## re-compute every chapter as other processors would, and compare
	@mkdir -p _build; status=0; \
	for processor in "ATEN_CPU_CAPABILITY=default" \
	    "ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2 OPENBLAS_CORETYPE=Haswell"; do \
	  for threads in 1 2; do \
	    log="_build/portable-$${processor%% *}-$$threads.log"; \
	    env $$processor OMP_NUM_THREADS=$$threads MKL_NUM_THREADS=$$threads \
	      $(BIN)/python -m pytest chapters $(NBVAL) > "$$log" 2>&1 || status=1; \
	    echo "$$processor, $$threads thread(s): $$(tail -n 1 "$$log")"; \
	    grep -E '^(FAILED|ERROR) ' "$$log" || true; \
	  done; \
	done; exit $$status

execute: $(READY)  ## re-execute all chapters in place (the same bytes if nothing changed)
	$(BIN)/twostage execute --jobs 2

bench: $(READY)  ## measure what the fast algorithms gain (_build/bench.json); fails below a bound
	OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 $(BIN)/python benchmarks/bench.py

clean:  ## remove what the other targets wrote, except .venv (and spare runs/)
	rm -rf _build .pytest_cache .ruff_cache

# pyvenv.cfg names the folder that .venv was made in; a link to one elsewhere is left alone.
CLEAR := $(shell test -d .venv && ! test -L .venv && { ! test -x $(BIN)/python || \
	grep -s '^command' .venv/pyvenv.cfg | grep -qvF " $$(pwd -P)/.venv"; } && echo --clear)
$(READY): requirements.txt constraints.txt pyproject.toml $(if $(CLEAR),anew)
	@"$(PYTHON)" -c '$(FITS)' 2>/dev/null || { echo "$(REFUSAL)" >&2; exit 1; }
	@echo "Setting up .venv (a few minutes, once; the log is .venv/install.log)"
	@"$(PYTHON)" -m venv $(CLEAR) .venv
	@$(BIN)/python -m pip install -r requirements.txt -c constraints.txt > .venv/install.log 2>&1 \
	  || { tail -n 30 .venv/install.log >&2; exit 1; }
	@touch $@

$(LAB): $(READY) requirements-lab.txt
	@echo "Installing JupyterLab in .venv (once; the log is .venv/lab.log)"
	@$(BIN)/python -m pip install -r requirements-lab.txt -c constraints.txt > .venv/lab.log 2>&1 \
	  || { tail -n 30 .venv/lab.log >&2; exit 1; }
	@touch $@
