# Everything runs in .venv, which `make` creates from the lock file. PYTHON chooses the interpreter.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test lint format fuzz crash load judges calibrate bench reference tables lock clean

demo: .venv/ready
	$(BIN)/dispatcher demo $(ARGS)

test: .venv/ready
	$(BIN)/python -m pytest $(ARGS)

lint: .venv/ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: .venv/ready
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Runs random programs here and on CPython until it is stopped: make fuzz ARGS="--seconds 600".
fuzz: .venv/ready
	$(BIN)/python -m tests.fuzz $(ARGS)

# Kills the service again and again and counts what Halo got: make crash QUICK=1, make crash ARGS="--kills 300".
crash: .venv/ready
	$(BIN)/python -m tests.crash $(if $(QUICK),--quick) $(ARGS)

# Takes tickets as fast as it can, beside a plain endpoint: make load ARGS="--seconds 600 --rate-limit 500".
load: .venv/ready
	$(BIN)/python -m tests.load $(ARGS)

# Lets clients that others wrote try the emulator, each installed on its own below .venv/judges.
judges: .venv/ready
	$(BIN)/python -m tests.judges $(ARGS)

# Prints what a step of the budget takes, of time and of memory.
calibrate: .venv/ready
	$(BIN)/python -m tests.bench.calibration $(ARGS)

# Prints how fast tickets are decided, beside CPython and other sandboxes: make bench ARGS="--only W4,compile".
bench: .venv/bench
	$(BIN)/python -m tests.bench $(ARGS)

# Writes the language reference, and the grammar for editors, from the tables.
reference: .venv/ready
	$(BIN)/python -m dispatcher.reference > grammar/README.md
	$(BIN)/python -m dispatcher.lsp.textmate > grammar/vscode/syntaxes/dispatcher.tmLanguage.json

# Makes the parser's tables from grammar/dispatcher.lark.
tables: .venv/ready
	$(BIN)/python -m grammar.tabulate > grammar/tables.py.new
	mv grammar/tables.py.new grammar/tables.py

# Resolves for every platform and Python at once; needs uv.
lock:
	uv pip compile --universal --generate-hashes --group dev --no-header --quiet pyproject.toml -o requirements.lock
	uv pip compile --universal --generate-hashes --group bench --constraints requirements.lock --no-header --quiet \
	  -o requirements-bench.lock

.venv/ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "dispatcher needs Python 3.11 or newer; name one with: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@touch $@

# Where one of them cannot be installed, the rest is measured.
.venv/bench: requirements-bench.lock .venv/ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r $< || echo "the other sandboxes are not measured"
	@touch $@

clean:
	rm -rf .venv .demo dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis
