# Everything from nothing but Python (>= 3.11) and pip.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test check bench rehearsal clean

demo: .venv/demo.done
	$(BIN)/python examples/before_after.py --out out/demo

# A worker a core, each with one thread: several threads of torch would wait for each other.
test: .venv/dev.done
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n logical --dist loadfile

check: .venv/dev.done
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv/dev.done
	$(BIN)/python benchmarks/upscale.py

# Every recipe of the papers on tiny networks, from published folders to scores.
rehearsal: .venv/dev.done
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/rehearsal.py --out out/rehearsal

clean:
	rm -rf .venv out

.venv/pip.done:
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	touch $@

.venv/demo.done: .venv/pip.done pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[demo]'
	touch $@

.venv/dev.done: .venv/pip.done pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@
