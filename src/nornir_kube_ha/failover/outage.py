"""Compute outages and holders of the VIP from what a probe client and the hosts recorded.

All times are seconds on the client's monotonic clock; a trial's zero is the start of the injection.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from nornir_kube_ha.failover.probe.settings import ADDRESS

FOREVER = float("inf")


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request of the client.

    Arguments:
        start: when it began
        end: when it was answered or given up
        error: why it failed, `refused`, `reset`, `timeout`, `HTTP 500`; "" for success
        connection: number of the long-lived connection or the watch; None for a new connection
        server: apiserver that answered, "" if unknown
        kind: kind of attempt, see `probe.settings`
    """

    start: float
    end: float
    error: str = ""
    connection: int | None = None
    server: str = ""
    kind: str = ADDRESS

    @property
    def failed(self) -> bool:
        """Whether the request failed."""
        return bool(self.error)

    @property
    def is_new(self) -> bool:
        """Whether the request opened a new connection to the address."""
        return self.connection is None and self.kind == ADDRESS

    def moved(self, seconds: float) -> "Attempt":
        """Return the attempt with its times shifted to another clock.

        Arguments:
            seconds: added to each time
        """
        return replace(self, start=self.start + seconds, end=self.end + seconds)


@dataclass(frozen=True, slots=True)
class Outage:
    """What a client lost.

    Arguments:
        seconds: from the start of the first failed attempt to the start of the first that succeeded for good; infinite
            if none did
        longest: the longest part of it without any success, measured in the same way
        start: when the first failed attempt began; None if none failed
        failed: number of failed attempts
        cut: failed attempts that began before the fault was present: in flight, or on an open connection
        total: number of attempts
        slowest: seconds of the slowest success
    """

    seconds: float = 0.0
    longest: float = 0.0
    start: float | None = None
    failed: int = 0
    cut: int = 0
    total: int = 0
    slowest: float = 0.0

    @property
    def failed_new(self) -> int:
        """Number of failed attempts that began after the fault was present."""
        return self.failed - self.cut

    @property
    def end(self) -> float | None:
        """When the first attempt that succeeded for good began; None if nothing failed."""
        return None if self.start is None else self.start + self.seconds


def outage(attempts: Iterable[Attempt], *, made: float = 0.0) -> Outage:
    """Return the outage of one client's attempts, over new connections or over one long-lived connection.

    Arguments:
        attempts: in any order
        made: when the fault was known to be present; failed attempts that began earlier count as cut
    """
    tries = sorted(attempts, key=lambda each: each.start)
    failed = [index for index, each in enumerate(tries) if each.failed]
    slowest = max((each.end - each.start for each in tries if not each.failed), default=0.0)
    if not failed:
        return Outage(total=len(tries), slowest=slowest)
    cut = sum(tries[index].start < made for index in failed)
    start = tries[failed[0]].start
    seconds = _next_success(tries, failed[-1]) - start
    longest = max(end - begin for begin, end in _stretches(tries))
    return Outage(seconds, longest, start, len(failed), cut, len(tries), slowest)


def _next_success(tries: Sequence[Attempt], index: int) -> float:
    return next((each.start for each in tries[index:] if not each.failed), FOREVER)


def _stretches(tries: Sequence[Attempt]) -> Iterator[tuple[float, float]]:
    """Yield each stretch without a success: start of its first attempt, start of the success that ends it."""
    begin: float | None = None
    for each in tries:
        if each.failed and begin is None:
            begin = each.start
        elif not each.failed and begin is not None:
            yield begin, each.start
            begin = None
    if begin is not None:
        yield begin, FOREVER


def reused_outage(attempts: Iterable[Attempt], *, made: float = 0.0) -> Outage:
    """Return the outage of long-lived connections: seconds of the one that lost most, counts of all.

    A broken connection is reopened at once, as a watch is; its outage lasts until the new one answers.

    Arguments:
        attempts: in any order; those over new connections are ignored
        made: when the fault was known to be present
    """
    by_connection: dict[int, list[Attempt]] = {}
    for each in attempts:
        if each.connection is not None:
            by_connection.setdefault(each.connection, []).append(each)
    outages = [outage(tries, made=made) for tries in by_connection.values()]
    if not outages:
        return Outage()
    worst = max(outages, key=lambda each: each.seconds)
    starts = [each.start for each in outages if each.start is not None]
    return Outage(
        worst.seconds,
        max(each.longest for each in outages),
        min(starts, default=None),
        sum(each.failed for each in outages),
        sum(each.cut for each in outages),
        sum(each.total for each in outages),
        max(each.slowest for each in outages),
    )


@dataclass(frozen=True, slots=True)
class Span:
    """A period in which one host held the VIP.

    Arguments:
        host: name of the host
        start: when it took the VIP
        end: when it gave the VIP up; infinite if it still holds it
    """

    host: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Holding:
    """The holders of the VIP over time.

    Arguments:
        spans: periods of all hosts, in order of their start
        start: when the recording began
        end: when the recording ended
    """

    spans: tuple[Span, ...]
    start: float
    end: float

    def holders(self, moment: float) -> tuple[str, ...]:
        """Return the hosts that hold the VIP at a moment."""
        return tuple(span.host for span in self.spans if span.start <= moment < span.end)

    @property
    def phases(self) -> tuple[tuple[float, float, tuple[str, ...]], ...]:
        """Start, end and holders of each phase; a phase ends when the holders change."""
        edges = {self.start, self.end}
        edges |= {edge for span in self.spans for edge in (span.start, span.end) if self.start < edge < self.end}
        found: list[tuple[float, float, tuple[str, ...]]] = []
        for begin, end in pairwise(sorted(edges)):
            holders = self.holders(begin)
            if found and found[-1][2] == holders:
                begin = found.pop()[0]  # noqa: PLW2901 - extends the phase before
            found.append((begin, end, holders))
        return tuple(found)

    def seconds_with(self, count: int, *, since: float = -FOREVER) -> float:
        """Return for how many seconds `count` hosts held the VIP at once.

        Arguments:
            count: 0, 1, or 2 for two or more
            since: start of the period that counts
        """
        parts = (
            max(0.0, end - max(begin, since)) for begin, end, holders in self.phases if min(len(holders), 2) == count
        )
        return sum(parts, start=0.0)

    def moves(self, *, since: float = -FOREVER) -> tuple[tuple[float, str], ...]:
        """Return when the VIP moved to another host, and to which.

        Arguments:
            since: earlier moves are left out
        """
        taken = sorted(self.spans, key=lambda span: span.start)
        return tuple(
            (later.start, later.host)
            for earlier, later in pairwise(taken)
            if later.host != earlier.host and later.start >= since
        )
