# tinyproof: the order of the stages. A stage is a command of its own (`tinyproof train`, ...) that gets every setting
# given here, takes those that are its own, and has nothing to do where its files were made of the same inputs. Stages
# meet through files below build/<model>/.

# The make of the BSDs takes the next line for a word to its user, GNU make for a target that nobody asks for.
.error : this Makefile is for GNU make, which is called gmake here

# Every setting. A slip of the finger would otherwise be a run with the defaults.
SETTINGS := DATASET PRESET EPOCHS SEED AUGMENT SIZE COLOR TENSORBOARD MODEL TFLITE KERAS CALIBRATION PIXELS ACCEPT_LOSS REMEDY BOARD ENGINE \
	OPTIMIZE COMPILER PORT BAUD DEVICES LIMIT RESUME SURE PATIENCE JUNIT THROTTLE INJECT IMAGE FILTER WEIGHT STRIDE PADDING \
	CLASSES TRIALS MILLISECONDS STORAGE SAMPLE SECONDS COUNT OVERWRITE LIVE DREAMS PAGE
VENV := .venv

$(if $(wildcard tinyproof/make.py),,$(error run make in the folder of its Makefile: make -C $(dir $(firstword $(MAKEFILE_LIST)))))
OVERRIDES := $(foreach word,$(MAKEOVERRIDES),$(if $(findstring =,$(word)),$(firstword $(subst =, ,$(word)))))
$(foreach name,$(filter-out $(SETTINGS) VENV PYTHON TINYPROOF_DATA,$(OVERRIDES)),$(error there is no setting $(name); `make` alone lists them))
# What nobody typed counts as well, and should surprise nobody.
$(if $(filter 0,$(MAKELEVEL)),$(foreach name,$(SETTINGS),$(if $(filter environment,$(origin $(name))),$(info \
	$(name)=$($(name)), from the environment))))
typed = $(filter-out undefined file default,$(origin $(1)))
$(foreach name,$(SETTINGS),$(if $(and $(call typed,$(name)),$(findstring $$,$(value $(name)))),$(error \
	$(name) has a $$, with which make begins a variable: rename it, or use $(VENV)/bin/tinyproof)))
in_build = $(patsubst %/,%,$(patsubst build/%,%,$(patsubst ./%,%,$(patsubst $(CURDIR)/%,%,$(1)))))
$(if $(or $(filter . .. build,$(call in_build,$(MODEL))),$(findstring /,$(call in_build,$(MODEL)))),$(error MODEL=$(MODEL) is not \
	the name of a folder in build/: move it there, or give the path to $(VENV)/bin/tinyproof))
$(foreach name,BOARD PRESET,$(if $(word 2,$($(name))),$(error $(name)=$($(name)): one at a time)))
$(foreach name,DATASET MODEL TFLITE KERAS CALIBRATION TENSORBOARD JUNIT,$(if $(word 2,$($(name))),$(error \
	$(name)=$($(name)) has a space, which make cannot take in a path: rename it, or use $(VENV)/bin/tinyproof)))
$(foreach file,TFLITE KERAS,$(foreach name,DATASET PRESET,$(if $(and $($(file)),$($(name)),$(filter command,$(origin \
	$(name)))),$(error $(name) says what to train here, and $(file) is a model already: leave one of them out))))

