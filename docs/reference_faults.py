"""Write faults.md from the faults' definitions."""

from collections.abc import Iterator

from nornir_kube_ha.failover.faults import FAULTS, Target, Way

INTRODUCTION = """\
# Every fault

Written by `make docs` from the faults themselves; `kube-ha failover-test --list` lists them, too.
[failover-test.md](failover-test.md) says how a fault is injected, measured and healed, and [failover.md](failover.md)
what each cost. A row has the fault's own duration; `--hold` sets another. A fault of an apiserver avoids the one on the
VIP holder if there is another.

"""
WAYS = {Way.HOST: "on any hosts", Way.LAB: "in a lab", Way.RUN: "on any hosts"}
TARGETS = {
    Target.HOLDER: "On the node that holds the VIP",
    Target.APISERVER: "On one apiserver",
    Target.ALL_APISERVERS: "On all apiservers",
    Target.ETCD_LEADER: "On the etcd member that leads",
    Target.ETCD_MEMBER: "On an etcd member that does not lead",
    Target.ETCD_MAJORITY: "On a majority of the etcd members",
    Target.CLUSTER: "On all nodes: changes by kube-ha",
}
LIMITS = """\
## What each may cost

A fault that costs more is `missed`. `--limit-seconds` sets another limit for the outage of new connections. Of several
trials each is judged by itself. A `-` is no limit.

| fault | outage, s | with `timers: fast`, s | failed, new | failed, long-lived \
| moves of the VIP | two holders, s | outage after the heal, s | two holders after it, s |
|---|---|---|---|---|---|---|---|---|
"""


API_LIMITS = """\

## What each may cost clients of the Kubernetes API

Judged where a credential is given
([failover-test.md](failover-test.md#with-a-credential-reads-writes-and-watches)): seconds until a new read or write is
answered, and until a watch receives the event of a write. No fault may lose an acknowledged write
or an event. A `-` is no limit.

| fault | read, s | write, s | watch, s | failed reads and writes | watches cut |
|---|---|---|---|---|---|
"""


def faults_page() -> str:
    """Return faults.md."""
    tables = (f"## {title}\n\n{''.join(_rows(target))}\n" for target, title in TARGETS.items())
    return "".join([INTRODUCTION, *tables, LIMITS, *_limits(), API_LIMITS, *_api_limits()])


def _rows(target: Target) -> Iterator[str]:
    yield "| fault | meaning | where | lasts |\n"
    yield "|---|---|---|---|\n"
    for fault in FAULTS.values():
        if fault.target is target:
            lasts = f"{fault.seconds:g} s" if fault.seconds else "its own time"
            yield f"| `{fault.name}` | {fault.meaning} | {WAYS[fault.way]} | {lasts} |\n"


def _limits() -> Iterator[str]:
    for fault in FAULTS.values():
        usual, fast = fault.limit, fault.limit_of("fast")
        figures = (usual.seconds, fast.seconds, usual.failed, usual.lost, usual.moves)
        after = (usual.two_holders, usual.after, usual.two_after)
        cells = (f"{each:g}" if each is not None else "-" for each in (*figures, *after))
        yield f"| `{fault.name}` | {' | '.join(cells)} |\n"


def _api_limits() -> Iterator[str]:
    for fault in FAULTS.values():
        limit = fault.limit.api
        figures = (limit.read, limit.write, limit.watch, limit.failed, limit.cuts)
        cells = (f"{each:g}" if each is not None else "-" for each in figures)
        yield f"| `{fault.name}` | {' | '.join(cells)} |\n"
