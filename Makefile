# tinyproof: the order of the stages. Each stage is a command of its own (`python -m training|export|firmware|host`) and
# meets the others through files below build/<model>/, so a second run redoes only what changed.

VENV := .venv
DATASET ?= digits
PRESET  ?= small
AUGMENT ?=
# What compiles for a board; where it is not installed, the compiler from PyPI does. COMPILER=system or zig chooses.
CC_host         := cc
CC_qemu         := arm-none-eabi-gcc
CC_qemu-uart    := arm-none-eabi-gcc
CC_qemu-riscv32 := riscv64-unknown-elf-gcc
# The emulated Cortex-M4F: the Arm compiler and QEMU where both are installed, else compiler and CPU from PyPI.
BOARD   ?= $(if $(and $(shell command -v $(CC_qemu)),$(shell command -v qemu-system-arm)),qemu,unicorn)
COMPILER ?=
EPOCHS  ?=
SEED    ?=
SIZE    ?=
COLOR   ?=
LIMIT   ?=
BAUD    ?=
THROTTLE ?=
INJECT  ?=
SECONDS ?=
COUNT   ?=
PORT    ?=
DEVICES ?=
RESUME  ?=
SURE    ?=
PATIENCE ?=
JUNIT   ?=
TFLITE  ?=
KERAS   ?=
CALIBRATION ?=
PIXELS  ?=
MODEL   ?=
ENGINE  ?=
OPTIMIZE ?=
TENSORBOARD ?=
# Of search alone.
TRIALS  ?=
STORAGE ?=
MILLISECONDS ?=
# Of bisect alone.
SAMPLE  ?=
# Of explore alone.
IMAGE   ?=
FILTER  ?=
WEIGHT  ?=
STRIDE  ?=
PADDING ?=
CLASSES ?=

# A slip of the finger would otherwise be a run with the defaults, and make takes a path with a space for two.
KNOWN := $(shell sed -n 's/^\([A-Z]*\) *?=.*/\1/p' $(firstword $(MAKEFILE_LIST))) VENV TINYPROOF_DATA
GIVEN := $(foreach word,$(MAKEOVERRIDES),$(if $(findstring =,$(word)),$(firstword $(subst =, ,$(word)))))
$(foreach name,$(filter-out $(KNOWN),$(GIVEN)),$(error there is no setting $(name); `make` alone lists them))
$(foreach name,DATASET MODEL TFLITE KERAS CALIBRATION TENSORBOARD JUNIT,$(if $(word 2,$($(name))),$(error \
	$(name)=$($(name)) has a space, which make cannot take in a path: rename it, or use $(VENV)/bin/tinyproof)))

# Which model folder: an existing one by name, one made from a given .tflite or .keras, or one trained from DATASET and
# PRESET.
ifneq ($(MODEL),)
NAME := $(MODEL)
else ifneq ($(TFLITE),)
NAME := $(basename $(notdir $(TFLITE)))
else ifneq ($(KERAS),)
NAME := $(basename $(notdir $(KERAS)))
else
NAME := $(patsubst %.zip,%,$(notdir $(patsubst %/,%,$(DATASET))))_$(PRESET)
endif
DIR := build/$(NAME)

