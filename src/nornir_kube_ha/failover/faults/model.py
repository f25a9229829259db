"""What a fault is: how it is made, how it is known to be there, how it is healed, and what it may cost."""

from dataclasses import dataclass, field, replace
from enum import StrEnum

from nornir_kube_ha.failover.trial import Limit


class Way(StrEnum):
    """Who makes a fault."""

    HOST = "host"
    """A script on the host, over SSH: on anybody's hosts."""
    LAB = "lab"
    """The machine that a lab runs on: power, apiservers' behaviour."""
    RUN = "run"
    """Our own work: a planned move, a deploy, a restart of everything."""


class Target(StrEnum):
    """What is broken."""

    HOLDER = "holder"
    """The node that holds the VIP."""
    APISERVER = "apiserver"
    """An apiserver that runs on a node which does not hold the VIP, where there is one."""
    ALL_APISERVERS = "all apiservers"
    ETCD_LEADER = "etcd leader"
    ETCD_MEMBER = "etcd member"
    """One that does not lead."""
    ETCD_MAJORITY = "etcd majority"
    """The leader, and as many others as it takes for the rest to have no quorum."""
    CLUSTER = "cluster"
    """All nodes, one after the other."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that breaks, and what that may cost.

    The scripts are sh, run as root, with INTERFACE, PORT (the apiserver's) and FOLDER (the fault's own, gone after it)
    set, and the functions of tasks/faults.sh at hand.

    Arguments:
        name: `haproxy-kill`
        meaning: what is broken, in a line
        way: who makes it
        target: what is broken
        limit: what it may cost
        fast: the outage that is allowed with `timers: fast`, none if these change nothing
        seconds: how long it lasts
        needs: script that succeeds where the fault can be made; what it prints says why not
        inject: script that makes it
        there: script that succeeds once it is there; sees the variables that `inject` has set
        heal: script that ends it
        well: script that succeeds once it is over
        verb: for the lab: what it does
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
        """What it may cost where a cluster has these timers.

        Arguments:
            timers: `default` or `fast`
        """
        if timers == "fast" and self.fast is not None:
            return replace(self.limit, seconds=self.fast)
        return self.limit
