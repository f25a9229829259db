.DEFAULT_GOAL := help
.PHONY: help setup browser prometheus plane demo test lint check bench docs release down clean

PYTHON := .venv/bin/python
KUBE_HA := .venv/bin/kube-ha
# With this variable, each of the many commands that tests run would compile its imports again.
unexport PYTHONDONTWRITEBYTECODE

help: ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1\t\2/' | expand -t 10

setup: ## install system packages, uv and the Python environment
	@./setup.sh

demo: setup ## boot three hosts on this machine, deploy to them, show the report
	@$(KUBE_HA) lab up -i inventory
	@$(PYTHON) runbooks/deploy.py -i inventory
	@printf '%s\n' '' \
	  'The lab is up: three Debian hosts, and a control plane at https://192.0.2.10:8443 that stays.' '' \
	  '  . .venv/bin/activate' \
	  '  python runbooks/verify.py --filter role=backup' \
	  '  kube-ha lab ssh lb-1                        look around on a host' \
	  '  kube-ha lab exec -- curl -sk https://192.0.2.10:8443/readyz' \
	  '  kube-ha deploy --dry-run --diff             from any folder' \
	  '  kube-ha init my-cluster                     an inventory for hosts of your own' \
	  '  kube-ha lab down                            take everything down again'

browser: setup # only the tests need a browser
	@./setup.sh browser

prometheus: setup # its programs, without a server that runs
	@./setup.sh prometheus

plane: setup # programs of a real control plane, built once per machine
	@$(PYTHON) -m nornir_kube_ha.lab.images.programs

MEASURED := $(addprefix tests/lab/test_,$(addsuffix .py,faults failover under_load control_plane ipv6 releases whole_way_by_sudo))

test: browser prometheus plane ## all tests; those in tests/lab boot labs of their own
	@$(PYTHON) -m pytest --numprocesses 3 --dist loadscope --no-loadscope-reorder $(addprefix --ignore ,$(MEASURED)) # tests of the lab first: they take longest
	@$(PYTHON) -m pytest --numprocesses 2 --dist loadscope $(MEASURED) # alone: they measure outages

test-unit: ## tests in tests/unit but the slow ones: no root, no lab, about a minute
	@uv sync --locked --quiet
	@$(PYTHON) -m pytest --numprocesses 3 -m 'not slow' tests/unit # some wait: three keep two cores busy

SHELLCHECKS := check-set-e-suppressed,deprecate-which,avoid-nullary-conditions,avoid-negated-conditions,useless-use-of-cat

FORMS := .github/ISSUE_TEMPLATE

lint: setup ## ruff, mypy strict, shellcheck, prose, spelling, CI's own files
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@git ls-files '*.sh' .ci/run | xargs .venv/bin/shellcheck --shell=sh --enable=$(SHELLCHECKS)
	@$(PYTHON) -m docs.prose
	@.venv/bin/codespell
	@.venv/bin/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	@.venv/bin/check-jsonschema --quiet --builtin-schema vendor.github-issue-forms $(filter-out %/config.yml,$(wildcard $(FORMS)/*.yml))
	@.venv/bin/check-jsonschema --quiet --builtin-schema vendor.github-issue-config $(FORMS)/config.yml

check: lint test ## lint, then test: what must pass before a change lands

bench: setup ## time the same job by kube-ha, Ansible, pyinfra, the guide and the floor; writes docs/performance.md
	@$(PYTHON) -m benchmarks.bench

docs: setup ## regenerate the pages made from the code, and build the site, site/index.html
	@$(PYTHON) -m docs.reference
	@NO_MKDOCS_2_WARNING=1 $(PYTHON) -m mkdocs build --strict # not --quiet: --strict would then count no warnings

release: setup ## build sdist and wheel into dist/ and check them; uploads and tags nothing
	@rm -rf dist
	@uv build --quiet --sdist --wheel --out-dir dist
	@KUBE_HA_DIST=dist $(PYTHON) -m pytest --quiet tests/packaging/test_wheel.py
	@printf '%s\n' '' 'Built and checked:' && ls -1 dist/nornir_kube_ha-*
	@printf '%s\n' '' 'Next, by hand:' \
	  '  1. CHANGELOG.md: "Unreleased" becomes the version and its date; pyproject.toml has the same version' \
	  '  2. KUBE_HA_UPDATE_GOLDEN=1 $(PYTHON) -m pytest tests/unit/test_stable.py   what is promised from now on' \
	  '  3. make check on a clean clone, commit, make release again' \
	  '  4. git tag --sign vVERSION, then push the tag' \
	  '  5. .venv/bin/twine upload dist/*'

down: ## take the demo's lab down
	@$(KUBE_HA) lab down --lab demo

clean: ## remove Python environments, build results and caches
	@rm -rf .venv .venv-bench site .mypy_cache .pytest_cache .ruff_cache dist
