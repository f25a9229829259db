.DEFAULT_GOAL := help
.PHONY: help setup browser plane demo test test-unit lint check clean-runs failover-report failover-long failover-guide failover-killed deploy-killed deploy-twice deploy-loaded strangers deploy-interrupted generated-inventories truncated-files lossy many-clusters idle-clients matrix release-upgrade bench fleet docs down clean

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

plane: setup # programs of a real control plane, built once per machine
	@$(PYTHON) -m nornir_kube_ha.lab.programs

MEASURED := $(addprefix tests/lab/test_,$(addsuffix .py,faults failover under_load control_plane ipv6 releases whole_way_by_sudo))

test: browser plane ## all tests; those in tests/lab boot labs of their own
	@$(PYTHON) -m pytest --numprocesses 3 --dist loadscope --no-loadscope-reorder $(addprefix --ignore ,$(MEASURED)) # tests of the lab first: they take longest
	@$(PYTHON) -m pytest --numprocesses 2 --dist loadscope $(MEASURED) # alone: they measure outages

test-unit: ## tests in tests/unit but the slow ones: no root, no lab, about a minute
	@uv sync --locked --quiet
	@$(PYTHON) -m pytest --numprocesses 3 -m 'not slow' tests/unit # some wait: three keep two cores busy

SHELLCHECKS := check-set-e-suppressed,deprecate-which,avoid-nullary-conditions,avoid-negated-conditions,useless-use-of-cat

lint: setup ## ruff, mypy strict, shellcheck
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@git ls-files '*.sh' .ci/run | xargs .venv/bin/shellcheck --shell=sh --enable=$(SHELLCHECKS)

check: lint test ## lint, then test: what must pass before a change lands

RUNS ?= 200
strangers: TIMES = 50
strangers: setup ## verify and deploy beside a foreign router with the cluster's VRID and an advert every 3 s, 50 times (TIMES=N); writes docs/measured.md
	@$(PYTHON) -m campaigns.strangers --times $(TIMES)

clean-runs: setup ## verify a healthy cluster 200 times (RUNS=N) and count false alarms; writes docs/measured.md
	@$(PYTHON) -m campaigns.clean_runs --runs $(RUNS)

REPEAT ?= 100
LABS ?= 2
SETTINGS ?= ours
FAULTS ?= *
failover-report: setup ## inject every fault 100 times (REPEAT=N FAULTS='haproxy-*' LABS=N SETTINGS=fast|real HOLD=25s); writes docs/failover.md
	@$(PYTHON) -m campaigns.failover --repeat $(REPEAT) --labs $(LABS) --settings $(SETTINGS) --fault '$(FAULTS)' $(addprefix --hold ,$(HOLD))

failover-long: REPEAT = 20
failover-long: LABS = 7
failover-long: setup ## inject faults of ten minutes, 20 times (REPEAT=N LABS=N); writes docs/failover.md
	@$(PYTHON) -m campaigns.failover --hold 10m --rate 5 --connections 2 --repeat $(REPEAT) --labs $(LABS) --fault apiservers-gone --fault vrrp-loss

failover-guide: setup ## compare the guide's settings with ours, fault by fault (LABS=N); writes docs/failover.md
	@$(PYTHON) -m campaigns.failover_guide --labs $(LABS)

failover-killed: REPEAT = 20
failover-killed: setup ## kill the controller during each fault, 20 times (REPEAT=N LABS=N); writes docs/failover.md
	@$(PYTHON) -m campaigns.killed_controller --repeat $(REPEAT) --labs $(LABS)

KILLS ?= 200
deploy-killed: setup ## kill the controller at 200 points of a deploy (KILLS=N LABS=N); writes docs/measured.md
	@$(PYTHON) -m campaigns.killed_deploy --kills $(KILLS) --labs $(LABS)

