# Every target makes .venv itself when it is missing, and starts at once when it is there.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help venv demo test test-fast test-room test-slow lint bench bench-model bench-device validation-pairs curves train-small train-steerable ablation docs figures animation sbom audit clean

PYTHON ?= python3
PIP_ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.pointpng-installed
AUDIT := build/audit
POINTPNG_DATA ?= ../shared/data
NEEDS_DATA = test -d '$(POINTPNG_DATA)' || { echo 'make: no data in $(POINTPNG_DATA); set POINTPNG_DATA' >&2; exit 1; }
MODEL ?= small
DEVICE ?= cuda
ROOM ?= house
# Tests of one file run in one process: what they share is made once.
TEST_JOBS ?= 2
VALIDATION := build/validation
MAKE_PAIRS := $(BIN)/pointpng evaluate make-pairs --seed 7
CURVES := $(BIN)/pointpng evaluate curves --baselines
# Every third of the sorted names of the YCB objects is held out from training and tuning.
UNSEEN := 3:2
PAIRS := airplane_epn airplane_resampled modelnet10_resampled ycb_view
# The results as JSON; docs/results keeps those that the docs quote.
BENCH_OUT ?= build/bench

export DEMO_SECONDS ?= 30
export ROS_AUTOMATIC_DISCOVERY_RANGE := LOCALHOST
# Camera, node and tests share the cores: threads that wait for a busy one cost more than they bring.
export OMP_NUM_THREADS ?= 1
# A domain of its own for each run keeps two runs, and a robot in the same network, apart.
OWN_DOMAIN = export ROS_DOMAIN_ID=$$((RANDOM % 90 + 10))

help:  ## Show the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo 'Settings: PYTHON=$(PYTHON) DEMO_SECONDS=$(DEMO_SECONDS) POINTPNG_DATA=$(POINTPNG_DATA) TEST_JOBS=$(TEST_JOBS) PIP_ARGS='

venv: $(STAMP)  ## Make .venv with the command `pointpng` in it

demo: $(STAMP)  ## Simulated camera and pose node as two processes, a live table, a picture
	@$(OWN_DOMAIN); $(BIN)/pointpng demo $(DEMO_ARGS)

test: lint  ## Ruff, mypy and all tests, nodes over DDS among them
	@$(OWN_DOMAIN); $(BIN)/python -m pytest -m 'not slow' -n $(TEST_JOBS) --dist loadfile --durations 15 $(TEST_ARGS)

test-fast: $(STAMP)  ## The tests that need no ROS, but for the longest: about 5 minutes
	@$(BIN)/python -m pytest -m 'not slow and not ros and not long' --durations 15 $(TEST_ARGS)

test-room: $(STAMP)  ## The tests of one room: make test-room ROOM=estimation
	@test '$(ROOM)' = house -o -d 'test/core/$(ROOM)' -o -d 'test/$(ROOM)' || { \
	  echo "make: no room '$(ROOM)'; choose house, package, ros, $$(ls -d test/core/*/ | grep -v __ | xargs -n 1 basename | paste -sd, | sed 's/,/, /g')" >&2; exit 1; }
	@$(OWN_DOMAIN); $(BIN)/python -m pytest -m '$(ROOM) and not slow' --durations 15 $(TEST_ARGS)

test-slow: $(STAMP)  ## The long tests, among them a training run that is killed twenty times
	@$(OWN_DOMAIN); $(BIN)/python -m pytest -m slow $(TEST_ARGS)

lint: $(STAMP)  ## Ruff and mypy
	@$(BIN)/ruff check .
	@$(BIN)/mypy

bench: $(STAMP)  ## Benchmarks of poses, segmentation and whole frames, with baselines, into BENCH_OUT (needs POINTPNG_DATA)
	@$(NEEDS_DATA)
	@mkdir -p $(BENCH_OUT)
	@for pairs in $(PAIRS); do \
	  unseen=; if test $$pairs = ycb_view; then unseen='--unseen $(UNSEEN)'; fi; \
	  $(BIN)/pointpng evaluate pose --pairs $(POINTPNG_DATA)/pairs_$$pairs.npz --baselines $$unseen \
	    --json $(BENCH_OUT)/$$pairs.json $(BENCH_ARGS); done
	@$(BIN)/pointpng evaluate scene --bag $(POINTPNG_DATA)/tabletop_kinect \
	  --labels $(POINTPNG_DATA)/tabletop_kinect_labels.npz --json $(BENCH_OUT)/segmentation.json
	@for dataset in clutter ycb; do \
	  $(BIN)/pointpng evaluate bop $(POINTPNG_DATA)/bop/$$dataset --baselines \
	    --json $(BENCH_OUT)/bop_$$dataset.json --sheet $(BENCH_OUT)/bop_$$dataset.png $(BOP_ARGS); done

