"""Hosts whose package manager is dnf, with packages as on Enterprise Linux: from a bare host to a pinned version."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
from rig.lab import BACKUPS, HOSTS, UNITS, Completed, Lab, copy_inventory, on_all
from tests.support.labs import HASTY, PROCESS

pytestmark = pytest.mark.timeout(600)  # an image may have to be built first
HOST = BACKUPS[0]
# Files with their times, and what rpm has; not what dnf notes of a look of its own.
EVERYTHING = """
rpm -qa | sort
find /etc /usr /var/lib -xdev -type f -not -path '/var/lib/dnf/*' -printf '%p %s %m %U %G %T@\\n' | sort
"""
VERSION = "rpm -q --queryformat '%{VERSION}-%{RELEASE}' haproxy"
LOCKED = "sleep 60 >/dev/null 2>&1 & echo $! | tee /var/cache/dnf/metadata_lock.pid"
AWAY = "sed -i s,/srv/pool,/srv/gone, /etc/yum.repos.d/base.repo"
BACK = "sed -i s,/srv/gone,/srv/pool, /etc/yum.repos.d/base.repo"
NEWER = "sed -i s/enabled=0/enabled=1/ /etc/yum.repos.d/newer.repo"


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    lab = copy_inventory(f"dnf{PROCESS}", tmp_path_factory.mktemp("dnf") / "inventory")
    lab.set_for_group("lab_suite", "dnf")
    lab.up()
    yield lab
    lab.down()


@pytest.fixture(scope="module")
def hosts(bare: Lab) -> Lab:
    """The same, deployed to."""
    completed = bare.deploy("--output", "json")
    assert completed.status == 0, completed.stdout + completed.stderr
    assert completed.failed_checks() == {}
    return bare


def words_of(completed: Completed) -> str:
    assert completed.status == 1, completed.stdout + completed.stderr
    message: str = completed.report["hosts"][HOST]["error"]["message"]
    return message


def deployed_in_vain(lab: Lab) -> str:
    return words_of(lab.deploy("--limit", HOST, "--output", "json"))


def test_reasons_why_packages_are_not_installed_are_distinguished(bare: Lab) -> None:
    found = bare.run(HOST, "rpm -qa")
    bare.set("packages.haproxy", "9.9-1", host=HOST)
    missing = deployed_in_vain(bare)
    assert "dnf: no package source has what was asked for:" in missing
    assert "No match for argument: haproxy-9.9-1" in missing
    bare.set("packages", {}, host=HOST)
    bare.run(HOST, AWAY)
    assert "dnf: a package source cannot be read:" in deployed_in_vain(bare)
    bare.run(HOST, BACK)
    holder = bare.run(HOST, LOCKED).strip()
    command = [sys.executable, "-c", HASTY, "-i", str(bare.inventory), "--limit", HOST, "--output", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    bare.run(HOST, f"kill {holder}; rm -f /var/cache/dnf/metadata_lock.pid")
    locked = words_of(Completed(done.returncode, done.stdout, done.stderr))
    assert "dnf: another program has held its lock for 3 s:" in locked
    assert f"already locked by {holder}" in locked
    assert bare.run(HOST, "rpm -qa") == found


def test_second_deploy_changes_nothing(hosts: Lab) -> None:
    before = on_all(hosts, f"{EVERYTHING}\n{UNITS}")
    completed = hosts.deploy("--output", "json")
    assert (completed.status, completed.report["changed"]) == (0, False), completed.stdout
    assert on_all(hosts, f"{EVERYTHING}\n{UNITS}") == before


def test_worker_that_is_locked_in_is_heard_in_the_journal(hosts: Lab) -> None:
    assert hosts.run(HOST, "journalctl --unit haproxy --grep kube-apiserver/ --lines 1 --output cat --no-pager")


def test_versions_go_to_the_newest_and_to_a_pin_and_back_only_if_that_is_allowed(hosts: Lab) -> None:
    old = hosts.run(HOST, VERSION)
    on_all(hosts, NEWER)
    upgraded = hosts.runbook("upgrade", "--output", "json")
    assert (upgraded.status, upgraded.report["changed"]) == (0, True), upgraded.stdout + upgraded.stderr
    newer = on_all(hosts, VERSION)
    assert newer == dict.fromkeys(HOSTS, f"{old}.newer")
    hosts.set("packages.haproxy", old)
    assert hosts.runbook("verify", "--output", "json").red_checks() == {host: ["packages.pinned"] for host in HOSTS}
    refused = words_of(hosts.runbook("upgrade", "--output", "json"))
    assert refused.startswith(f"haproxy {old}.newer is newer than the pinned {old}")
    assert on_all(hosts, VERSION) == newer
    allowed = hosts.runbook("upgrade", "--allow-downgrade", "--output", "json")
    assert allowed.status == 0, allowed.stdout + allowed.stderr
    assert on_all(hosts, VERSION) == dict.fromkeys(HOSTS, old)
    assert allowed.failed_checks() == {}
    again = hosts.runbook("upgrade", "--output", "json")
    assert (again.status, again.report["changed"]) == (0, False)
