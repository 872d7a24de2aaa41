# SPDX-License-Identifier: Apache-2.0
# The short way in. The build itself is CMake's: `cmake --workflow --preset dev` does without this file.
.DEFAULT_GOAL := help
.PHONY: help deps configure build demo test corpus badinput sanitize bench lint fuzz clean

PROGRAM := build/release/bin/faultline

help: ## This list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/\1\t\2/p' Makefile | while IFS='	' read -r name what; do \
	  printf '  make %-9s %s\n' "$$name" "$$what"; done

deps: ## Install what deploy/apt-packages.txt names and is missing (FAULTLINE_SKIP_DEPS=1: leave the system alone)
	@sh tools/deps.sh deploy/apt-packages.txt

configure: deps
	@cmake --preset release >/dev/null

build: configure ## Build the program, hardened and optimised: build/release/bin/faultline
	@cmake --build --preset release --target faultline

demo: build ## Play a bundled incident through an in-process Kafka; shows the alerts with cause and remedy
	@$(PROGRAM) demo

test: configure ## Build and run all tests, those on a real Apache Kafka too; says what was left out
	@cmake --build --preset release
	@sh tools/run_tests.sh release

corpus: configure ## All rules on every event of the public corpora beside the reference (make test asks it for each tenth)
	@cmake --build --preset release --target windows_corpus_test
	@FAULTLINE_EVERY=1 FAULTLINE_REQUIRE_DATA=1 build/release/tests/windows_corpus_test

badinput: configure ## What hostile input does to correlations, in full: ten million keys (make test runs fewer)
	@cmake --build --preset release --target bad_input_test
	@FAULTLINE_KEYS=10000000 build/release/tests/bad_input_test

sanitize: deps ## Unit and property tests under ASan with UBSan, then under TSan
	@cmake --preset asan >/dev/null && cmake --build --preset asan && sh tools/run_tests.sh asan
	@cmake --preset tsan >/dev/null && cmake --build --preset tsan && sh tools/run_tests.sh tsan

bench: configure ## The targets of speed and what this machine reaches (bench/README.md is the protocol)
	@cmake --build --preset release
	@python3 bench/run.py build/release

lint: deps ## clang-format and clang-tidy over what changed since origin/main (LINT_ALL=1: over everything)
	@cmake --preset clang >/dev/null
	@sh tools/lint.sh build/clang

fuzz: deps ## Run each libFuzzer program for FUZZ_SECONDS (60); findings are named and kept in build/fuzz/fuzz
	@cmake --preset fuzz >/dev/null && cmake --build --preset fuzz
	@sh tests/fuzz/run.sh build/fuzz

clean: ## Remove everything that was built
	rm -rf build
