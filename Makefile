# `make` alone lists what there is. What takes more than a line is in scripts/, which run without make too.

.DEFAULT_GOAL := help

# The venv's programs come first: cargo-lambda is one of them, and it finds its linker, zig, as `python3 -m ziglang`.
VENV := PATH="$(CURDIR)/.venv/bin:$$PATH"
# The functions: a folder, a package and a binary of one name each. The other binary, `lake`, is no function.
FUNCTIONS := $(patsubst functions/%/Cargo.toml,%,$(wildcard functions/*/Cargo.toml))
ARCH ?= arm64
TARGET := $(or $(CARGO_TARGET_DIR),target)
# sam reports its use over the network unless told not to.
export SAM_CLI_TELEMETRY := 0

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^##: / { printf "\n%s\n", substr($$0, 5) } /^[a-z%-]+:.*## / { printf "  %-9s %s\n", $$1, $$2 }' Makefile

##: try it

.PHONY: run
run: ## Build `lake`, bring the samples into ./lake-out and show what they tell; needs Rust only
	@scripts/run

.PHONY: clean
clean: ## Remove ./lake-out, which `make run` makes
	rm -rf lake-out

##: develop

.PHONY: setup
setup: ## Install what the tests and the local Lambda need into ./.venv
	@scripts/setup

.PHONY: test
test: setup ## Run every test: Rust, then what crosses crates and tools
	@echo "== Rust: unit and command-line tests of every crate, AWS edges included"
	cargo test --workspace --all-features
	@mkdir -p $(TARGET)/with-clients && cp $(TARGET)/debug/lake $(TARGET)/with-clients/lake
	@echo "== Simulation: the whole road with everything going wrong, 10,000 seeds"
	cargo test --release --package shared --test simulation
	@echo "== Python: template, function under a local Lambda, readers of the Parquet files"
	$(VENV) LAKE_WITH_CLIENTS="$(abspath $(TARGET))/with-clients/lake" .venv/bin/python -m pytest tests \
		--numprocesses 2 --dist loadfile --no-loadscope-reorder

.PHONY: soak
soak: setup ## Kill the function and `lake` at every call they make, for 200 rounds (ROUNDS=1000), and count the records; then 1 GB in one file
	$(VENV) LEDGER_ROUNDS=$(or $(ROUNDS),200) .venv/bin/python -m pytest tests/test_ledger.py -k storm
	$(VENV) KILL_ROUNDS=$(or $(ROUNDS),200) .venv/bin/python -m pytest tests/test_killed_ingest.py
	cargo build --release --package lake
	$(VENV) GIGABYTE=1 LAKE="$(abspath $(TARGET))/release/lake" .venv/bin/python -m pytest \
		tests/test_robustness.py -k "gigabyte or many-mb"

.PHONY: fuzz
fuzz: ## Give every fuzz target 600 seconds, or one of them (TARGET=waf SECONDS=60); needs a nightly compiler
	@scripts/fuzz "$(TARGET)" "$(or $(SECONDS),600)"

.PHONY: lint
lint: setup ## Check format, lints, licences and sources of dependencies, the template
	@scripts/setup-lint
	cargo fmt --all --check
	cargo fmt --manifest-path fuzz/Cargo.toml --check
	cargo clippy --workspace --all-targets --all-features -- -D warnings
	cargo clippy --package lake --all-targets -- -D warnings
	.tools/bin/cargo-deny --all-features check --hide-inclusion-graph licenses bans sources
	.venv/bin/cfn-lint template.yaml
	.venv/bin/sam validate --lint --template template.yaml --region us-east-1
	.venv/bin/python scripts/check_template.py

.PHONY: fmt
fmt: ## Format the Rust code
	cargo fmt --all
	cargo fmt --manifest-path fuzz/Cargo.toml

.PHONY: doc
doc: ## Build the API documentation; a broken link is an error
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --all-features --no-deps

.PHONY: watch
watch: setup ## Run a function locally, with S3 and Glue on loopback, and rebuild it on change (FUNCTION=vpc-flow)
	@$(VENV) .venv/bin/python scripts/watch.py $(FUNCTION)

invoke-%: ## Send events/%.json to the function of `make watch`: make invoke-cloudtrail-s3
	@$(VENV) scripts/invoke $*

.PHONY: bench
bench: setup ## Measure `lake ingest` on one core for every source, beside DuckDB on the same files (FUNCTION=waf: only that)
	@$(VENV) .venv/bin/python scripts/bench.py $(FUNCTION)

##: deploy and operate

.PHONY: operator
operator: ## Build `lake` with the AWS clients, for --stack: target/release/lake
	cargo build --release -p lake --features aws

# --skip-target-check: cargo-lambda would install a missing Rust target by itself; scripts/check-target says what to do.
.PHONY: build
build: setup ## Build the functions for Lambda into target/lambda (ARCH=arm64 or x86_64)
	@scripts/check-target $(ARCH)
	$(VENV) cargo lambda build --release --$(subst _,-,$(ARCH)) --skip-target-check --lambda-dir target/lambda \
		$(FUNCTIONS:%=--package %)

.PHONY: deploy
deploy: setup ## Deploy what `make build` built; the first time SAM asks for the parameters
	@$(VENV) scripts/deploy $(FUNCTIONS)
