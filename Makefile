GOLANGCI  := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
WITHDB    := go run ./proof/cmd/withdb --
# SQLite is Go code here, which the race detector makes fourteen times as slow: it
# looks for races in ours alone. Nothing is inlined there (-l), for else the linker
# may take a copy of sync's functions that the detector does not see.
RACE      := -race '-gcflags=modernc.org/...=-race=false -l'
FUZZTIME  ?= 30s
KILLS     ?= 50
GRACE     ?= 1s
ORDERS    ?= 10000
SEQUENCES ?= 2000
in_modules = set -e; for dir in $$(go list -m -f '{{.Dir}}'); do echo "$$dir: $(1)"; (cd "$$dir" && $(1)); done

.PHONY: help test lint fuzz orders crash chaos e2e bench tidy

help: ## Show this help
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "make %-6s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

test: ## Test every module on every database, with the race detector but for the plans of queries
	$(WITHDB) go test $(RACE) -count=1 -timeout 60m work
	$(WITHDB) go test -count=1 -run '^TestPlansUseIndexes$$' ./proof/conformance

lint: ## Vet and lint every module, formatting and import rules included
	go vet work
	@$(call in_modules,go run $(GOLANGCI) run --config $(CURDIR)/.golangci.yml)

fuzz: ## Run each fuzz target for FUZZTIME=30s
	@.ci/fuzz $(FUZZTIME)

orders: ## Play SEQUENCES=2000 of orders that change on every database, and compare with a model
	$(WITHDB) go run ./proof/cmd/orders -sequences $(SEQUENCES)

crash: ## Kill senders and shops KILLS=50 times, and count what was lost
	go run ./proof/cmd/crash -kills $(KILLS) -grace $(GRACE)

chaos: ## Sell ORDERS=10000 to sandboxes that fail, and count what was lost or doubled
	go run ./proof/cmd/chaos -orders $(ORDERS)

e2e: ## Play the store's story and the sandboxes' page in headless Chromium, and count what must not be
	go run ./proof/cmd/e2e

bench: ## Print what the outbox costs, as ratios within one run
	$(WITHDB) go run ./proof/cmd/ratios

tidy: ## Check that every go.mod and go.sum is tidy; changes nothing
	@$(call in_modules,GOWORK=off go mod tidy -diff)
