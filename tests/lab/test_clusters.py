"""Several clusters in one inventory: what is wrong with one is told of that one, and stops that one.

A short pass of `python -m campaigns many-clusters`.
"""

from collections.abc import Iterator

import pytest
from rig.clusters import BREAK, MEND, QUIET, add_clusters, names_of, red_clusters
from rig.lab import Lab, copy_inventory
from tests.support.labs import PROCESS

CLUSTERS, NODES = 3, 2
BROKEN, ILL = "c1", "lb-4"  # its backup, which is the first to change


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Three clusters of two."""
    lab = copy_inventory(f"three{PROCESS}", tmp_path_factory.mktemp("clusters") / "inventory")
    add_clusters(lab, names_of(CLUSTERS, NODES), NODES)
    for key, value in QUIET.items():
        lab.set(key, value)
    lab.up("--installed")
    completed = lab.deploy("--output", "json")
    completed.must_be_green()
    yield lab
    lab.down()


def test_problem_is_reported_for_its_own_host(lab: Lab) -> None:
    lab.run(ILL, "systemctl stop haproxy")
    try:
        completed = lab.runbook("verify", "--output", "json")
    finally:
        lab.run(ILL, "systemctl start haproxy")
    assert (completed.status, red_clusters(completed)) == (1, {BROKEN})


def test_a_change_that_fails_in_one_stops_there_and_goes_on_in_the_others(lab: Lab) -> None:
    lab.await_healthy()
    lab.set("haproxy.balance", "source")
    lab.run(ILL, BREAK)
    try:
        completed = lab.deploy("--output", "json")
    finally:
        lab.run(ILL, MEND)
    hosts = completed.report["hosts"]
    assert (completed.status, red_clusters(completed)) == (1, {BROKEN}), completed.stdout
    assert {host["cluster"] for host in hosts.values() if host["changed"]} == {"demo", "c1", "c2"}
    assert [name for name, host in hosts.items() if not host["changed"]] == ["lb-3"]
    assert hosts["lb-3"]["checks"][0]["seen"].startswith("left as it was: ")
    assert "restoring its previous files failed as well" in hosts[ILL]["error"]["message"]
    again = lab.deploy("--output", "json")
    again.must_be_green()
    assert [name for name, host in again.report["hosts"].items() if host["changed"]] == ["lb-3", ILL]


def test_clusters_change_beside_each_other(lab: Lab) -> None:
    lab.set("haproxy.balance", "roundrobin")
    completed = lab.deploy()
    waves = [line.removeprefix("changing ") for line in completed.stderr.splitlines() if line.startswith("changing ")]
    assert waves == ["lb-2, lb-4, lb-6", "lb-1, lb-3, lb-5"]
