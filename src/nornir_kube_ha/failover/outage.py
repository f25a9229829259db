"""How long a client was without service, and who held the VIP meanwhile: arithmetic over what was seen.

All times are seconds on one clock, the client's own monotonic one; a trial's zero is the moment of the fault.
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
        end: when it was answered, or given up
        error: why it failed, `refused`, `reset`, `timeout`, `HTTP 500`; "" if it was answered with 200
        connection: number of the long-lived connection that it went over, or of the watch; none if it opened one of
            its own
        server: which apiserver answered, where it says so; "" if unknown
        kind: what it was; see `probe.settings`
    """

    start: float
    end: float
    error: str = ""
    connection: int | None = None
    server: str = ""
    kind: str = ADDRESS

    @property
    def failed(self) -> bool:
        """Whether it was not answered."""
        return bool(self.error)

    @property
    def is_new(self) -> bool:
        """Whether it asked the address, and opened a connection of its own for that."""
        return self.connection is None and self.kind == ADDRESS

    def moved(self, seconds: float) -> "Attempt":
        """The same on a clock that shows other times.

        Arguments:
            seconds: what is added to each time
        """
        return replace(self, start=self.start + seconds, end=self.end + seconds)


@dataclass(frozen=True, slots=True)
class Outage:
    """What a client lost.

    Arguments:
        seconds: from the start of the first attempt that failed to the start of the first that succeeded for good;
            infinite if none did
        longest: the longest stretch of it in which no attempt succeeded, measured in the same way
        start: when the first attempt that failed began; none if none did
        failed: attempts that failed
        cut: those of them that had begun before the fault was made: in flight, as any connection that is open
        total: attempts
        slowest: seconds that the slowest answer took
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
        """Attempts that failed though they began after the fault."""
        return self.failed - self.cut

    @property
    def end(self) -> float | None:
        """When the first attempt began that succeeded for good; none if nothing failed."""
        return None if self.start is None else self.start + self.seconds


def outage(attempts: Iterable[Attempt], *, made: float = 0.0) -> Outage:
    """What these attempts lost, taken as those of one client: new connections, or one long-lived one.

    Arguments:
        attempts: in any order
        made: when the fault was surely there; what began before that and failed is counted as cut
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
    """Each stretch without a success: start of its first attempt, start of the success that ends it."""
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
    """What long-lived connections lost: the outage of the one that lost most, the counts of all.

    A connection that breaks is opened again at once, as a watch is; its outage lasts until the new one answers.

    Arguments:
        attempts: those over long-lived connections, in any order
        made: when the fault was surely there
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
    """A time in which one host held the VIP.

    Arguments:
        host: its name
        start: since when
        end: until when; infinite while it still does
    """

    host: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Holding:
    """Who held the VIP, at each moment.

    Arguments:
        spans: of all hosts, in order of their start
        start: when the hosts began to be watched
        end: when they ceased to be
    """

    spans: tuple[Span, ...]
    start: float
    end: float

    def holders(self, moment: float) -> tuple[str, ...]:
        """Who held it at a moment.

        Arguments:
            moment: when
        """
        return tuple(span.host for span in self.spans if span.start <= moment < span.end)

    @property
    def phases(self) -> tuple[tuple[float, float, tuple[str, ...]], ...]:
        """From when, until when, and who held it: each time that this differs from the one before."""
        edges = {self.start, self.end}
        edges |= {edge for span in self.spans for edge in (span.start, span.end) if self.start < edge < self.end}
        found: list[tuple[float, float, tuple[str, ...]]] = []
        for begin, end in pairwise(sorted(edges)):
            holders = self.holders(begin)
            if found and found[-1][2] == holders:
                begin = found.pop()[0]  # noqa: PLW2901 - the phase before goes on
            found.append((begin, end, holders))
        return tuple(found)

    def seconds_with(self, count: int, *, since: float = -FOREVER) -> float:
        """How long so many hosts held it at once; for 2, two or more.

        Arguments:
            count: 0, 1 or 2
            since: only from this moment on
        """
        parts = (
            max(0.0, end - max(begin, since)) for begin, end, holders in self.phases if min(len(holders), 2) == count
        )
        return sum(parts, start=0.0)

    def moves(self, *, since: float = -FOREVER) -> tuple[tuple[float, str], ...]:
        """When it came to another host than the last that took it, and to which.

        Arguments:
            since: only from this moment on
        """
        taken = sorted(self.spans, key=lambda span: span.start)
        return tuple(
            (later.start, later.host)
            for earlier, later in pairwise(taken)
            if later.host != earlier.host and later.start >= since
        )
