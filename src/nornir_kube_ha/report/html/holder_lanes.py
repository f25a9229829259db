"""The lanes of a timeline that show which host holds the VIP, and when two hold it at once."""

from collections.abc import Iterator, Sequence

from nornir_kube_ha.failover.outage import FOREVER
from nornir_kube_ha.failover.trial import Trial
from nornir_kube_ha.report.html.axis import Axis
from nornir_kube_ha.report.html.lanes import Frame, Lane, amid, area, level
from nornir_kube_ha.report.html.shapes import Line, Text
from nornir_kube_ha.report.words import in_seconds


def holders_of(trial: Trial) -> list[str]:
    """Return the hosts that ever held the VIP in a trial."""
    return [*dict.fromkeys(span.host for span in trial.holding.spans)] if trial.holding else []


def holder_lines(hosts: Sequence[Lane], trial: Trial, axis: Axis) -> Iterator[Line]:
    """Yield when each host held the VIP, and above that when two hosts did.

    Arguments:
        hosts: lanes named after the hosts
        trial: the trial to draw
        axis: time axis
    """
    for lane in hosts:
        yield level(lane, axis)
        yield from _held(lane, trial, axis)
    yield from _both(hosts, trial, axis)


def two_holders_words(trial: Trial, axis: Axis, frame: Frame, y: float) -> list[Text]:
    """Return how long two hosts held the VIP, placed below the longest such period; empty if they never did.

    Arguments:
        trial: the trial to draw
        axis: time axis
        frame: measures of the timeline
        y: base line in pixels
    """
    found = _shared(trial, axis)
    if not found:
        return []
    start, end, _ = max(found, key=lambda each: each[1] - each[0])
    words = f"two holders for {in_seconds(trial.two_holders)}"
    return [amid((axis.x(start) + axis.x(end)) / 2, y, words, "both", frame)]


def _held(lane: Lane, trial: Trial, axis: Axis) -> Iterator[Line]:
    for span in trial.holding.spans if trial.holding else ():
        if span.host == lane.name and axis.shows(span.start, span.end):
            begin, end = axis.x(span.start), axis.x(span.end)
            until = "the end" if span.end == FOREVER else in_seconds(span.end)
            title = f"{span.host} held the VIP from {in_seconds(span.start)} to {until}"
            yield Line(area(begin, lane.y, max(1.5, end - begin), lane.height), "held", title)


def _shared(trial: Trial, axis: Axis) -> list[tuple[float, float, str]]:
    """Return the drawn periods in which two or more hosts held the VIP, with the hosts."""
    phases = trial.holding.phases if trial.holding else ()
    return [
        (start, end, " and ".join(names)) for start, end, names in phases if len(names) > 1 and axis.shows(start, end)
    ]


def _both(hosts: Sequence[Lane], trial: Trial, axis: Axis) -> Iterator[Line]:
    for start, end, names in _shared(trial, axis):
        begin, width = axis.x(start), max(2.0, axis.x(end) - axis.x(start))
        top, height = hosts[0].y - 4, hosts[-1].bottom - hosts[0].y + 8
        yield Line(
            area(begin, top, width, height), "both", f"{names} held the VIP at once for {in_seconds(end - start)}"
        )