# What others have set for a Python of theirs is not for ours.
unexport PYTHONHOME PYTHONPATH PYTHONPLATLIBDIR PYTHONEXECUTABLE PYTHONSAFEPATH PYTHONINSPECT PYTHONOPTIMIZE PYTHONWARNINGS
# A file in .venv holds the path of this folder; Python up to 3.12 reads it as the locale has it, in that of C as ASCII.
ifneq (,$(filter C POSIX,$(LC_ALL)))
export LC_ALL := C.UTF-8
endif
# The first Python 3.10-3.13 on this machine.
first_python = $(shell for p in $(1); do \
	"$$p" -E -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' 2>/dev/null && echo "$$p" && break; done)
ifdef PYTHON
$(if $(call first_python,$(PYTHON)),,$(error PYTHON=$(PYTHON) is no Python 3.10 to 3.13: give the path of one, or leave PYTHON out))
else
PYTHON := $(call first_python,python3 python3.13 python3.12 python3.11 python3.10 $(VENV)/bin/python)
endif
quoted = '$(subst ','\'',$(1))'
given = $(strip $(foreach name,$(1),$(if $($(name)),$(name)=$(call quoted,$($(name))))))
# A Python that was updated or removed, a folder that was moved, or a copy of one, which would run the original.
IS_OURS := import os, tinyproof; print(os.path.samefile(os.path.dirname(tinyproof.__file__), "tinyproof"))
$(if $(wildcard $(VENV)/base),$(if $(filter True,$(shell LC_ALL=$(LC_ALL) $(VENV)/bin/python -I -c '$(IS_OURS)' 2>/dev/null)),,$(error \
	$(VENV) was made by another Python or in another folder: remove it (rm -r $(VENV)) and run make again)))
ASKED := $(BOARD)
# Which folder (DIR) and BOARD these settings mean, and what that board needs: tinyproof/make.py says, from its tables.
$(foreach fact,$(if $(PYTHON),$(shell $(PYTHON) -E -m tinyproof.make $(call given,$(SETTINGS)))),$(eval $(fact)))
$(if $(PYTHON),$(if $(DIR),,$(error `$(PYTHON) -m tinyproof.make` said nothing; what it says elsewhere is above)))
GIVEN = $(call given,$(filter-out MODEL,$(SETTINGS)))
RUN := $(VENV)/bin/tinyproof
FOLDER = $(call quoted,$(DIR))
# The goals, whose settings the first stage checks before anything takes long.
export TINYPROOF_BY_MAKE := $(or $(MAKECMDGOALS),help)
# All stages of a run have its folder together (tinyproof/claim.py): the run is the make that was typed.
ifndef TINYPROOF_OWNER
export TINYPROOF_OWNER := $(shell echo $$PPID)
endif
# The usual model, whatever settings are for.
USUAL := DATASET= PRESET= SEED= MODEL= TFLITE= KERAS=

.DEFAULT_GOAL := help
.NOTPARALLEL:
TARGETS := help setup tools train export build validate demo report prove prove-all prove-kernels play explore notebook predict emulate hello profile bisect describe flash sketch doctor bench figures fuzz-device fuzz-link fuzz-models fuzz-files docs test lint lock clean screenshots search
.PHONY: $(TARGETS)
# Before anything is made: the second word of `make validate BOARD= host` is a target, too.
$(foreach goal,$(filter-out $(TARGETS) $(VENV)/%,$(MAKECMDGOALS)),$(error there is no target $(goal); `make` alone lists \
	them$(foreach name,$(filter %=,$(MAKEOVERRIDES)),, and $(name) has its value without a space)))

