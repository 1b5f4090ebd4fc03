# SPDX-License-Identifier: Apache-2.0
# The words of the house; each is a thin line to a script or a preset. `make` alone lists them.
SHELL := /bin/bash
PRESET ?= dev
JOBS ?= 2
.DEFAULT_GOAL := help
.PHONY: help build demo test check format bench evidence layers clean

help: ## list these words
	@if [ -t 1 ]; then on=$$'\e[1;36m'; off=$$'\e[0m'; fi; \
	sed -n 's/^\([a-z]*\):.*## \(.*\)/\1\t\2/p' Makefile | while IFS=$$'\t' read -r word text; do \
	  printf '  %smake %-9s%s %s\n' "$$on" "$$word" "$$off" "$$text"; done

build: ## install what is missing, build everything (PRESET=dev, release, asan, tsan, fuzz, coverage)
	@tools/setup build
	@tools/build $(PRESET) $(JOBS)

demo: ## a Python and a Node function under a policy, in real Lambda runtime clients
	@tools/setup demo
	@tools/build dev $(JOBS) product
	@examples/demo/run

test: ## build and run every test; closes with `N passed, N failed` (SUITES="core python" for some)
	@tools/setup test
	@tools/build dev $(JOBS)
	@tools/run_tests $(SUITES)

check: ## include rules, formatting, lint
	@tools/setup check
	@tools/format --check

format: ## format C++, Python and JavaScript in place
	@tools/setup check
	@tools/format

bench: ## what the product costs, against plain, with the budgets beside it
	@tools/setup bench
	@tools/build release $(JOBS)
	@tests/bench/run --build build/release

evidence: ## the long suites: sanitizers, fuzzing, every channel, soak
	@tools/setup evidence
	@tools/evidence $(JOBS)

layers: ## the zips that ship
	@[ -x layers/build ] || { echo "make layers: the zips are not built yet; build/dev/stage holds what will be in them (make build)"; exit 1; }
	@tools/setup build
	@layers/build

clean: ## remove what was built; keep build/cache (downloads, static libraries)
	@find build -mindepth 1 -maxdepth 1 ! -name cache -exec rm -rf {} + 2>/dev/null || true