TIMES ?= 20
deploy-twice: setup ## start two deploys of the same hosts at once, 20 times (TIMES=N); writes docs/measured.md
	@$(PYTHON) -m campaigns.two_controllers --times $(TIMES)

deploy-loaded: setup ## deploy 20 times in a row under load (TIMES=N); writes docs/measured.md
	@$(PYTHON) -m campaigns.loaded_deploys --times $(TIMES)

HOSTS ?= 30
deploy-interrupted: setup ## interrupt a deploy while 30 hosts wait for their turn (HOSTS=N); writes docs/measured.md
	@$(PYTHON) -m campaigns.interrupted_deploy --hosts $(HOSTS)

EXAMPLES ?= 10000
JUDGED ?= 1000
generated-inventories: setup ## generate 10000 inventories (EXAMPLES=N), have daemons validate the files of 1000 (JUDGED=N); writes docs/measured.md
	@$(PYTHON) -m campaigns.generated_inventories --examples $(EXAMPLES) --judged $(JUDGED)

truncated-files: setup ## truncate each rendered file at every byte and stage it; writes docs/measured.md
	@$(PYTHON) -m campaigns.truncated_files

lossy: TIMES = 5
lossy: setup ## verify and deploy over a network with packet loss or latency, 5 times (TIMES=N); writes docs/measured.md
	@$(PYTHON) -m campaigns.lossy --times $(TIMES)

CLUSTERS ?= 20
many-clusters: setup ## deploy and verify 20 clusters of three nodes, one of them broken (CLUSTERS=N); writes docs/measured.md
	@$(PYTHON) -m campaigns.many_clusters --clusters $(CLUSTERS)

CONNECTIONS ?= 10000
idle-clients: TIMES = 3
idle-clients: setup ## power off the VIP holder under 10,000 idle connections, 3 times (CONNECTIONS=N TIMES=N); writes docs/measured.md
	@$(PYTHON) -m campaigns.idle_clients --connections $(CONNECTIONS) --times $(TIMES)

matrix: REPEAT = 10
matrix: setup ## from deploy to remove on every release and on mixed clusters, faults 10 times (REPEAT=N ONLY=NAME); writes docs/matrix.md
	@$(PYTHON) -m campaigns.matrix --repeat $(REPEAT) $(if $(ONLY),--only '$(ONLY)')

release-upgrade: setup ## upgrade a cluster to the next Debian release's packages, under load; writes docs/matrix.md
	@$(PYTHON) -m campaigns.release_upgrade

bench: HOSTS = 3 30 100
bench: REPEAT = 5
bench: FORKS = 6
bench: WHO = *
bench: JOBS = no-op verify changed fresh
bench: setup ## time the same job by kube-ha, Ansible, pyinfra, the guide and the floor (HOSTS='3 30' REPEAT=N JOBS=no-op FORKS=N WHO='floor* ours*'); writes docs/performance.md
	@$(PYTHON) -m benchmarks.bench --hosts $(HOSTS) --repeat $(REPEAT) --jobs $(JOBS) --forks $(FORKS) --who $(foreach each,$(WHO),'$(each)')

FLEET := 30 100 300 999
fleet: REPEAT = 5
fleet: setup ## measure what many hosts cost the controller (FLEET='30 100' REPEAT=N), with one SSH server on the loopback; writes docs/performance.md
	@$(PYTHON) -m benchmarks.fleet --hosts $(FLEET) --repeat $(REPEAT)

docs: setup ## regenerate the pages made from the code, and build the site, site/index.html
	@$(PYTHON) -m docs.reference
	@NO_MKDOCS_2_WARNING=1 $(PYTHON) -m mkdocs build --strict # not --quiet: --strict would then count no warnings

down: ## take the demo's lab down
	@$(KUBE_HA) lab down --lab demo

clean: ## remove Python environments, build results and caches
	@rm -rf .venv .venv-bench site .mypy_cache .pytest_cache .ruff_cache dist
