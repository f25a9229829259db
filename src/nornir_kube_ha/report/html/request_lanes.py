"""The lanes of a timeline that show a client's requests, and their outages."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from nornir_kube_ha.failover.api_outage import ApiCost
from nornir_kube_ha.failover.outage import FOREVER, Attempt, Outage
from nornir_kube_ha.failover.probe.settings import ADDRESS, CACHED, CUT, READ, WATCH, WRITE
from nornir_kube_ha.failover.trial import Trial
from nornir_kube_ha.report.html.axis import Axis
from nornir_kube_ha.report.html.lanes import BESIDE, Frame, Lane, area, level
from nornir_kube_ha.report.html.shapes import Line, Text
from nornir_kube_ha.report.words import in_seconds

DENSE = 4.5  # pixels; with less space for each request, a bar stands for several
BREAK = 9  # pixels without a request that end a bar
LEAST = 2.0  # pixels, the smallest width of a bar, so that one failure among many is visible
USUAL = 0.1  # seconds up to which a wait is not an outage
HALF = 0.46  # height of a bar as a share of its lane: answered above the middle, failed below


@dataclass(frozen=True, slots=True)
class ClientRequests:
    """Requests over one kind of connection.

    Arguments:
        name: kind of connection
        attempts: in any order
        outages: outages while the fault lasted and after it, or the longest wait
    """

    name: str
    attempts: tuple[Attempt, ...]
    outages: tuple[Outage, ...]


def requests_of(trial: Trial) -> list[ClientRequests]:
    """Return the requests of a trial by kind of connection, without unused kinds."""
    asked = [each for each in trial.attempts if each.kind == ADDRESS]
    new = tuple(each for each in asked if each.is_new)
    kept = tuple(each for each in asked if not each.is_new)
    found = (
        ClientRequests("new connections", new, (trial.new, trial.after)),
        ClientRequests("long-lived ones", kept, (trial.reused, trial.after_reused)),
        *(_through_api(trial, trial.api) if trial.api else ()),
    )
    return [each for each in found if each.attempts]


def _through_api(trial: Trial, cost: ApiCost) -> Iterator[ClientRequests]:
    for name, kind, waited in (
        ("reads", READ, cost.read),
        ("cached reads", CACHED, cost.cached),
        ("writes", WRITE, cost.write),
    ):
        attempts = tuple(each for each in trial.attempts if each.kind == kind)
        yield ClientRequests(name, attempts, (_wait(waited.gap, waited.start),))
    # An event is drawn at the time when the watch received it.
    heard = (replace(each, start=each.end) for each in trial.attempts if each.kind == WATCH)
    ends = (each for each in trial.attempts if each.kind == CUT)
    yield ClientRequests("watches", (*heard, *ends), (_wait(cost.watch.silence, cost.watch.start),))


def _wait(seconds: float, start: float | None) -> Outage:
    """Return a wait as an outage; an empty one if the wait is normal for a request."""
    return Outage(seconds, start=start) if seconds > USUAL else Outage()


def request_lines(lane: Lane, requests: ClientRequests, axis: Axis) -> Iterator[Line]:
    """Yield the outages, and the requests on top of them.

    Arguments:
        lane: lane to draw in
        requests: requests to draw
        axis: time axis
    """
    yield from _losses(lane, requests.outages, axis)
    yield from _drawn(lane, requests, axis)
    yield level(lane, axis)


def _seen(outages: Iterable[Outage], axis: Axis) -> Iterator[tuple[Outage, float, float]]:
    for outage in outages:
        if outage.start is not None and outage.end is not None and axis.shows(outage.start, outage.end):
            yield outage, axis.x(outage.start), axis.x(outage.end)


def _losses(lane: Lane, outages: Iterable[Outage], axis: Axis) -> Iterator[Line]:
    for outage, begin, end in _seen(outages, axis):
        title = f"{lane.name}: outage {in_seconds(outage.seconds)}"
        yield Line(area(begin, lane.y, max(2.0, end - begin), lane.height), "loss", title)


def outage_words(lane: Lane, outages: Iterable[Outage], axis: Axis, frame: Frame) -> list[Text]:
    """Return a label with the duration of each outage.

    It is beside the outage and below the middle, where nothing failed; above the middle if the outage has no end.

    Arguments:
        lane: lane to draw in
        outages: in order
        axis: time axis
        frame: measures of the timeline
    """
    found: list[Text] = []
    for outage, begin, end in _seen(outages, axis):
        endless = outage.seconds == FOREVER
        words = in_seconds(outage.seconds) if frame.above else f"outage{':' * endless} {in_seconds(outage.seconds)}"
        width = len(words) * frame.letter
        places = (begin if endless else end) + BESIDE, begin - BESIDE - width, frame.right - width
        x = next(x for x in places if frame.left <= x <= frame.right - width or x == places[-1])
        if all(other.x + len(other.text) * frame.letter < x or x + width < other.x for other in found):
            found.append(Text(x, lane.middle - 7 if endless else lane.bottom - 7, words, "loss"))
    return found


def _drawn(lane: Lane, requests: ClientRequests, axis: Axis) -> Iterator[Line]:
    """Yield answered requests above the middle, and failed ones below."""
    tries = sorted(requests.attempts, key=lambda each: each.start)
    shown = [each for each in tries if axis.shows(each.start, each.start)]
    dense = len(shown) * DENSE > axis.right - axis.left
    bars = [*(_runs(shown, axis) if dense else _single(shown, axis))]
    high = HALF * lane.height
    for kind, failed, up in (("answered", False, -1), ("failed", True, 1)):
        found = [(x, width) for x, width, lost in bars if lost is failed]
        path = "".join(f"M{x:.1f} {lane.middle}v{up * high:.1f}h{width:.1f}V{lane.middle}z" for x, width in found)
        if path:
            count = sum(each.failed is failed for each in shown)
            yield Line(path, f"{kind} many" if dense else kind, f"{requests.name}: {count} {kind}")


def _single(tries: Iterable[Attempt], axis: Axis) -> Iterator[tuple[float, float, bool]]:
    """Yield left edge, width and failure of each request."""
    for each in tries:
        width = 2.5 if each.failed else 1.5
        yield axis.x(each.start) - width / 2, width, each.failed


def _runs(tries: Sequence[Attempt], axis: Axis) -> Iterator[tuple[float, float, bool]]:
    """Yield left edge, width and failure of bars, for requests too close to be drawn one by one.

    A bar ends at the next request with another result, or at a gap.
    """
    begin: float | None = None
    for each, following in zip_longest(tries, tries[1:]):
        x = axis.x(each.start)
        begin = x if begin is None else begin
        end = axis.x(following.start) if following else x
        if not following or following.failed is not each.failed or end - x > BREAK:
            yield begin, max(LEAST, min(end, x + BREAK) - begin), each.failed
            begin = None
