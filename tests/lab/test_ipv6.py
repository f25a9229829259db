"""A cluster of IPv6 alone, and one of VIPs of both families: each from its deploy to its removal."""

from collections.abc import Iterator
from typing import Any

import pytest
from rig.breaking import failover_test
from rig.lab import Lab, copy_inventory
from rig.walking import use_ipv6
from tests.support.labs import PROCESS

HOSTS = ("lb-1", "lb-2")
CLUSTERS = {
    "six": ("2001:db8::10", "2001:db8::20"),
    "dual": ("192.0.2.10", "192.0.2.20", "2001:db8::10"),
}
ADDRESSES = "ip -oneline address show dev eth0"
FAULTS = ("haproxy-kill", "link-down")
TRIES = 3  # see test_faults.py


@pytest.fixture(scope="module", params=CLUSTERS)
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Two hosts that nothing was ever deployed to."""
    folder = tmp_path_factory.mktemp(request.param)
    lab = copy_inventory(f"{request.param}{PROCESS}", folder / "three").copy_without("lb-3", folder)
    if request.param == "six":
        use_ipv6(lab, HOSTS)
    else:
        lab.set_for_group(
            "apiservers", [{"name": "lb-1", "address": "192.0.2.11"}, {"name": "lb-2", "address": "192.0.2.12"}]
        )
    further = [f"{vip}/{64 if ':' in vip else 24}" for vip in CLUSTERS[request.param][1:]]
    lab.set_for_group("additional_vips", further)
    lab.up()
    yield lab
    lab.down()


def holders(lab: Lab) -> dict[str, list[str]]:
    """Which VIPs each host has."""
    vips = next(vips for name, vips in CLUSTERS.items() if lab.name.startswith(name))
    shown = {host: lab.run(host, ADDRESSES) for host in HOSTS}
    return {host: [vip for vip in vips if f" {vip}/" in shown[host]] for host in HOSTS}


def trials(lab: Lab, *faults: str) -> dict[str, dict[str, Any]]:
    chosen = [word for fault in faults for word in ("--fault", fault)]
    return {fault["name"]: fault["trials"][0] for fault in failover_test(lab, *chosen).report["faults"]}


def test_from_deploy_to_remove(cluster: Lab) -> None:
    deployed = cluster.deploy("--output", "json")
    assert (deployed.status, deployed.failed_checks()) == (0, {}), deployed.stdout + deployed.stderr
    vips = holders(cluster)["lb-1"]
    assert holders(cluster) == {"lb-1": vips, "lb-2": []}
    assert not cluster.deploy("--output", "json").report["changed"]

    moved = cluster.kube_ha("vip", "move", "-i", str(cluster.inventory), "--to", "lb-2")
    assert (moved.status, holders(cluster)) == (0, {"lb-1": [], "lb-2": vips}), moved.stderr

    last = vips[-1]
    cluster.run("lb-1", f"ip address add {last}/64 dev eth0 nodad")
    torn = cluster.runbook("verify", "--output", "json", "--check", "vip.arp").report["clusters"]["demo"]["checks"]
    cluster.run("lb-1", f"ip address delete {last}/64 dev eth0")
    assert [(check["status"], f"of {last}" in check["seen"]) for check in torn] == [("fail", True)]

    cluster.await_healthy()  # whom the second holder has answered meanwhile believes in it for some seconds

    seen = trials(cluster, *FAULTS)
    for name in FAULTS:
        for _ in range(TRIES - 1):
            if seen[name]["outcome"] == "missed":
                seen |= trials(cluster, name)
        assert seen[name]["outcome"] == "passed", seen[name]
    cluster.await_healthy()

    cluster.set("keepalived.unicast", value=False)
    multicast = cluster.deploy("--output", "json", "--accept-outage")
    assert (multicast.status, multicast.report["changed"]) == (0, True), multicast.stdout[:3000] + multicast.stderr
    assert cluster.runbook("rollback", "--accept-outage").status == 0
    assert "unicast_peer" in cluster.run("lb-1", "cat /etc/keepalived/keepalived.conf")
    assert sorted(map(len, holders(cluster).values())) == [0, len(vips)]

    assert cluster.runbook("remove", "--yes").status == 0
    assert holders(cluster) == {"lb-1": [], "lb-2": []}
