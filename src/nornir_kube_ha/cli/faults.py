"""`failover-test --list`: every fault that can be made."""

from collections.abc import Iterator

from nornir_kube_ha.failover.faults import FAULTS, Way


def fault_lines() -> Iterator[str]:
    """Every fault, in two lines: its name, where it can be made and what it is; and what it may cost."""
    width = max(map(len, FAULTS))
    for fault in FAULTS.values():
        place = "lab only" if fault.way is Way.LAB else "any hosts"
        yield f"{fault.name:{width}}  {place:9}  {fault.meaning}"
        yield f"{'':{width}}  {'':9}  {fault.limit.words}"
