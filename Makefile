# Set-up, demo and tests. Needs Python 3.10 or later, with pip; everything else is installed into .venv.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test bench notebooks readme docs widgets wheel clean

demo: .venv/run
	$(BIN)/face2nb_extract --demo --output demo_output

test: .venv/dev widgets
	$(BIN)/python -m pytest -q -n auto --maxprocesses 4

# Speed and agreement, as ratios: make bench CLIPS="a.mp4 b.mp4"; without clips, on the demo clip
bench: .venv/run
	$(BIN)/python benchmarks/bench_extract.py $(or $(CLIPS),$$($(BIN)/python -c 'from face2nb.media.demo import demo_clip; print(demo_clip())'))

# Run every notebook and keep its outputs, then write the modules and the README from them
notebooks: .venv/dev
	$(BIN)/nbdev_export
	$(BIN)/python scripts/run_notebooks.py
	$(BIN)/nbdev_clean
	$(MAKE) readme

readme: .venv/dev
	$(BIN)/python scripts/make_readme.py

# The site, in _docs
docs: .venv/dev widgets
	$(BIN)/python scripts/build_docs.py

# What shows widgets in a page; a site without it shows their text
widgets: .venv/dev
	$(BIN)/python scripts/fetch_widgets.py

wheel: .venv/dev
	$(BIN)/python -m build --wheel --no-isolation

clean:
	rm -rf .venv _docs build dist *.egg-info demo_output

# Stamps: installing again only when what is to be installed has changed
.venv/pip:
	$(PYTHON) -c "import sys; sys.exit('face2nb needs Python 3.10 or later; name one: make PYTHON=python3.12') if sys.version_info < (3, 10) else None"
	$(PYTHON) -m venv .venv || $(MAKE) .venv-without-ensurepip
	$(BIN)/python -m pip install --quiet --upgrade pip
	touch $@

# Debian packs venv's pip apart from Python; virtualenv brings its own
.PHONY: .venv-without-ensurepip
.venv-without-ensurepip:
	rm -rf .venv
	$(PYTHON) -m pip install --quiet --target build/virtualenv virtualenv
	PYTHONPATH=build/virtualenv $(PYTHON) -m virtualenv --quiet .venv

.venv/run: .venv/pip settings.ini setup.py pyproject.toml
	PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --editable .
	touch $@

.venv/dev: .venv/run
	PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --editable ".[dev]"
	touch $@