bench-model: $(STAMP)  ## Every protocol for MODEL=small and the training-free model (needs POINTPNG_DATA)
	@$(NEEDS_DATA)
	@for model in $(MODEL) training_free; do \
	  $(BIN)/pointpng evaluate equivariance --model $$model --data $(POINTPNG_DATA)/modelnet10_1024.npz; \
	  $(BIN)/pointpng evaluate classification --model $$model --data $(POINTPNG_DATA)/modelnet10_1024.npz \
	    --protocol svm --protocol few-shot; done
	@for pairs in $(PAIRS); do $(BIN)/pointpng evaluate pose --model $(MODEL) \
	  --pairs $(POINTPNG_DATA)/pairs_$$pairs.npz $(BENCH_ARGS); done

bench-device: $(STAMP)  ## DEVICE=cuda: agreement with the CPU, speed of poses and of training
	@$(BIN)/pointpng evaluate device $(DEVICE) $(DEVICE_ARGS)

validation-pairs: $(STAMP)  ## Pairs of training objects for validation, in build/validation (needs POINTPNG_DATA)
	@$(NEEDS_DATA)
	@mkdir -p $(VALIDATION)
	@$(MAKE_PAIRS) --data $(POINTPNG_DATA)/modelnet10_1024.npz --halves --keep 20 --out $(VALIDATION)/modelnet10_val.npz
	@$(MAKE_PAIRS) --data $(POINTPNG_DATA)/modelnet40_airplane_4096.npz --halves --points 1024 --jitter .01 --out $(VALIDATION)/airplane_val.npz
	@$(MAKE_PAIRS) --data $(POINTPNG_DATA)/ycb_meshes.npz --views 6 --leave-out $(UNSEEN) --out $(VALIDATION)/ycb_seen_val.npz
	@$(MAKE_PAIRS) --data procedural:120 --views 2 --out $(VALIDATION)/solids_val.npz

curves: $(STAMP)  ## The curves of docs/benchmarks.md in 15 minutes (needs POINTPNG_DATA)
	@$(NEEDS_DATA)
	@mkdir -p build/curves
	@$(BIN)/pointpng evaluate make-pairs --seed 11 --views 2 --keep $(UNSEEN) \
	  --data $(POINTPNG_DATA)/ycb_meshes.npz --out build/curves/ycb_unseen_views.npz
	@$(CURVES) --pairs build/curves/ycb_unseen_views.npz --judge surface --out build/curves/views $(CURVES_ARGS)
	@$(CURVES) --pairs $(POINTPNG_DATA)/pairs_airplane_resampled.npz --out build/curves/whole $(CURVES_ARGS)
	@for kind in views whole; do cp build/curves/$$kind/curves.png docs/curves_$$kind.png; done

train-small: $(STAMP)  ## Train the model `small` in runs/small, or resume it (needs POINTPNG_DATA)
	@$(NEEDS_DATA)
	@$(BIN)/pointpng train --config config/train_small.yaml --out runs/small --resume \
	  --data $(POINTPNG_DATA)/modelnet10_1024.npz,weight=3 \
	  --data $(POINTPNG_DATA)/modelnet40_airplane_4096.npz,weight=1.5 \
	  --data $(POINTPNG_DATA)/modelnet40_normal_resampled_partial_2048.npz,weight=1 \
	  --data $(POINTPNG_DATA)/modelnet40_33cls_vertexsampled_1024.npz,weight=1 $(TRAIN_ARGS)