#: Start here
help: ## this list
	@echo "tinyproof: from a Keras model to a microcontroller, with proof that the chip computes the same bits"
	@awk -F ':.*## ' '/^#: / { print "\n" substr($$0, 4) } /^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' \
		$(MAKEFILE_LIST)
	@echo
	@echo "Settings, as in \`make validate BOARD=host LIMIT=100\`"
	@echo "  what to train    DATASET=$(USUAL_DATASET) PRESET=$(USUAL_PRESET) EPOCHS SEED AUGMENT SIZE=96x64 COLOR=1 OVERWRITE=1 TENSORBOARD=folder"
	@echo "  or which model   MODEL=a folder's name in build/, TFLITE=file, KERAS=file CALIBRATION=folder PIXELS=0..1 REMEDY=equalize ACCEPT_LOSS=1"
	@echo "  where it runs    BOARD=$(BOARD) (README.md lists them) PORT BAUD DEVICES=2 ENGINE=tflm or compiled"
	@echo "                   OPTIMIZE=small, balanced or fast; COMPILER=system or zig"
	@echo "  validate         LIMIT RESUME=1 SURE=1 PATIENCE=60 JUNIT=file.xml THROTTLE=115200 INJECT=7"
	@echo "  play             LIVE=1 with BOARD or PORT behind the page, DREAMS=0"
	@echo "  explore, predict IMAGE FILTER WEIGHT STRIDE PADDING CLASSES SIZE=full"
	@echo "  sketch           PAGE=https://..., the address of an Arduino library that is published"
	@echo "  search, bisect   TRIALS MILLISECONDS STORAGE; SAMPLE"
	@echo "  fuzz-...         SECONDS COUNT SEED"
	@echo "  everywhere       PYTHON=/path/to/python3"

demo: validate ## everything on this machine, from training to the verdict of the emulated chip

doctor: $(VENV)/base ## what is installed, which boards are plugged in, and what to do
	@$(RUN) doctor

#: From data to the verdict

train: $(VENV)/train $(if $(TENSORBOARD),$(VENV)/tensorboard) ## train PRESET on DATASET
	@$(RUN) train --out $(FOLDER) $(GIVEN)

search: $(VENV)/train ## look for the network that suits DATASET and BOARD best; `make train PRESET=searched` trains it
	@$(RUN) search $(GIVEN)

# A model of its own instead of DATASET and PRESET is not trained here.
export: $(if $(MODEL)$(TFLITE)$(KERAS),$(if $(KERAS),$(VENV)/train,$(VENV)/base),train) ## quantize to int8 and write the C sources
	@$(RUN) export --model $(FOLDER) $(GIVEN)

build: tools export ## compile the firmware for BOARD
	@$(RUN) build --model $(FOLDER) $(GIVEN)

# What a run on BOARD or PORT takes: an image only where one is built and run on this machine.
READY := tools $(if $(HAS_IMAGE),build,export)

validate: $(READY) ## every test image through BOARD (or PORT), byte by byte against the golden
	@$(RUN) validate --model $(FOLDER) $(GIVEN)

report: $(VENV)/base ## report.html of the last validation again, from its report.json
	@$(RUN) report --model $(FOLDER)

prove: export ## that the exported C gives the golden's bytes for every input: certificate.json (docs/proof.md)
	@$(RUN) prove --model $(FOLDER) $(GIVEN)

#: Look inside

play: $(if $(LIVE),$(READY),export) $(VENV)/portable ## a page that answers while you draw: the engine in the browser, filters to edit (docs/play.md)
	@$(RUN) play --model $(FOLDER) $(GIVEN)

# Needs neither TensorFlow nor Keras, not even for MODEL's filters and feature maps.
explore: $(if $(filter none,$(BOARD)),$(VENV)/base,tools) $(if $(ON_CABLE),$(VENV)/boards) ## what a convolution does: IMAGE, FILTER, BOARD (or none), MODEL (docs/lab.md)
	@$(if $(MODEL),$(if $(wildcard $(DIR)/model.tflite),,$(if $(wildcard $(DIR)/model.keras),$(MAKE) --no-print-directory export $(call given,MODEL) BOARD=)))
	@$(RUN) explore $(if $(MODEL),--model $(FOLDER)) $(GIVEN)

notebook: export $(VENV)/notebook ## docs/lab.ipynb in JupyterLab, with MODEL in it: a copy that is yours to change
	@$(RUN) notebook --model $(FOLDER) $(GIVEN)

predict: $(READY) ## what IMAGE (a picture, a folder, an .npy) is taken for: float, int8 in Python, BOARD (or PORT)
	@$(RUN) predict --model $(FOLDER) $(GIVEN)

