"""`failover-test --list`: list every fault."""

from collections.abc import Iterator

from nornir_kube_ha.failover.faults import FAULTS, Way


def fault_lines() -> Iterator[str]:
    """Yield two lines for each fault: name, place and meaning, then its limit."""
    width = max(map(len, FAULTS))
    for fault in FAULTS.values():
        place = "lab only" if fault.way is Way.LAB else "any hosts"
        yield f"{fault.name:{width}}  {place:9}  {fault.meaning}"
        yield f"{'':{width}}  {'':9}  {fault.limit.words}"
