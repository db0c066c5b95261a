# Two commands matter: `make demo` and `make test`. `make help` lists the rest.
SHELL := /bin/bash
.DEFAULT_GOAL := help

# What the demonstration needs, and what the tests need beside it to check us with other programs.
DEMO_PACKAGES := gcc libc6-dev softhsm2
TEST_PACKAGES := $(DEMO_PACKAGES) opensc xmlsec1 libxml2-utils poppler-utils qpdf openssl \
                 zbar-tools sqlite3 chromium fonts-noto-core libengine-gost-openssl libssl-dev libxml2-dev \
                 python3-venv

ALG ?= rsa
ONCE ?=

.PHONY: help demo test test-aws-lc interop large lint bench bench-peers differential clean test-packages

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /make \1\t/' | expand -t 20

demo: ## Run the main job end to end on SoftHSM and SQLite (ONCE=1 stops afterwards, ALG=rsa|p256|gost)
	@scripts/install.sh $(DEMO_PACKAGES)
	cargo build --profile quick --bin qoltanba
	target=$${CARGO_TARGET_DIR:-target}; "$$target/quick/qoltanba" demo --dir var/demo --algorithm $(ALG) $(if $(ONCE),--once)

test: test-packages lint ## Formatting, clippy, and every test
	@test -d "$${QOLTANBA_CORPORA:-../shared/corpora}" || \
	  echo "skipped: tests over public test data, because QOLTANBA_CORPORA names no folder"
	cargo test

test-aws-lc: ## The parts that check signature values, with aws-lc-rs in ring's place (builds C, some minutes)
	@scripts/install.sh gcc libc6-dev softhsm2 openssl xmlsec1
	cargo clippy --all-targets --features aws-lc-rs -- -D warnings
	cargo test --features aws-lc-rs --lib -- crypto x509 cms xml::dsig xml::sign
	cargo test --features aws-lc-rs --test conformance_wycheproof --test conformance_x509 --test seams

large: ## Verify documents of 200 MB and show the memory it takes
	QOLTANBA_LARGE_MB=200 cargo test --profile quick --test large -- --nocapture --test-threads=1
	cargo test --profile quick --test pdf_attacks memory:: -- --nocapture

test-packages:
	@scripts/install.sh $(TEST_PACKAGES)

interop: test-packages ## Signatures of other programs verify here, and ours there
	@scripts/interop.sh
	@scripts/interop-pdf.sh

differential: ## Canonical XML against libxml2 over ROUNDS × 100 000 random documents
	@scripts/install.sh gcc libc6-dev libxml2-dev
	QOLTANBA_ROUNDS=$(or $(ROUNDS),10) cargo test --profile quick --lib xml::c14n::differential -- --nocapture

lint: ## Formatting and clippy, warnings are errors
	@scripts/install.sh gcc libc6-dev
	cargo fmt --all -- --check
	cargo clippy --all-targets -- -D warnings

bench-peers: ## The same signed licences with our program and with others
	@scripts/install.sh $(DEMO_PACKAGES)
	benches/peers/run.sh

bench: ## Benchmarks in process, then the load run against the HTTP endpoint
	@scripts/install.sh $(DEMO_PACKAGES)
	cargo bench

clean: ## Remove what was built and every run's data
	cargo clean
	rm -rf var
