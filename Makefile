# What a reader or a writer does with the book; `make` alone lists it.
# Everything runs in .venv, which is made on first use and again when the requirements change.

PYTHON ?= $(firstword $(shell for name in python3 python3.11 python3.12 python3.13; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name; done; true))
PORT ?= 8000
BIN := .venv/bin
READY := .venv/.ready
NBVAL := --nbval --nbval-current-env --nbval-cell-timeout=300 -n 2 --dist loadfile

.PHONY: help book serve test portable execute bench clean

help:  ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-9s %s\n", $$1, $$2}' Makefile

book: $(READY)  ## build the site in _build/html
	$(BIN)/jupyter-book build -W -n --keep-going --quiet .
	@echo "To read it in a browser: make serve"

serve: book  ## build the site and serve it on this machine (PORT=8000)
	@$(BIN)/python -m twostage serve --port $(PORT)

# Two workers side by side, so one thread each.
test: $(READY)  ## check the style, run the tests, re-compute every chapter and compare
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 $(BIN)/python -m pytest tests chapters $(NBVAL)

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

clean:  ## remove what the other targets wrote, except .venv
	rm -rf _build .pytest_cache .ruff_cache

$(READY): requirements.txt constraints.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python" >&2; \
	  exit 1; }
	@echo "Setting up .venv (a few minutes, once; the log is .venv/install.log)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install -r requirements.txt -c constraints.txt > .venv/install.log 2>&1 \
	  || { tail -n 30 .venv/install.log >&2; exit 1; }
	@touch $@
