"""The cost of a fault for clients of the Kubernetes API: arithmetic over reads, writes and watches.

Times are as in `outage`.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from nornir_kube_ha.failover.outage import FOREVER, Attempt
from nornir_kube_ha.failover.probe.settings import ADDRESS, CACHED, CUT, FINISHED, READ, WATCH, WRITE

NOT_OPENED = "not opened"


@dataclass(frozen=True, slots=True)
class Requests:
    """The cost of a fault for new requests of one kind.

    Arguments:
        gap: longest time from the start of a request to the answer of one that began then or later. A client that
            retries waits that long. Infinite if no later request was answered
        start: when that time began
        failed: number of failed requests
        total: number of requests
        slowest: seconds of the longest request, answered or given up. A client that does not retry waits that long
    """

    gap: float = 0.0
    start: float | None = None
    failed: int = 0
    total: int = 0
    slowest: float = 0.0


@dataclass(frozen=True, slots=True)
class Watches:
    """The cost of a fault for watches.

    Arguments:
        silence: longest time from the acknowledgement of a write to its event; infinite if the event never came
        start: when that time began
        heard: number of events
        ended: how often watches ended, by reason: `closed`, `reset`, `timeout` of the client itself, or
            `finished` by the apiserver
        refused: how often a watch could not be reopened at once
    """

    silence: float = 0.0
    start: float | None = None
    heard: int = 0
    ended: tuple[tuple[str, int], ...] = ()
    refused: int = 0

    @property
    def cuts(self) -> int:
        """How often watches were cut: their apiserver did not end them."""
        return sum(count for how, count in self.ended if how != FINISHED)


@dataclass(frozen=True, slots=True)
class ApiCost:
    """The cost of a fault for clients of the Kubernetes API, from its injection to recovery.

    Arguments:
        address: TLS connections to the VIP, a new one each, whatever HTTP status follows
        read: quorum reads, each over a new connection
        write: writes, each over a new connection
        watch: watches
        cached: reads from an apiserver's watch cache, each over a new connection
        lost: acknowledged writes that a later read did not return
        missed: events of acknowledged writes that a watch skipped
    """

    address: Requests = field(default_factory=Requests)
    read: Requests = field(default_factory=Requests)
    write: Requests = field(default_factory=Requests)
    watch: Watches = field(default_factory=Watches)
    cached: Requests = field(default_factory=Requests)
    lost: int = 0
    missed: int = 0


def api_cost(attempts: Iterable[Attempt], *, lost: int = 0, missed: int = 0) -> ApiCost:
    """Return the cost of a fault for clients of the Kubernetes API.

    Arguments:
        attempts: attempts of one trial, in any order
        lost: number of acknowledged writes that were lost
        missed: number of events that watches missed
    """
    by_kind: dict[str, list[Attempt]] = {kind: [] for kind in (ADDRESS, READ, CACHED, WRITE, WATCH, CUT)}
    for each in attempts:
        by_kind[each.kind].append(each)
    address = (replace(each, error="") if _is_status(each.error) else each for each in by_kind[ADDRESS] if each.is_new)
    read, cached, write = (requests(by_kind[kind]) for kind in (READ, CACHED, WRITE))
    return ApiCost(requests(address), read, write, _watches(by_kind[WATCH], by_kind[CUT]), cached, lost, missed)


def _is_status(error: str) -> bool:
    """Return whether the error is an HTTP status, which means that TLS worked."""
    return error.startswith("HTTP ")


def requests(attempts: Iterable[Attempt]) -> Requests:
    """Return the cost for new requests of one kind.

    Arguments:
        attempts: in any order
    """
    tries = sorted(attempts, key=lambda each: each.start)
    gap, start, answered = 0.0, None, FOREVER
    for each in reversed(tries):
        if not each.failed:
            answered = min(answered, each.end)
        if answered - each.start > gap:
            gap, start = answered - each.start, each.start
    slowest = max((each.end - each.start for each in tries), default=0.0)
    return Requests(gap, start, sum(each.failed for each in tries), len(tries), slowest)


def _watches(heard: Iterable[Attempt], cuts: Iterable[Attempt]) -> Watches:
    events = [*heard]
    silent = max(events, key=_silence, default=None)
    ends = [*cuts]
    ended = Counter(each.error for each in ends if not each.error.startswith(NOT_OPENED))
    return Watches(
        _silence(silent) if silent else 0.0,
        silent.start if silent else None,
        sum(not each.failed for each in events),
        tuple(sorted(ended.items())),
        len(ends) - sum(ended.values()),
    )


def _silence(event: Attempt) -> float:
    return FOREVER if event.failed else event.end - event.start
