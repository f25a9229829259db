"""The description of a fault: how it is injected, detected and healed, and its limit."""

from dataclasses import dataclass, field, replace
from enum import StrEnum

from nornir_kube_ha.failover.limit import Limit


class Way(StrEnum):
    """How a fault is injected."""

    HOST = "host"
    """By a script on the host, over SSH; works outside a lab."""
    LAB = "lab"
    """By the machine that the lab runs on: power, behaviour of apiservers."""
    RUN = "run"
    """By kube-ha: a planned move, a deploy, a rolling restart."""


class Target(StrEnum):
    """What a fault breaks."""

    HOLDER = "holder"
    """The node that holds the VIP."""
    APISERVER = "apiserver"
    """An apiserver, preferably on a node that does not hold the VIP."""
    ALL_APISERVERS = "all apiservers"
    ETCD_LEADER = "etcd leader"
    ETCD_MEMBER = "etcd member"
    """A member that is not the leader."""
    ETCD_MAJORITY = "etcd majority"
    """The leader and as many other members as it takes to lose the quorum."""
    CLUSTER = "cluster"
    """All nodes in turn."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault and its limit.

    The scripts are sh and run as root under `set -u`, with the functions of tasks/faults.sh. They have INTERFACE, VIPS,
    PORT (of the apiserver) and FOLDER, which is the fault's own and is deleted after it.

    Arguments:
        name: `haproxy-kill`
        meaning: description in one line
        way: how it is injected
        target: what it breaks
        limit: what it may cost
        fast: limit of the outage in seconds with `timers: fast`; None if the timers make no difference
        seconds: how long it lasts
        needs: script that succeeds if the fault can be injected; otherwise it prints the reason
        inject: script that injects it
        there: script that succeeds once the fault is present; it sees the variables that `inject` sets
        heal: script that heals it
        well: script that succeeds once the host has healed
        verb: action of the lab
    """

    name: str
    meaning: str
    way: Way
    target: Target
    limit: Limit = field(default_factory=Limit)
    fast: float | None = None
    seconds: float = 2.0
    needs: str = "true"
    inject: str = ""
    there: str = ""
    heal: str = "true"
    well: str = "true"
    verb: str = ""

    def limit_of(self, timers: str) -> Limit:
        """Return the limit for a cluster with these timers.

        Arguments:
            timers: `default` or `fast`
        """
        if timers == "fast" and self.fast is not None:
            return replace(self.limit, seconds=self.fast)
        return self.limit