# Every third YCB object is left out for reporting, others for validation.
train-steerable: $(STAMP)  ## The same for `steerable`, in runs/steerable (needs POINTPNG_DATA)
	@$(NEEDS_DATA)
	@$(BIN)/pointpng train --config config/train_steerable.yaml --out runs/steerable --resume \
	  --data $(POINTPNG_DATA)/modelnet10_1024.npz,weight=3,leave_out=20+0 \
	  --data $(POINTPNG_DATA)/modelnet40_airplane_4096.npz,weight=1 \
	  --data $(POINTPNG_DATA)/modelnet40_normal_resampled_partial_2048.npz,weight=0.7 \
	  --data $(POINTPNG_DATA)/ycb_meshes.npz,weight=1.3,leave_out=3+2/15+0/15+7 \
	  --data procedural:1600,weight=3 $(TRAIN_ARGS)

ablation: $(STAMP)  ## Ten small models over beta and M in runs/ablation, or resume (needs POINTPNG_DATA)
	@$(NEEDS_DATA)
	@$(BIN)/pointpng evaluate ablation --model-config config/train_ablation.yaml --out runs/ablation \
	  --data $(POINTPNG_DATA)/modelnet40_airplane_4096.npz \
	  --data $(POINTPNG_DATA)/modelnet10_1024.npz,weight=0.02,limit=1000 \
	  --betas .3,0,.1,.5,1 $(ABLATION_ARGS)

docs: $(STAMP)  ## Write the generated parts of docs/ and config/, then the site with the API into build/site
	@$(BIN)/python tools/generate_docs.py
	@$(BIN)/python -m mkdocs --version >/dev/null 2>&1 || $(BIN)/python -m pip install -qq \
	  --disable-pip-version-check $(PIP_ARGS) --editable '.[docs]' --constraint constraints.txt
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet --site-dir build/site
	@echo 'the site is in build/site'

figures: $(STAMP)  ## Draw docs/how_it_works.png, and docs/results.png from the JSON files of docs/results
	@$(BIN)/python tools/draw_figures.py

animation: $(STAMP)  ## Record docs/demo.webp, the moving picture of the README, from a run of the demo
	@mkdir -p build; $(OWN_DOMAIN); $(BIN)/pointpng demo --seconds 14 --rate-hz 3 --picture build/demo.png \
	  --animation docs/demo.webp $(DEMO_ARGS)

sbom: $(STAMP) $(AUDIT)/.installed  ## Bill of materials of .venv (CycloneDX JSON) in build/sbom.json
	@$(AUDIT)/bin/cyclonedx-py environment --mc-type library --output-reproducible \
	  --output-file build/sbom.json $(BIN)/python
	@echo 'the bill of materials is in build/sbom.json'

# Strict: a package that the advisory service does not know is a failure, not a pass.
audit: $(AUDIT)/.installed  ## Known vulnerabilities of the versions in constraints.txt (needs pypi.org)
	@sed -n 's/ *;.*//; s/ *#.*//; /==/p' constraints.txt > $(AUDIT)/pinned.txt
	@$(AUDIT)/bin/pip-audit --strict --no-deps --disable-pip --progress-spinner off \
	  --requirement $(AUDIT)/pinned.txt

clean:  ## Remove .venv, caches and build outputs
	rm -rf $(VENV) build install log dist *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis

$(STAMP): setup.py setup.cfg constraints.txt
	@$(PYTHON) -c '' 2>/dev/null || { echo 'error: there is no $(PYTHON); install Python 3.10 or newer, or name one: make PYTHON=python3.11' >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { \
	  echo "error: Python 3.10 or newer is needed, $(PYTHON) is $$($(PYTHON) -V 2>&1); name another: make PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo 'error: Python cannot make virtual environments here; on Debian and Ubuntu: sudo apt install python3-venv' >&2; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@echo 'Installing into $(VENV) (about 3 GB; once)...'
	@$(BIN)/python -m pip install -qq --disable-pip-version-check $(PIP_ARGS) \
	  --editable '.[ros,demo,train,bench,dev]' --constraint constraints.txt
	@$(BIN)/python -m pointpng_core.cli.system_check
	@touch $@

$(AUDIT)/.installed: tools/audit_requirements.txt
	@$(PYTHON) -m venv --clear $(AUDIT)
	@$(AUDIT)/bin/python -m pip install -qq --disable-pip-version-check $(PIP_ARGS) \
	  --requirement tools/audit_requirements.txt
	@touch $@
