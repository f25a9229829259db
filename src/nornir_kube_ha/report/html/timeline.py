"""A trial drawn over time: the client's requests, the VIP holders, and the times of fault and heal."""

from collections.abc import Iterator
from dataclasses import dataclass

from nornir_kube_ha.failover.trial import Trial
from nornir_kube_ha.report.html.axis import Axis, Excerpt
from nornir_kube_ha.report.html.holder_lanes import holder_lines, holders_of, two_holders_words
from nornir_kube_ha.report.html.lanes import BESIDE, GAP, Frame, amid, area, lane_name, lanes
from nornir_kube_ha.report.html.request_lanes import outage_words, request_lines, requests_of
from nornir_kube_ha.report.html.shapes import Line, Text
from nornir_kube_ha.report.words import in_seconds

ROW = 15  # pixels of a line of text


@dataclass(frozen=True, slots=True)
class Timeline:
    """Everything to draw.

    Arguments:
        frame: measures of the timeline
        excerpt: part of the trial
        height: height of the whole, in pixels
        lines: in drawing order
        texts: drawn on top of all lines
    """

    frame: Frame
    excerpt: Excerpt
    height: float
    lines: tuple[Line, ...]
    texts: tuple[Text, ...]


def timeline(trial: Trial, excerpt: Excerpt, frame: Frame) -> Timeline:
    """Return the timeline of a part of a trial.

    Arguments:
        trial: the trial
        excerpt: part to draw
        frame: measures of the timeline
    """
    axis = Axis(excerpt, frame.left, frame.right)
    marks, top = _mark_words(trial, axis, frame)
    requests = requests_of(trial)
    clients = lanes([each.name for each in requests], top, frame.client, frame)
    hosts = lanes(holders_of(trial), clients[-1].bottom + GAP if clients else top, frame.host, frame)
    bottom = ([*clients, *hosts][-1].bottom if clients or hosts else top) + GAP / 2
    both = two_holders_words(trial, axis, frame, bottom + ROW)
    floor = bottom + ROW * (1 + len(both))
    lines, texts = [*_grid(axis, frame, top, bottom), *_making(trial, axis, top, bottom)], [*marks, *both]
    for lane, each in zip(clients, requests, strict=True):
        lines += request_lines(lane, each, axis)
        texts += outage_words(lane, each.outages, axis, frame)
    lines += [*holder_lines(hosts, trial, axis), *_mark_lines(trial, axis, top, bottom)]
    texts += (lane_name(lane, frame) for lane in (*clients, *hosts))
    texts += (amid(x, floor, words, "tick", frame) for x, words in axis.ticks(frame.apart))
    return Timeline(frame, excerpt, floor + 6, tuple(lines), tuple(texts))


def _grid(axis: Axis, frame: Frame, top: float, bottom: float) -> Iterator[Line]:
    yield Line("".join(f"M{x:.1f} {top}V{bottom}" for x, _ in axis.ticks(frame.apart)), "grid", "")


def _marks(trial: Trial) -> list[tuple[float, str]]:
    """Return the times of fault, heal and recovery of the host."""
    found = ((0.0, "fault"), (trial.heal, "heal"), (trial.healed, "healed"))
    return [(at, words) for at, words in found if at is not None]


def _mark_words(trial: Trial, axis: Axis, frame: Frame) -> tuple[list[Text], float]:
    """Return the labels of the marks, in rows where they are too close, and the y at which lanes may begin."""
    ends: list[float] = []
    found: list[Text] = []
    for at, words in _marks(trial):
        if axis.shows(at, at):
            width = len(words) * frame.letter
            x = min(axis.x(at) + BESIDE, frame.width - width)
            row = next((row for row, end in enumerate(ends) if end <= x), len(ends))
            ends[row : row + 1] = [x + width + BESIDE]
            found.append(Text(x, ROW * (row + 1) - 3, words, "mark"))
    return found, ROW * max(1, len(ends)) + 4


def _mark_lines(trial: Trial, axis: Axis, top: float, bottom: float) -> Iterator[Line]:
    for at, words in _marks(trial):
        if axis.shows(at, at):
            yield Line(f"M{axis.x(at):.1f} {top - ROW}V{bottom}", f"mark {words}", f"{words} at {in_seconds(at)}")


def _making(trial: Trial, axis: Axis, top: float, bottom: float) -> Iterator[Line]:
    if trial.made > 0 and axis.shows(0, trial.made):
        begin, end = axis.x(0), axis.x(trial.made)
        title = f"fault present after {in_seconds(trial.made)}"
        yield Line(area(begin, top, end - begin, bottom - top), "making", title)