describe: $(if $(TFLITE),$(VENV)/base,export) ## what is in TFLITE or the model: ops, inputs, outputs, arena
	@$(RUN) describe --tflite $(call quoted,$(or $(TFLITE),$(DIR)/model.tflite))

profile: $(READY) ## what every op costs on BOARD (or PORT)
	@$(RUN) profile --model $(FOLDER) $(GIVEN)

bisect: $(READY) ## the first op of SAMPLE=0 whose output is not the golden's
	@$(RUN) bisect --model $(FOLDER) $(GIVEN)

hello: $(READY) ## what the device says about itself
	@$(RUN) hello --model $(FOLDER) $(GIVEN)

# Without a BOARD of its own choice the device is Python's interpreter, which needs no compiler.
emulate: $(if $(ASKED),$(READY),export) ## a device on a pseudo-terminal; prints its port
	@$(RUN) emulate --model $(FOLDER) $(call given,$(if $(ASKED),BOARD))

#: A board on a cable

# Refuses a board of another kind before anything is made for it.
.on-cable:
	@$(if $(OTHERS_ON_CABLE),echo "Error: board $(BOARD) is not on a USB cable; those that are: $(OTHERS_ON_CABLE)" >&2; exit 2)

.to-flash:
	@$(if $(OTHERS_TO_FLASH),echo "Error: board $(BOARD) is not on a USB cable; those that are: $(OTHERS_TO_FLASH)" >&2; exit 2)

flash: .to-flash $(if $(ON_CABLE),,$(VENV)/base $(if $(FROM_PYPI),$(VENV)/portable)) export $(VENV)/boards ## build for a real BOARD, upload, and hear from it (docs/boards.md)
	@$(RUN) flash --model $(FOLDER) $(GIVEN)

sketch: .on-cable export ## for a real BOARD: a library for the Arduino IDE with examples, or a project for ESP-IDF
	@$(RUN) sketch --model $(FOLDER) $(GIVEN)

#: This project itself

setup: $(VENV)/base ## the virtual environment

tools: $(VENV)/base $(if $(FROM_PYPI),$(VENV)/portable) ## the compiler and emulator of BOARD
	@$(RUN) tools $(GIVEN)

# Without a compiler or an emulator its tests are skipped.
test: lint ## the test suite
	@$(RUN) tools --if-possible
	@$(MAKE) --no-print-directory export $(USUAL)
	@$(VENV)/bin/python -m pytest -q -n 2 --dist worksteal tests

lint: $(VENV)/test ## ruff, mypy, and which package may import which
	@$(VENV)/bin/ruff check --quiet .
	@$(VENV)/bin/ruff format --quiet --check .
	@$(VENV)/bin/python tests/installed.py build/installed
	@$(VENV)/bin/mypy

bench: .to-bench $(VENV)/train $(VENV)/portable ## cost of inference, both compilers, speed of pipeline and link: build/bench.json; or on BOARD
	@$(RUN) tools $(or $(ASKED:%=--board %),--compiler system --board qemu --board qemu-uart --board host --board pico --board qemu-riscv32)
	@$(MAKE) --no-print-directory export $(USUAL) BOARD=
	@$(MAKE) --no-print-directory export $(USUAL) BOARD= PRESET=course
	@$(RUN) bench $(ASKED:%=--board %)

.to-bench:
	@$(if $(and $(ASKED),$(ON_CABLE)),echo "Error: board $(BOARD) does not run on this machine: make profile measures one model on it" >&2; exit 2)

figures: $(VENV)/train $(VENV)/portable ## measure again what README.md and docs/performance.md show, and write it there
	@$(RUN) tools --board qemu --board pico --board qemu-riscv32 --compiler system
	@$(MAKE) --no-print-directory export $(USUAL)
	@$(MAKE) --no-print-directory export $(USUAL) PRESET=course
	@$(RUN) bench --docs

