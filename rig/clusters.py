"""Many clusters in one inventory, one of which can be broken."""

from collections.abc import Sequence
from typing import Any

from ruamel.yaml import YAML

from rig.lab import Completed, Lab

QUIET = {
    "keepalived.advert_int": 1,
    "keepalived.check": {"interval": 5, "timeout": 4},
    "haproxy.inter": 4000,
    "haproxy.timeouts": {"check": 2000},
    "haproxy.shutdown_sessions": False,
    "keepalived.yield_when_blind": False,
}
"""Slows down what hosts do by themselves, so that many on one machine leave its processors to the runbooks."""
FEW = ("--forks", "6")
"""For the same reason, only so many hosts are looked at at once."""
NO_RELOAD = "/etc/systemd/system/haproxy.service.d/zz-no-reload.conf"
# A change that fails only when it goes live: the daemons accept the files, and the reload fails.
BREAK = f"""
printf '[Service]\\nExecReload=\\nExecReload=/bin/false\\n' >{NO_RELOAD}
systemctl daemon-reload
"""
MEND = f"rm -f {NO_RELOAD}; systemctl daemon-reload"


def names_of(clusters: int, nodes: int) -> list[str]:
    """Return the hosts' names for so many clusters."""
    return [f"lb-{number}" for number in range(1, clusters * nodes + 1)]


def add_clusters(lab: Lab, names: Sequence[str], nodes: int) -> None:
    """Write these hosts to the inventory, as clusters `demo`, `c1`, `c2` and so on."""
    hosts, yaml = lab.inventory / "hosts.yaml", YAML()
    tree: dict[str, Any] = {}
    for number, name in enumerate(names):
        cluster, place = divmod(number, nodes)
        data: dict[str, object] = {"role": "backup" if place else "master", "virtual_router_id": "auto"}
        if cluster:
            vip = f"192.0.2.{200 + cluster}"  # above the hosts, of which there may be 189
            data |= {"cluster": f"c{cluster}", "vip": f"{vip}/24", "control_plane_endpoint": f"{vip}:8443"}
        tree[name] = {"hostname": f"192.0.2.{11 + number}", "groups": ["lab"], "data": data}
    yaml.dump(tree, hosts)


def red_clusters(completed: Completed) -> set[str]:
    """Return the names of the clusters in which a check or a host did not pass."""
    report = completed.report
    red = {report["hosts"][name]["cluster"] for name in completed.red_checks() if name in report["hosts"]}
    red |= {name for name in completed.red_checks() if name in report["clusters"]}
    return red | {host["cluster"] for host in report["hosts"].values() if host["status"] != "passed"}