# The first Python 3.10-3.13 on this machine.
PYTHON ?= $(firstword $(foreach p,python3 python3.13 python3.12 python3.11 python3.10,$(shell \
	$(p) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' 2>/dev/null && echo $(p))))
RUN  := $(VENV)/bin/python -m
INSTALL := $(RUN) pip install -q --disable-pip-version-check -c requirements.lock -e

TRAINING_SOURCES := $(wildcard training/*.py)
EXPORT_SOURCES   := $(wildcard export/*.py export/*/*.py)
FIRMWARE_SOURCES := $(shell find firmware -name '*.[ch]' -o -name '*.ld') $(wildcard firmware/*.py) host/protocol.py host/protocol_c.py
# Boards on a USB cable: PlatformIO builds for them, and there is no image here.
REAL  := nano33ble esp32 esp32s3 esp32c3
CHOOSE := $(if $(COMPILER),--compiler $(COMPILER))
# Not empty where the compiler from PyPI is taken.
ZIG   := $(or $(filter zig,$(COMPILER)),$(filter unicorn,$(BOARD)),$(if $(and $(if $(COMPILER),,free),$(CC_$(BOARD))),$(if \
	$(shell command -v $(CC_$(BOARD))),,missing)))
ELF   := $(if $(PORT)$(filter interpreter $(REAL),$(BOARD)),,$(DIR)/$(BOARD)/firmware.elf)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup tools train export build validate demo report explore emulate hello profile bisect describe flash sketch doctor bench fuzz-device fuzz-link fuzz-models docs test lint lock clean screenshots search FORCE

#: Start here
help: ## this list
	@echo "tinyproof: from a Keras model to a microcontroller, with proof that the chip computes the same bits"
	@awk -F ':.*## ' '/^#: / { print "\n" substr($$0, 4) } /^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' \
		$(MAKEFILE_LIST)
	@echo
	@echo "Settings, as in \`make validate BOARD=host LIMIT=100\`"
	@echo "  what to train    DATASET=$(DATASET) PRESET=$(PRESET) EPOCHS SEED AUGMENT SIZE=96x64 COLOR=1 TENSORBOARD=folder"
	@echo "  or which model   MODEL=a folder's name in build/, TFLITE=file, KERAS=file CALIBRATION=folder PIXELS=0..1"
	@echo "  where it runs    BOARD=$(BOARD) (README.md lists them) PORT BAUD DEVICES=2 ENGINE=tflm or compiled"
	@echo "                   OPTIMIZE=small, balanced or fast; COMPILER=system or zig"
	@echo "  validate         LIMIT RESUME=1 SURE=1 PATIENCE=60 JUNIT=file.xml THROTTLE=115200 INJECT=7"
	@echo "  explore          IMAGE FILTER WEIGHT STRIDE PADDING CLASSES"
	@echo "  search, bisect   TRIALS MILLISECONDS STORAGE; SAMPLE"
	@echo "  fuzz-...         SECONDS COUNT SEED"
	@echo "  everywhere       PYTHON=/path/to/python3"

FOR_BOARD := --board $(BOARD) $(if $(ENGINE),--engine $(ENGINE))
SPENDING  := $(if $(OPTIMIZE),--optimize $(OPTIMIZE))

demo: validate ## everything on this machine, from training to the verdict of the emulated chip

doctor: $(VENV)/base ## what is installed, which boards are plugged in, and what to do
	@$(RUN) host doctor

#: From data to the verdict

train: $(DIR)/training.json ## train PRESET on DATASET

search: | $(VENV)/train ## look for the network that suits DATASET and BOARD best; `make train PRESET=searched` trains it
	@$(RUN) training.search --dataset $(DATASET) --board $(BOARD) $(if $(TRIALS),--trials $(TRIALS)) \
		$(if $(STORAGE),--storage "$(STORAGE)") $(if $(SIZE),--size $(SIZE)) $(if $(COLOR),--color) \
		$(if $(MILLISECONDS),--milliseconds $(MILLISECONDS)) $(if $(SEED),--seed $(SEED))

export: $(DIR)/model.json ## quantize to int8 and write the C sources

build: tools $(DIR)/model.json $(ELF) ## compile the firmware for BOARD
	@$(if $(ELF),,$(RUN) firmware build --model $(DIR) --board $(BOARD) $(CHOOSE))

validate: tools $(DIR)/model.json $(ELF) ## every test image through BOARD (or PORT), byte by byte against the golden
	@$(RUN) host validate --model $(DIR) --board $(BOARD) $(foreach port,$(PORT),--port $(port)) \
		$(if $(BAUD),--baud $(BAUD)) $(if $(LIMIT),--limit $(LIMIT)) $(if $(DEVICES),--devices $(DEVICES)) \
		$(if $(RESUME),--resume) $(if $(SURE),--sure) $(if $(JUNIT),--junit $(JUNIT)) \
		$(if $(PATIENCE),--patience $(PATIENCE)) \
		$(if $(THROTTLE),--throttle $(THROTTLE)) $(if $(INJECT),--inject $(INJECT))

report: $(VENV)/base ## report.html of the last validation again, from its report.json
	@$(RUN) host report --model $(DIR)

#: Look inside

# Needs neither TensorFlow nor Keras, not even for MODEL's filters and feature maps.
explore: $(if $(filter none,$(BOARD)),$(VENV)/base,tools) $(if $(filter $(REAL),$(BOARD)),$(VENV)/boards) ## what a convolution does: IMAGE, FILTER, BOARD (or none), MODEL (docs/lab.md)
	@$(RUN) training.lab --board $(BOARD) $(CHOOSE) $(if $(PORT),--port $(PORT)) $(if $(IMAGE),--image '$(IMAGE)') \
		$(if $(FILTER),--filter '$(FILTER)') $(if $(WEIGHT),--weight $(WEIGHT)) $(if $(STRIDE),--stride $(STRIDE)) \
		$(if $(PADDING),--padding $(PADDING)) $(if $(MODEL),--model '$(MODEL)') $(if $(CLASSES),--classes '$(CLASSES)')

describe: $(VENV)/base $(or $(TFLITE),$(DIR)/model.tflite) ## what is in TFLITE or the model: ops, inputs, outputs, arena
	@$(RUN) export describe --tflite $(or $(TFLITE),$(DIR)/model.tflite)

profile: tools $(DIR)/model.json $(ELF) ## what every op costs on BOARD (or PORT)
	@$(RUN) host profile --model $(DIR) --board $(BOARD) $(if $(PORT),--port $(PORT))

bisect: tools $(DIR)/model.json $(ELF) ## the first op of SAMPLE=0 whose output is not the golden's
	@$(RUN) host bisect --model $(DIR) --board $(BOARD) $(if $(PORT),--port $(PORT)) $(if $(SAMPLE),--sample $(SAMPLE))

hello: tools $(DIR)/model.json $(ELF) ## what the device says about itself
	@$(RUN) host hello --model $(DIR) --board $(BOARD) $(if $(PORT),--port $(PORT))

# Without a BOARD of its own choice the device is Python's interpreter, which needs no compiler.
EMULATED := $(if $(filter command environment,$(firstword $(origin BOARD))),$(BOARD),interpreter)
emulate: $(DIR)/model.json $(if $(filter interpreter,$(EMULATED)),,build) ## a device on a pseudo-terminal; prints its port
	@$(RUN) host emulate --model $(DIR) --board $(EMULATED)

#: A board on a cable

flash: $(DIR)/model.json | $(VENV)/boards ## build for a real BOARD, upload, and hear from it (docs/boards.md)
	@$(RUN) host flash --model $(DIR) $(FOR_BOARD) $(if $(PORT),--port $(PORT))

sketch: $(DIR)/model.json ## the firmware of a real BOARD as a folder for the Arduino IDE or ESP-IDF
	@$(RUN) firmware sketch --model $(DIR) $(FOR_BOARD)

#: This project itself

setup: $(VENV)/base ## the virtual environment

tools: $(VENV)/base $(if $(ZIG),$(VENV)/portable) ## the compiler and emulator of BOARD
	@$(RUN) firmware tools --board $(BOARD) $(CHOOSE)

# Without a compiler or an emulator its tests are skipped.
test: lint ## the test suite
	@$(RUN) firmware tools --if-possible
	@$(MAKE) --no-print-directory export DATASET=digits PRESET=small
	@$(RUN) pytest -q -n 2 --dist loadfile tests

lint: $(VENV)/test ## ruff and mypy
	@$(RUN) ruff check --quiet .
	@$(RUN) ruff format --quiet --check .
	@$(RUN) mypy

bench: $(VENV)/train $(VENV)/portable ## the figures of the docs: cost of inference, speed of the pipeline
	@$(RUN) firmware tools --board qemu --board qemu-uart --board host --compiler system
	@$(MAKE) --no-print-directory export DATASET=digits PRESET=small
	@$(MAKE) --no-print-directory export DATASET=digits PRESET=course
	@$(RUN) host.bench

fuzz-device: $(VENV)/base ## malformed requests against the firmware under sanitizers, for SECONDS=60
	@$(RUN) firmware fuzz $(if $(SECONDS),--seconds $(SECONDS))

fuzz-link: $(VENV)/train ## streams over bad lines: COUNT=200 schedules of faults from SEED=0 on (docs/link.md)
	@$(MAKE) --no-print-directory build DATASET=digits PRESET=small BOARD=host SEED=
	@$(RUN) host.line.fuzz $(if $(COUNT),--count $(COUNT)) $(if $(SEED),--seed $(SEED))

fuzz-models: $(VENV)/train $(VENV)/test ## random Keras models, emitted C against TFLM: COUNT=500 of them from SEED=0 on
	@PYTHONPATH=. $(VENV)/bin/python tests/random_models.py --count $(or $(COUNT),500) --seed $(or $(SEED),0)

docs: $(VENV)/base ## the generated pages of docs/
	@$(RUN) host.protocol_docs

screenshots: tools $(VENV)/base ## the pictures of docs/images, from reports of runs made for them (needs Chromium)
	@$(MAKE) --no-print-directory export DATASET=digits PRESET=small
	@$(RUN) host.report.screenshots

lock: ## pin every version again (needs uv)
	uv pip compile --universal --python-version 3.10 --all-extras --no-annotate --no-header -q pyproject.toml -o requirements.lock

clean: ## remove everything generated, keep the virtual environment
	rm -rf build

# ---- environments: the base, TensorFlow on top for training and quantizing, the test tools on top of both

$(VENV)/base: pyproject.toml requirements.lock
	@$(if $(PYTHON),,echo "Python 3.10 to 3.13 is needed: install one, or name it: make PYTHON=/path/to/python3"; exit 2)
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "$(PYTHON) has no venv module: on Debian or Ubuntu run sudo apt-get install python3-venv"; exit 2; }
	@echo "Creating $(VENV) with the pinned versions of requirements.lock (about 0.2 GB)"
	@test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	@$(INSTALL) .
	@touch $@

$(VENV)/train: $(VENV)/base
	@echo "Adding TensorFlow, for training and quantizing only (about 2 GB)"
	@$(INSTALL) '.[train]'
	@touch $@

$(VENV)/test: $(VENV)/train $(VENV)/boards $(VENV)/portable $(VENV)/tensorboard
	@echo "Adding the test tools"
	@$(INSTALL) '.[test]'
	@touch $@

$(VENV)/portable: $(VENV)/base
	@echo "Adding a C compiler and a CPU emulator from PyPI (about 0.4 GB)"
	@$(INSTALL) '.[portable]'
	@touch $@

$(VENV)/boards: $(VENV)/base
	@echo "Adding PlatformIO, which builds and uploads for real boards"
	@$(INSTALL) '.[boards]'
	@touch $@

$(VENV)/tensorboard: $(VENV)/train
	@echo "Adding TensorBoard"
	@$(INSTALL) '.[tensorboard]'
	@touch $@

# ---- the stages

# The recipe of a file of settings: written anew only when they changed, so that what was made with others is made again.
define REMEMBER
@mkdir -p $(@D)
@echo '$(1)' | cmp -s - $@ || echo '$(1)' > $@
endef

ifeq ($(MODEL),)
ifeq ($(TFLITE),)
ifeq ($(KERAS),)
# A changed data folder counts, too.
SETTINGS := $(DATASET) $(PRESET) $(AUGMENT) $(EPOCHS) $(SEED) $(SIZE) $(COLOR) $(shell ls -lRL $(DATASET) 2>/dev/null | cksum) \
	$(if $(filter searched,$(PRESET)),$(shell cksum build/search/$(DATASET)/chosen.json 2>/dev/null))
SETTINGS_FILE := build/.settings/$(NAME)
$(SETTINGS_FILE): FORCE
	$(call REMEMBER,$(SETTINGS))

$(DIR)/training.json: $(SETTINGS_FILE) $(TRAINING_SOURCES) | $(VENV)/train $(if $(TENSORBOARD),$(VENV)/tensorboard)
	@$(RUN) training --dataset $(DATASET) --preset $(PRESET) --out $(DIR) $(if $(EPOCHS),--epochs $(EPOCHS)) \
		$(if $(SEED),--seed $(SEED)) $(if $(SIZE),--size $(SIZE)) $(if $(COLOR),--color) --board $(BOARD) $(SPENDING) \
		$(if $(AUGMENT),--augment $(AUGMENT)) $(if $(TENSORBOARD),--tensorboard $(TENSORBOARD))

$(DIR)/model.tflite: $(DIR)/training.json export/quantize.py
	@$(RUN) export quantize --model $(DIR)
endif
endif
endif

ifneq ($(KERAS),)
$(KERAS):
	@echo "Error: $@ does not exist; give the path of a .keras file" >&2; exit 2

KERAS_SETTINGS := build/.settings/$(NAME)
$(KERAS_SETTINGS): FORCE
	$(call REMEMBER,$(KERAS) $(CALIBRATION) $(PIXELS))

$(DIR)/model.tflite: $(KERAS) export/quantize.py export/calibration.py $(KERAS_SETTINGS) | $(VENV)/train
	@$(RUN) export quantize --keras $(KERAS) --model $(DIR) $(if $(CALIBRATION),--calibration $(CALIBRATION)) \
		$(if $(PIXELS),--pixels $(PIXELS))
endif

ifneq ($(MODEL),)
$(DIR)/model.tflite:
	@echo "Error: there is no $@; models here: $(patsubst build/%/model.tflite,%,$(wildcard build/*/model.tflite))" >&2; exit 2
endif

EXPORT_SETTINGS := build/.settings/$(NAME).export
$(EXPORT_SETTINGS): FORCE
	$(call REMEMBER,$(OPTIMIZE) $(ENGINE))

ifneq ($(TFLITE),)
$(TFLITE):
	@echo "Error: $@ does not exist; give the path of a .tflite file" >&2; exit 2

$(DIR)/model.json: $(TFLITE) $(EXPORT_SOURCES) $(EXPORT_SETTINGS) | $(VENV)/base
	@$(RUN) export emit --tflite $(TFLITE) --model $(DIR) $(FOR_BOARD) $(SPENDING)
else
$(DIR)/model.json: $(DIR)/model.tflite $(EXPORT_SOURCES) $(EXPORT_SETTINGS) | $(VENV)/base
	@$(RUN) export emit --model $(DIR) $(FOR_BOARD) $(SPENDING)
endif

# What another compiler made is made again.
BY_ANOTHER := $(if $(CC_$(BOARD)),$(shell \
	grep -qs '"compiler": "$(if $(ZIG),ziglang cc,$(CC_$(BOARD)))"' $(DIR)/$(BOARD)/sizes.json || echo FORCE))
$(DIR)/%/firmware.elf: $(DIR)/model.json $(FIRMWARE_SOURCES) $(BY_ANOTHER) | tools
	@$(RUN) firmware build --board $* --model $(DIR) $(CHOOSE)