fuzz-device: $(VENV)/base ## malformed requests against the firmware under sanitizers: SECONDS=60, COUNT=10000000 more
	@$(RUN) fuzz-device $(GIVEN)

fuzz-link: $(VENV)/train ## streams over bad lines: COUNT=200 schedules of faults from SEED=0 on (docs/link.md)
	@$(MAKE) --no-print-directory build $(USUAL) BOARD=host
	@$(RUN) fuzz-link $(call given,COUNT SEED)

fuzz-models: $(VENV)/train $(VENV)/test ## random Keras models, emitted C against TFLM: COUNT=500 of them from SEED=0 on
	@PYTHONPATH=tests $(VENV)/bin/python tests/random_models.py --count $(or $(COUNT),500) --seed $(or $(SEED),0)

fuzz-files: $(VENV)/train $(VENV)/test ## damaged .keras, .h5, .tflite, .npy, zip and picture files: COUNT=500 of each from SEED=0 on
	@$(MAKE) --no-print-directory export $(USUAL)
	@PYTHONPATH=tests $(VENV)/bin/python tests/test_fuzz_files.py $(or $(COUNT),500) $(or $(SEED),0)

prove-all: ## prove for both presets and every model of build/ that is exported
	@$(MAKE) --no-print-directory prove $(USUAL)
	@$(MAKE) --no-print-directory prove $(USUAL) PRESET=course
	@for model in build/*/model.tflite; do $(RUN) prove --model "$$(dirname "$$model")" || [ $$? = 1 ] || exit 2; done

prove-kernels: $(VENV)/test ## that no kernel does anything undefined, for all inputs of small layers (needs Frama-C): COUNT=20 calls of each
	@PYTHONPATH=tests $(VENV)/bin/python tests/prove_kernels.py $(if $(COUNT),--count $(COUNT))

docs: $(VENV)/base ## the generated parts of README.md and docs/
	@$(RUN) docs

screenshots: tools $(VENV)/test ## the pictures of docs/images, from reports of runs made for them (needs Chromium)
	@$(MAKE) --no-print-directory export $(USUAL)
	@$(RUN) screenshots

lock: ## pin every version again (needs uv)
	uv pip compile --universal --python-version 3.10 --all-extras --no-annotate --no-header -q pyproject.toml -o requirements.lock

clean: ## remove everything generated, keep the virtual environment
	rm -rf build

# ---- environments: the base, and what is added to it: TensorFlow for training and quantizing, PlatformIO, ...

INSTALL = $(VENV)/bin/python -m pip install -q --disable-pip-version-check -c requirements.lock -e

$(VENV)/base: pyproject.toml requirements.lock
	@$(if $(PYTHON),,echo "Python 3.10 to 3.13 is needed: install one, or name it: make PYTHON=/path/to/python3" >&2; exit 2)
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "$(PYTHON) has no venv module: on Debian or Ubuntu run sudo apt-get install python3-venv" >&2; exit 2; }
	@echo "Creating $(VENV) with the pinned versions of requirements.lock (about 0.2 GB)"
	@test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	@$(INSTALL) .
	@touch $@

ADDS_train := TensorFlow, for training and quantizing only (about 2 GB)
ADDS_portable := a C compiler, a CPU emulator and Node.js from PyPI (about 0.6 GB)
ADDS_boards := PlatformIO and stm32loader, which upload to real boards
ADDS_tensorboard := TensorBoard
ADDS_notebook := JupyterLab
ADDS_test := the test tools

$(VENV)/tensorboard: $(VENV)/train
$(VENV)/test: $(VENV)/train $(VENV)/boards $(VENV)/portable $(VENV)/tensorboard $(VENV)/notebook
$(VENV)/train $(VENV)/portable $(VENV)/boards $(VENV)/tensorboard $(VENV)/notebook $(VENV)/test: $(VENV)/base
	@echo "Adding $(ADDS_$(@F))"
	@$(INSTALL) '.[$(@F)]'
	@touch $@
