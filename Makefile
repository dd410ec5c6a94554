# SPDX-License-Identifier: Apache-2.0
# The targets a person types. Meson and ninja do the building; scripts/ does the installing.
SHELL := /bin/bash
BUILD ?= build
PREFIX ?= /usr/local
SECONDS_FUZZ ?= 600

.PHONY: all build demo check test bench fuzz faults sanitize differential lint install uninstall setup clean

all: build

# What is missing on this machine: Debian packages (sudo if not root), libchdb into the cache.
setup:
	@scripts/setup

build: setup
	@scripts/build $(BUILD)/release
	@ln -sfn release/src/cli/weir $(BUILD)/weir
	@ln -sfn release/src/store/host/weir-store $(BUILD)/weir-store

demo: build
	@scripts/demo $(BUILD)

check: build
	@tests/run check

test: build
	@tests/run test

differential: build
	@tests/run differential

faults: build
	@tests/run faults

fuzz: build
	@tests/run fuzz $(SECONDS_FUZZ)

sanitize: build
	@tests/run sanitize

lint: setup
	@scripts/lint

bench: build
	@bench/run $(BUILD)
	@bench/language $(BUILD)

install: build
	@scripts/install $(BUILD) $(PREFIX)

uninstall:
	@scripts/uninstall $(PREFIX)

clean:
	rm -rf $(BUILD)
