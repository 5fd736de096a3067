# make demo | test | test-long | test-gpu | ui | bench | soak | audit | lock: each makes .venv on its first call; a second call installs nothing.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed
# Two processes with two threads each would wait for each other on two cores: some tests took seven times as long.
PYTEST := OMP_NUM_THREADS=1 PATH="$(CURDIR)/$(BIN):$$PATH" pytest -n 2

.PHONY: demo test test-long test-gpu ui bench soak audit lock clean

demo: $(INSTALLED)  ## the experiment of params.yaml, on phantoms; DATA=topomortar: that experiment, its data downloaded; DATA=mechanisms
ifneq ($(filter-out mechanisms,$(DATA)),)
	$(BIN)/seglossbench --set experiment=$(DATA) download $(DATA) --accept-licence
endif
	PATH="$(CURDIR)/$(BIN):$$PATH" snakemake --cores all $(if $(DATA),--config experiment=$(DATA))
	@echo "The report, and all others: reports/index.html. All runs in MLflow: make ui"

test: $(INSTALLED)  ## everything that CI checks
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(PYTEST) --dist loadfile --no-loadscope-reorder -m "not long and not gpu"

test-long: $(INSTALLED)  ## what takes minutes, of every network
	$(BIN)/python -c 'import importlib.util, sys; sys.exit(not all(map(importlib.util.find_spec, ("dvc_s3", "moto"))))' || \
		$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev,long]'
	$(PYTEST) -m long

test-gpu: $(INSTALLED)  ## what a GPU must do: needs one, and says so where there is none
	$(BIN)/pytest -m gpu -rs tests/gpu
	$(BIN)/seglossbench doctor --gpu

ui: $(INSTALLED)  ## browse the runs in MLflow
	$(BIN)/seglossbench ui --port $(or $(PORT),5000)

bench: $(INSTALLED)  ## our speed against rivals, in the same run
	$(BIN)/python -c 'import importlib.util, sys; sys.exit(not all(map(importlib.util.find_spec, ("blosc2", "nnunetv2", "zarr"))))' || \
		$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev,bench]'
	$(BIN)/python -m benchmarks

soak: $(INSTALLED)  ## ten rounds of the tiny experiment, disturbed at random, against one that was not; needs root, for a small disk
	$(BIN)/python -m benchmarks.soak --rounds $(or $(ROUNDS),10)

audit: $(INSTALLED)  ## known vulnerabilities of the locked packages
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[audit]'
	$(BIN)/python .ci/audit.py

lock: $(INSTALLED)  ## requirements.lock anew, after a change of pyproject.toml or constraints.txt
	$(BIN)/python .ci/lock.py

clean:  ## remove what can be made again, but for the runs, their logs and the reports
	rm -rf .snakemake data/prepared data/maps predictions scores

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(if $(LOCKED),$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements.lock)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $(INSTALLED)
