"""A foreign router with the cluster's VRID and an advert every three seconds, and what notices it."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from nornir_kube_ha.intent.names import KEEPALIVED_CONF
from rig.lab import HOSTS, Lab

STRANGER = "cp-4"  # an apiserver's own host: not a load balancer, so unknown to VRRP
APISERVERS = {"lb-1": "192.0.2.11", "lb-2": "192.0.2.12", STRANGER: "192.0.2.14"}
ADVERT_INT = 3  # seconds, as the guide has it
PATIENCE = 20  # seconds: a new keepalived listens for more than three advert intervals before it speaks
CHECK = "vrrp.no_foreign_router"


@dataclass(frozen=True, slots=True)
class Noticed:
    """How often the foreign router was noticed.

    Arguments:
        times: number of runs of each kind
        verified: runs of verify in which every node reported it
        refused: deploys that it stopped before any change
        seconds: duration of each run of verify
    """

    times: int
    verified: int
    refused: int
    seconds: tuple[float, ...]

    @property
    def always(self) -> bool:
        return self.verified == self.refused == self.times


@contextmanager
def beside_a_stranger(lab: Lab) -> Iterator[None]:
    """Boot three load balancers, and an apiserver on its own host that also has keepalived, and deploy to them."""
    lab.set_for_group("apiservers", [{"name": name, "address": address} for name, address in APISERVERS.items()])
    lab.up("--installed")
    try:
        completed = lab.deploy("--output", "json")
        if completed.status:
            raise RuntimeError(completed.stdout + completed.stderr)
        yield
    finally:
        lab.down()


@contextmanager
def speaking(lab: Lab) -> Iterator[None]:
    """Run the foreign router during the block.

    Wait until every node reports it before the block, and until none does after it.
    """
    lab.run(STRANGER, stranger(2, ADVERT_INT))
    try:
        _await(lab, names_it)
        yield
    finally:
        lab.run(STRANGER, "systemctl stop keepalived")
    _await(lab, lambda lab: not _naming(lab))


def notice(lab: Lab, times: int) -> Noticed:
    """Verify and deploy while the foreign router speaks, at random moments between its adverts.

    Arguments:
        lab: deployed, with an inventory that has a change to deploy
        times: how often
    """
    verified, refused, seconds = 0, 0, []
    for _ in range(times):
        time.sleep(random.uniform(0, ADVERT_INT))  # noqa: S311 - for no secret
        began = time.monotonic()
        verified += names_it(lab)
        seconds.append(time.monotonic() - began)
        report = lab.deploy("--output", "json").report
        errors = {(host["error"] or {}).get("type") for host in report["hosts"].values()}
        refused += errors == {"VRIDTakenError"} and not report["changed"]
    return Noticed(times, verified, refused, tuple(seconds))


def names_it(lab: Lab) -> bool:
    """Return whether each node reports the foreign router in one run of verify."""
    return _naming(lab) == {*HOSTS}


def _naming(lab: Lab) -> set[str]:
    red = lab.runbook("verify", "--output", "json").red_checks()
    return {name for name, ids in red.items() if CHECK in ids}


def _await(lab: Lab, condition: Callable[[Lab], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition(lab):
        if time.monotonic() > deadline:
            raise TimeoutError(f"after {PATIENCE} s: {lab.runbook('verify').stdout}")


def stranger(version: int, interval: float) -> str:
    """Return the script that starts another cluster's keepalived, with multicast, as in the guides."""
    return f"""\
cat >{KEEPALIVED_CONF} <<'END' && systemctl restart keepalived
global_defs {{
    vrrp_version {version}
}}
vrrp_instance stranger {{
    interface eth0
    virtual_router_id 68
    priority 90
    advert_int {interval}
    virtual_ipaddress {{
        198.51.100.7
    }}
}}
END
"""
