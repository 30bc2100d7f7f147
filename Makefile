# Everything a developer does. `make help` lists it.

SHELL := /bin/bash
.DEFAULT_GOAL := help

functions := $(notdir $(wildcard functions/*))
engine    := infra/local/node_modules/.package-lock.json
readers   := infra/local/x12readers/node_modules/.package-lock.json
corpus    := infra/local/questionnaires/node_modules/.package-lock.json
pdf       := infra/local/pdfreader/node_modules/.package-lock.json
cfn_lint  := $(or $(shell command -v cfn-lint),.build/cfn/bin/cfn-lint)
go_lint   := go tool -modfile=infra/tools/go.mod golangci-lint

# No RPC of Lambda's old runtime, and no HTTP/2: none of the services that are called needs it.
tags := lambda.norpc,nethttpomithttp2

# The engine of a test syncs each write, which takes longer on a disk than the write itself:
# what tests and demos keep for a moment goes to memory, where there is enough of it.
memory := $(shell awk '$$2 == "/dev/shm" && $$4 !~ /noexec/' /proc/mounts 2>/dev/null | grep -q . && df -Pk /dev/shm | awk 'NR == 2 && $$4 > 4000000 { print "/dev/shm" }')
ifndef TMPDIR
test test-fast browser demo demo-money demo-practice: export TMPDIR := $(or $(memory),/tmp)
endif

.PHONY: help setup run seed sweep verify demo demo-money demo-practice bench test test-fast browser fuzz fuzz-routes lint vuln build $(addprefix build-,$(functions)) deploy deploy-check clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(engine) $(readers) $(corpus) $(pdf) ## fetch what running and testing need (Go modules, npm packages)

$(engine) $(readers) $(corpus) $(pdf): %/node_modules/.package-lock.json: %/package.json %/package-lock.json
	npm ci --prefix $* --no-audit --no-fund --loglevel=error
	@touch $@

run: $(engine) ## run the whole system on this machine (EVISIT_ADDR, EVISIT_DATA change where)
	@test -e .build/evisit || echo "fetching Go modules and building evisit: the first time takes some minutes"
	@go build -o .build/evisit ./infra/local/evisit && exec .build/evisit

seed: ## print the standard cast of the running system, with tokens, as JSON
	@go run ./infra/local/evisit seed

sweep: ## run deadline and sweep of the running system once, now
	@go run ./infra/local/evisit sweep

verify: ## compare every row of the running system with the audit logs that cover it
	@go run ./infra/local/evisit verify

demo: $(engine) ## drive a system of its own (or BASE_URL) through every kind of visit, and prove the books
	@go run ./infra/demo

demo-money: $(engine) ## live a practice's month in a system of its own, compare the books with Stripe, and find a difference
	@go run ./infra/demo money

demo-practice: $(engine) ## open a practice in an empty system, from its registration to its first paid visit, and prove what that left
	@go run ./infra/demo practice

bench: $(engine) ## measure pages, a visit's units, starts, logs and many visits beside floors (PARTS="life starts"; LONG=1)
	@go run ./infra/bench $(PARTS)

test: setup ## run all tests, race detector on (LONG=1: two hundred seeds of the money's run instead of ten, and every lost call; SHORT=1: four, and little of the race detector: infra/short.sh)
	$(if $(SHORT),infra/short.sh,go test -race -shuffle=on -timeout 40m ./...)

test-fast: setup ## run all tests without the race detector
	go test ./...

browser: $(engine) $(pdf) ## drive the pages in Chromium (needs Debian's chromium); pictures in .build/screenshots
	npm ci --prefix infra/local/axe --no-audit --no-fund --loglevel=error
	go test -tags browser,$(tags) -timeout 30m ./infra/browser

fuzz: setup ## run every fuzz target for a while (FUZZTIME=20s; SHORT=1 leaves out those that import much of others)
	@infra/fuzz.sh $(or $(FUZZTIME),20s)

fuzz-routes: $(engine) ## ask every route a hundred thousand things, as anyone (FUZZ_REQUESTS, FUZZ_SEED)
	FUZZ_REQUESTS=$(or $(FUZZ_REQUESTS),100000) go test -v -timeout 2h -run Routes ./infra/fuzz

lint: ## run the linters
	$(go_lint) run --allow-serial-runners ./...

vuln: ## look for known vulnerabilities in the modules that are called (asks vuln.go.dev)
	go tool -modfile=infra/tools/go.mod govulncheck ./...

build: $(addprefix build-,$(functions)) ## build every function for Lambda into .build/

$(addprefix build-,$(functions)): build-%:
	GOOS=linux GOARCH=arm64 CGO_ENABLED=0 go build -trimpath -tags $(tags) -ldflags "-s -w" -o .build/$*/bootstrap ./functions/$*

deploy-check: $(cfn_lint) ## prove, without an account, that template, policies, settings and documents are complete
	$(cfn_lint) template.yaml infra/template/firewall.yaml
	@go run ./infra/firstday check

.build/cfn/bin/cfn-lint:
	python3 -m venv .build/cfn && .build/cfn/bin/pip install -q cfn-lint==1.51.0

deploy: build ## deploy with the AWS SAM command line (asks for parameters the first time)
	sam deploy --template-file template.yaml --guided

clean: ## remove what was built and the local data
	rm -rf .build .evisit
