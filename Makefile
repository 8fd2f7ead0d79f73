# Verbs of DLCS. `make` alone lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
DATA ?= dlcs-data
IMAGES ?=
BENCH ?=
CARGO := cargo
FUZZ_SECONDS ?= 60

# Where pages with known text are.
FIXTURES ?= ../shared/fixtures/pages

.PHONY: help setup assets build run dev test check fmt clippy doc bless bench bench-images ocr-quality torture journey fuzz clean-data

help: ## list the verbs
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: ## install what building, running and testing need (apt, npm, pip)
	@scripts/setup.sh

assets: portal/dist/view.html ## fetch the viewers' files from npm into portal/dist

portal/dist/view.html: portal/package-lock.json portal/assets.mjs $(wildcard portal/pages/*)
	cd portal && npm ci --no-audit --no-fund --loglevel=error && node assets.mjs

build: assets ## build the program into target/release/dlcs
	$(CARGO) build --release --locked -p dlcs-server

run: ## build, start, register images (IMAGES=path… or samples), print the addresses
	@scripts/setup.sh --run
	@$(MAKE) --no-print-directory build
	@DATA='$(DATA)' IMAGES='$(IMAGES)' scripts/run.sh

dev: ## check that everything compiles, unoptimised and without linking
	$(CARGO) check --workspace --all-targets

test: ## run every test
	@scripts/setup.sh
	@$(MAKE) --no-print-directory assets
	@scripts/stage.sh test $(CARGO) test --release --locked --workspace --features conformance

check: ## all that CI does after setup: fmt, clippy, doc, test
	@$(MAKE) --no-print-directory assets
	@scripts/stage.sh fmt $(MAKE) --no-print-directory fmt
	@scripts/stage.sh clippy $(MAKE) --no-print-directory clippy
	@scripts/stage.sh doc $(MAKE) --no-print-directory doc
	@scripts/stage.sh test $(CARGO) test --release --locked --workspace --features conformance
	@scripts/stage.sh --summary

fmt:
	@if $(CARGO) fmt --version >/dev/null 2>&1; then $(CARGO) fmt --all -- --check; \
	else echo "SKIPPED: rustfmt is not installed"; fi

clippy:
	@if $(CARGO) clippy --version >/dev/null 2>&1; then \
	$(CARGO) clippy --release --locked --workspace --all-targets --features conformance -- -D warnings; \
	else echo "SKIPPED: clippy is not installed"; fi

doc:
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --release --locked --workspace --no-deps --features conformance --quiet

bless: ## accept the new form of every snapshot
	INSTA_UPDATE=always DLCS_BLESS=1 $(CARGO) test --release --locked --workspace --features conformance

bench: build ## measure, with a peer in the same run (BENCH='--only appends'); writes docs/benchmarks
	@scripts/setup.sh --bench
	$(CARGO) build --release --locked -p dlcs-adapter-tantivy --example search_figures
	$(CARGO) build --release --locked -p dlcs-adapter-elasticsearch --features conformance \
	  --example search_beside_highlighter
	cd bench && $(CARGO) build --release --locked --workspace
	cd bench/peers/postgres-es && $(CARGO) build --release --locked --target-dir ../../target
	cd bench && target/release/dlcs-bench --out ../docs/benchmarks $(BENCH)

bench-images: build ## measure image delivery alone, beside IIPImage and nginx; writes docs/benchmarks
	@scripts/setup.sh --bench
	cd bench && $(CARGO) build --release --locked -p dlcs-bench
	cd bench && target/release/dlcs-bench --out ../docs/benchmarks --only images $(BENCH)

ocr-quality: build ## errors of recognition beside the tesseract program's, by the same models (FIXTURES=folder)
	@$(CARGO) run --quiet --release --locked -p dlcs-adapter-tesseract --example ocr_quality -- target/release/dlcs '$(FIXTURES)'

torture: ## long forms of the fault tests, seeds and figures printed; about an hour
	DLCS_TORTURE=long DLCS_SIM_SEEDS=20000 $(CARGO) test --release --locked --workspace --features conformance \
	  --test suite -- --nocapture --test-threads 1 torture:: processes:: simulation:: failpoints:: disk:: \
	  network:: clocks:: stopping:: rebuilds:: fidelity::
	DLCS_TORTURE=long DLCS_TEST_STORES=postgres $(CARGO) test --release --locked --workspace \
	  --features conformance --test suite -- --nocapture --test-threads 1 torture:: stopping:: rebuilds:: clocks::
	DLCS_TORTURE=long $(CARGO) test --release --locked -p dlcs-adapter-postgres --features conformance --lib -- \
	  --nocapture --test-threads 1 log::tests::processes

journey: ## the journey of a book through everything, on embedded stores, then on PostgreSQL and Elasticsearch
	$(CARGO) test --release --locked --workspace --features conformance --test suite -- --nocapture journey::
	DLCS_TEST_STORES=postgres DLCS_TEST_SEARCH=elasticsearch $(CARGO) test --release --locked --workspace \
	  --features conformance --test suite -- --nocapture journey::

fuzz: ## feed the parsers of foreign bytes with what breaks them, FUZZ_SECONDS (60) for each
	@scripts/fuzz.sh $(FUZZ_SECONDS)

clean-data: ## forget everything that `make run` stored
	rm -rf '$(DATA)'
