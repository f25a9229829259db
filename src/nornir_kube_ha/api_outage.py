"""What clients of the Kubernetes API lost: arithmetic over reads, writes and watches. Times are as in `outage`."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from nornir_kube_ha.outage import FOREVER, Attempt
from nornir_kube_ha.probe.settings import ADDRESS, CACHED, CUT, FINISHED, READ, WATCH, WRITE

NOT_OPENED = "not opened"


@dataclass(frozen=True, slots=True)
class Requests:
    """What new requests of one kind went through.

    Arguments:
        gap: the longest time from the start of a request until one that began then or later was answered: what a
            client waits that tries again and again; infinite if none was answered any more
        start: when that began
        failed: requests that failed
        total: requests
        slowest: seconds that the longest request took, answered or given up: what a client waits that does not try
            again
    """

    gap: float = 0.0
    start: float | None = None
    failed: int = 0
    total: int = 0
    slowest: float = 0.0


@dataclass(frozen=True, slots=True)
class Watches:
    """What watches went through that only listen.

    Arguments:
        silence: the longest time from a write's acknowledgement until a watch heard of it; infinite if it never did
        start: when that began
        heard: events
        ended: how often watches ended, by how: `closed`, `reset`, `timeout` for their own patience, `finished` by the
            apiserver
        refused: how often one could not be opened again at once
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
    """What a fault cost clients of the Kubernetes API, from its making until all was well again.

    Arguments:
        address: whether somebody accepts at the VIP and completes TLS, a new connection each, whatever the answer
        read: quorum reads, a new connection each
        write: writes, a new connection each
        watch: watches
        cached: reads from an apiserver's watch cache, a new connection each
        lost: writes that were acknowledged, and that a later read did not show
        missed: events of acknowledged writes that a watch did not get
    """

    address: Requests = field(default_factory=Requests)
    read: Requests = field(default_factory=Requests)
    write: Requests = field(default_factory=Requests)
    watch: Watches = field(default_factory=Watches)
    cached: Requests = field(default_factory=Requests)
    lost: int = 0
    missed: int = 0


def api_cost(attempts: Iterable[Attempt], *, lost: int = 0, missed: int = 0) -> ApiCost:
    """What the API's clients lost.

    Arguments:
        attempts: of a trial, in any order
        lost: writes that were lost
        missed: events that were missed
    """
    by_kind: dict[str, list[Attempt]] = {kind: [] for kind in (ADDRESS, READ, CACHED, WRITE, WATCH, CUT)}
    for each in attempts:
        by_kind[each.kind].append(each)
    address = (replace(each, error="") if _is_status(each.error) else each for each in by_kind[ADDRESS] if each.is_new)
    read, cached, write = (requests(by_kind[kind]) for kind in (READ, CACHED, WRITE))
    return ApiCost(requests(address), read, write, _watches(by_kind[WATCH], by_kind[CUT]), cached, lost, missed)


def _is_status(error: str) -> bool:
    """Whether there was an answer: it came through TLS."""
    return error.startswith("HTTP ")


def requests(attempts: Iterable[Attempt]) -> Requests:
    """What new requests went through.

    Arguments:
        attempts: of one kind, in any order
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
