# The two commands of a newcomer are `make lab` and `make test`; everything they need they install (tools/setup).
# Paths are relative to the clone, so that it may live in a folder whose name has spaces.
SHELL := /bin/sh
.DEFAULT_GOAL := help
# An explicit file is read even when the clone is writable for others; Ansible would skip it otherwise.
export ANSIBLE_CONFIG := ansible.cfg

rehearsal := inventory/rehearsal
play := .venv/bin/ansible-playbook -i $(rehearsal) --vault-id rehearsal@$(rehearsal)/vault-password
gates := .venv/bin/python tests/gates.py

.PHONY: help
help: ## Show the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | while IFS='	' read -r name text; do \
		printf '  make %-12s %s\n' "$$name" "$$text"; done

.PHONY: lab
lab: ## Build and start the rehearsal of the whole lab on this machine (ARGS='--tags network -v' is handed on)
	@tools/setup lab
	@$(play) site.yml $(ARGS)

.PHONY: lab-status
lab-status: ## Show what runs, without changing anything
	@tools/setup lab
	@$(play) playbooks/rehearsal_status.yml $(ARGS)

.PHONY: lab-down
lab-down: ## Stop the rehearsal; its data stays
	@tools/setup lab
	@$(play) playbooks/rehearsal_down.yml $(ARGS)

.PHONY: clean
clean: ## Stop the rehearsal, remove its state, .venv and what tests left (the servers' cache stays)
	@if [ -d $(rehearsal)/.state ]; then tools/setup lab && $(play) playbooks/rehearsal_down.yml; fi
	@rm -rf $(rehearsal)/.state .venv .ansible .cache .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist \
		tests/output
	@echo "The servers' cache stays for other clones: $${XDG_CACHE_HOME:-$$HOME/.cache}/url-shortener-sre-lab"

.PHONY: test
test: ## Run every test that needs no root
	@tools/setup test
	@$(gates) lint unit artifact servers walks molecule py312

.PHONY: test-root
test-root: ## Run the tests that need root
	@tools/setup test
	@$(gates) root

.PHONY: walks
walks: ## Run the long randomized walks (SEED=n replays, WALK_STEPS=n shortens)
	@tools/setup test
	@WALKS=whole $(gates) walks

.PHONY: lint unit molecule
lint unit molecule: ## Run one group of the tests
	@tools/setup test
	@$(gates) $@

.PHONY: bench
bench: lab ## Run the benchmarks on the running rehearsal; each case prints one JSON line
	@tools/setup test
	@for benchmark in benchmarks/*.py; do .venv/bin/python "$$benchmark" || exit 1; done
