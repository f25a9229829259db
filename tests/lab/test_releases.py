"""One cluster on three releases of Debian, as it is in the middle of an upgrade of the distribution.

A short pass of `python -m campaigns matrix`.
"""

from collections.abc import Iterator

import pytest
from rig.lab import Lab, copy_inventory
from rig.load import load_on
from rig.walking import COUNTED_BY_ALL, versions, walk
from tests.support.labs import PROCESS

RELEASES = {
    "lb-1": ("bullseye", "haproxy 2.2.9, keepalived 2.1.5"),
    "lb-2": ("bookworm", "haproxy 2.6.12, keepalived 2.2.7"),
    "lb-3": ("trixie", "haproxy 3.0.11, keepalived 2.3.3"),
}
WARNED = ("cluster.versions", "cluster.timers")  # that they differ, and that the oldest counts 3 lost adverts


@pytest.fixture
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Three hosts, each of another release, that nothing was deployed to yet."""
    lab = copy_inventory(f"mix{PROCESS}", tmp_path_factory.mktemp("mixed") / "inventory")
    for host, (release, _) in RELEASES.items():
        lab.set("lab_suite", release, host=host)
    for key, value in COUNTED_BY_ALL.items():
        lab.set(key, value)
    lab.up()
    yield lab
    lab.down()


@pytest.mark.timeout(600)  # two images may have to be built first
def test_a_cluster_of_three_releases_is_like_any_other(mixed: Lab) -> None:
    for step in walk(mixed, WARNED):
        assert step.ok, step
        if step.name == "deploy":
            assert {host: versions(mixed, host) for host in RELEASES} == {
                host: version for host, (_, version) in RELEASES.items()
            }
            _holder_of_the_oldest_release_gets_a_script_that_it_did_not_have(mixed)


def _holder_of_the_oldest_release_gets_a_script_that_it_did_not_have(mixed: Lab) -> None:
    mixed.bring_vip_home()
    for blind in (False, True):
        mixed.set("keepalived.yield_when_blind", blind)
        mixed.set("haproxy.shutdown_sessions", blind)
        with load_on(mixed) as load:
            load.begin()
            deployed = mixed.deploy("--output", "json")
            assert load.lost() == []
        assert deployed.report["changed"], deployed.stdout
        assert mixed.is_vip_home()
    assert "weight -1" not in mixed.run("lb-1", "cat /etc/keepalived/keepalived.conf")
    assert "kube-ha-new" not in mixed.run("lb-1", "ls -A /etc/keepalived")
