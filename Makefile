# Everything runs from a fresh clone: each target sets up what it needs first.
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet

.PHONY: demo demo-once up dev test check resilience bench bench-media bench-pipeline bench-cost bench-pictures bench-fairness bench-scale bench-truth soak lock clean

demo: $(VENV)/ready  ## the whole system with sample links, no key or account needed
	$(BIN)/svp demo

demo-once: $(VENV)/ready  ## the same without a person: adds the sample links, waits, prints what became of them
	$(BIN)/svp demo --once

up: $(VENV)/ready  ## the system with the settings of .env
	$(BIN)/svp up

dev: $(VENV)/ready  ## Dagster alone from the checkout, which loads changed code at a click; Ctrl-C stops it
	$(BIN)/svp migrate
	$(BIN)/dagster dev

test: check  ## the same, then whole installations of which everything outside fails
	$(BIN)/pytest tests/resilience/test_soak.py

resilience: $(VENV)/ready-dev  ## slow tests, installations that are killed in the middle of things, watched or restored, and the image
	$(BIN)/pytest -n auto -m slow --ignore=tests/resilience
	$(BIN)/pytest tests/resilience

check: $(VENV)/ready-dev  ## style, types, who may know whom, all tests but slow ones
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/pytest -n auto -m "not slow" --ignore=tests/resilience

bench: $(VENV)/ready  ## one video through the stages: seconds and CPU-seconds per stage
	$(BIN)/python -m benchmarks.stages

bench-media: $(VENV)/ready  ## frames, contact sheets and reading beside the obvious way
	$(BIN)/python -m benchmarks.media

bench-pipeline: $(VENV)/ready  ## a run's time beside its critical path, and what Dagster adds
	$(BIN)/python -m benchmarks.pipeline

bench-cost: $(VENV)/ready  ## what a video costs at list prices, and a second save of it
	$(BIN)/python -m benchmarks.cost

bench-fairness: $(VENV)/ready-dev  ## one person's 500 rows, then one of each of nine others: how soon these start
	$(BIN)/python -m benchmarks.fairness

bench-truth: $(VENV)/ready  ## how complete and true pages are: captions, scripts, speech, answers, the engine without a key
	$(BIN)/python -m benchmarks.truth

bench-scale: $(VENV)/ready-dev  ## what an installation carries: runs a minute, connections, past entries, memory; half an hour
	$(BIN)/python -m benchmarks.scale

bench-pictures: $(VENV)/ready-dev  ## the memory that 30 hostile pictures take, in minutes; fails over 700 MB
	$(BIN)/python -m benchmarks.pictures

soak: $(VENV)/ready-dev  ## 200 rows while every outside service fails a fifth of its calls; ends with what was found
	$(BIN)/python -m benchmarks.soak

# --no-deps: the lock files are complete, and one dependency's wish is overridden (see pyproject.toml).
$(VENV)/ready: requirements.lock | $(BIN)/pip
	$(PIP) --no-deps --require-hashes -r requirements.lock
	$(PIP) --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/ready-dev: requirements-dev.lock | $(BIN)/pip
	$(PIP) --no-deps --require-hashes -r requirements-dev.lock
	$(PIP) --no-deps --no-build-isolation -e .
	touch $@ $(VENV)/ready

$(BIN)/pip:
	deploy/make_venv.sh $(VENV)

lock: $(VENV)/ready-dev  ## renew the lock files: of an installation, of its tests, of the image
	for group in "" -dev -launchers; do \
	  $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --no-annotate --no-header --upgrade pyproject.toml --extra gcs --extra s3 --group build \
	    $${group:+--group $${group#-}} \
	    --output-file requirements$$group.lock; \
	done

clean:  ## remove the virtual environment and the local data
	rm -rf $(VENV) .svp
