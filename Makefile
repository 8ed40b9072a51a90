# tinyproof: the order of the stages. Each stage is a command of its own (`python -m training|export|firmware|host`) and
# meets the others through files below build/<model>/, so a second run redoes only what changed.

DATASET ?= digits
PRESET  ?= small
AUGMENT ?=
# The emulated Cortex-M4F: the Arm compiler and QEMU where both are installed, else compiler and CPU from PyPI.
BOARD   ?= $(if $(and $(shell command -v arm-none-eabi-gcc),$(shell command -v qemu-system-arm)),qemu,unicorn)
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
# Of explore alone.
IMAGE   ?=
FILTER  ?=
WEIGHT  ?=
STRIDE  ?=
PADDING ?=
CLASSES ?=

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
VENV := .venv
RUN  := $(VENV)/bin/python -m
INSTALL := $(RUN) pip install -q --disable-pip-version-check -c requirements.lock -e

TRAINING_SOURCES := $(wildcard training/*.py)
EXPORT_SOURCES   := $(wildcard export/*.py export/*/*.py)
FIRMWARE_SOURCES := $(shell find firmware -name '*.[ch]' -o -name '*.ld') $(wildcard firmware/*.py) host/protocol.py host/protocol_c.py
# Boards on a USB cable: PlatformIO builds for them, and there is no image here.
REAL  := nano33ble esp32 esp32s3 esp32c3
ELF   := $(if $(PORT)$(filter interpreter $(REAL),$(BOARD)),,$(DIR)/$(BOARD)/firmware.elf)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup tools train export build validate demo report explore emulate hello profile flash sketch doctor bench fuzz-device fuzz-link fuzz-models docs test lint lock clean screenshots search FORCE

help: ## this list
	@echo "tinyproof: from a Keras model to a microcontroller, with proof that the chip computes the same bits"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "Settings: DATASET=$(DATASET) PRESET=$(PRESET) BOARD=$(BOARD) (boards: README.md), also EPOCHS, SEED, SIZE, COLOR,"
	@echo "          AUGMENT, TENSORBOARD; TFLITE=file.tflite or KERAS=file.keras CALIBRATION=images PIXELS=0..1 instead of a"
	@echo "          data set, MODEL=name of a folder in build/, PORT, BAUD, LIMIT, for search TRIALS and STORAGE,"
	@echo "          for validate RESUME=1 after an interruption, DEVICES=2, SURE=1 to stop early, JUNIT=file.xml,"
	@echo "          THROTTLE=115200 and INJECT=seed for a slow and a bad line, SECONDS and COUNT for the fuzzers,"
	@echo "          OPTIMIZE=small, balanced or fast: what memory the compiled engine spends on speed,"
	@echo "          ENGINE=tflm or compiled for flash and sketch; IMAGE, FILTER, WEIGHT, STRIDE, PADDING, CLASSES for explore"

demo: validate ## everything on this machine, from training to the verdict of the emulated chip

setup: $(VENV)/base ## the virtual environment

tools: $(VENV)/base $(if $(filter unicorn,$(BOARD)),$(VENV)/portable) ## the compiler and emulator of BOARD
	@$(RUN) firmware tools --board $(BOARD)

train: $(DIR)/training.json ## train PRESET on DATASET

search: | $(VENV)/train ## look for the network that suits DATASET and BOARD best; `make train PRESET=searched` trains it
	@$(RUN) training.search --dataset $(DATASET) --board $(BOARD) $(if $(TRIALS),--trials $(TRIALS)) \
		$(if $(STORAGE),--storage "$(STORAGE)") $(if $(SIZE),--size $(SIZE)) $(if $(COLOR),--color)

export: $(DIR)/model.json ## quantize to int8 and write the C sources

build: tools $(DIR)/model.json $(ELF) ## compile the firmware for BOARD
	@$(if $(ELF),,$(RUN) firmware build --model $(DIR) --board $(BOARD))

validate: tools $(DIR)/model.json $(ELF) ## every test image through BOARD (or PORT), byte by byte against the golden
	@$(RUN) host validate --model $(DIR) --board $(BOARD) $(foreach port,$(PORT),--port $(port)) \
		$(if $(BAUD),--baud $(BAUD)) $(if $(LIMIT),--limit $(LIMIT)) $(if $(DEVICES),--devices $(DEVICES)) \
		$(if $(RESUME),--resume) $(if $(SURE),--stop-when-sure) $(if $(JUNIT),--junit $(JUNIT)) \
		$(if $(THROTTLE),--throttle $(THROTTLE)) $(if $(INJECT),--inject $(INJECT))

report: $(VENV)/base ## report.html of the last validation again, from its report.json
	@$(RUN) host report $(DIR)

# Needs neither TensorFlow nor Keras, not even for MODEL's filters and feature maps.
explore: $(if $(filter none,$(BOARD)),$(VENV)/base,tools) $(if $(filter $(REAL),$(BOARD)),$(VENV)/boards) ## what a convolution does: IMAGE, FILTER, BOARD (or none), MODEL (docs/lab.md)
	@$(RUN) training.lab --board $(BOARD) $(if $(PORT),--port $(PORT)) $(if $(IMAGE),--image '$(IMAGE)') \
		$(if $(FILTER),--filter '$(FILTER)') $(if $(WEIGHT),--weight $(WEIGHT)) $(if $(STRIDE),--stride $(STRIDE)) \
		$(if $(PADDING),--padding $(PADDING)) $(if $(MODEL),--model '$(MODEL)') $(if $(CLASSES),--classes '$(CLASSES)')

SPENDING  := $(if $(OPTIMIZE),--optimize $(OPTIMIZE))
FOR_BOARD := --board $(BOARD) $(if $(ENGINE),--engine $(ENGINE))

# Without a BOARD of its own choice the device is Python's interpreter, which needs no compiler.
EMULATED := $(if $(filter command environment,$(firstword $(origin BOARD))),$(BOARD),interpreter)
emulate: $(DIR)/model.json $(if $(filter interpreter,$(EMULATED)),,build) ## a device on a pseudo-terminal; prints its port
	@$(RUN) host emulate --model $(DIR) --board $(EMULATED)

hello: tools $(DIR)/model.json $(ELF) ## what the device says about itself
	@$(RUN) host hello --model $(DIR) --board $(BOARD) $(if $(PORT),--port $(PORT))

profile: tools $(DIR)/model.json $(IMAGE) ## what every op costs on BOARD (or PORT)
	@$(RUN) host profile --model $(DIR) --board $(BOARD) $(if $(PORT),--port $(PORT))

flash: $(DIR)/model.json | $(VENV)/boards ## build for a real BOARD, upload, and hear from it (docs/boards.md)
	@$(RUN) host flash --model $(DIR) $(FOR_BOARD) $(if $(PORT),--port $(PORT))

sketch: $(DIR)/model.json ## the firmware of a real BOARD as a folder for the Arduino IDE or ESP-IDF
	@$(RUN) firmware sketch --model $(DIR) $(FOR_BOARD)

doctor: $(VENV)/base ## what is installed, which boards are plugged in, and what to do
	@$(RUN) host doctor

bench: $(VENV)/train $(VENV)/portable ## the figures of the docs: cost of inference, speed of the pipeline
	@$(RUN) firmware tools --board qemu --board qemu-uart --board host
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

test: lint ## the test suite
	@$(RUN) firmware tools
	@$(MAKE) --no-print-directory export DATASET=digits PRESET=small
	@$(RUN) pytest -q -n 2 --dist loadfile tests

lint: $(VENV)/test ## ruff and mypy
	@$(RUN) ruff check --quiet .
	@$(RUN) ruff format --quiet --check .
	@$(RUN) mypy

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

$(VENV)/test: $(VENV)/train $(VENV)/boards $(VENV)/portable
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

# ---- the stages

ifeq ($(MODEL),)
ifeq ($(TFLITE),)
ifeq ($(KERAS),)
# Rewritten only when a setting or the data folder changed: what was trained otherwise is trained again.
SETTINGS := $(DATASET) $(PRESET) $(AUGMENT) $(EPOCHS) $(SEED) $(SIZE) $(COLOR) $(shell ls -lRL $(DATASET) 2>/dev/null | cksum) \
	$(if $(filter searched,$(PRESET)),$(shell cksum build/search/$(DATASET)/chosen.json 2>/dev/null))
SETTINGS_FILE := build/.settings/$(NAME)
$(SETTINGS_FILE): FORCE
	@mkdir -p $(@D)
	@echo '$(SETTINGS)' | cmp -s - $@ || echo '$(SETTINGS)' > $@

$(DIR)/training.json: $(SETTINGS_FILE) $(TRAINING_SOURCES) | $(VENV)/train
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
	@mkdir -p $(@D)
	@echo '$(KERAS) $(CALIBRATION) $(PIXELS)' | cmp -s - $@ || echo '$(KERAS) $(CALIBRATION) $(PIXELS)' > $@

$(DIR)/model.tflite: $(KERAS) export/quantize.py export/calibration.py $(KERAS_SETTINGS) | $(VENV)/train
	@$(RUN) export quantize --keras $(KERAS) --model $(DIR) $(if $(CALIBRATION),--calibration $(CALIBRATION)) \
		$(if $(PIXELS),--pixels $(PIXELS))
endif

ifneq ($(MODEL),)
$(DIR)/model.tflite:
	@echo "Error: there is no $@; models here: $(notdir $(wildcard build/*_*))" >&2; exit 2
endif

# Rewritten only when the setting changed: what was exported otherwise is exported again.
EXPORT_SETTINGS := build/.settings/$(NAME).export
$(EXPORT_SETTINGS): FORCE
	@mkdir -p $(@D)
	@echo '$(OPTIMIZE)' | cmp -s - $@ || echo '$(OPTIMIZE)' > $@

ifneq ($(TFLITE),)
$(TFLITE):
	@echo "Error: $@ does not exist; give the path of a .tflite file" >&2; exit 2

$(DIR)/model.json: $(TFLITE) $(EXPORT_SOURCES) $(EXPORT_SETTINGS) | $(VENV)/base
	@$(RUN) export emit --tflite $(TFLITE) --model $(DIR) $(FOR_BOARD) $(SPENDING)
else
$(DIR)/model.json: $(DIR)/model.tflite $(EXPORT_SOURCES) $(EXPORT_SETTINGS) | $(VENV)/base
	@$(RUN) export emit --model $(DIR) $(FOR_BOARD) $(SPENDING)
endif

$(DIR)/%/firmware.elf: $(DIR)/model.json $(FIRMWARE_SOURCES) | tools
	@$(RUN) firmware build --board $* --model $(DIR)
