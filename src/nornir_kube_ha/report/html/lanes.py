"""The lanes of a timeline, one below the other, and its measures."""

from collections.abc import Iterable
from dataclasses import dataclass

from nornir_kube_ha.report.html.axis import Axis
from nornir_kube_ha.report.html.shapes import Line, Text, cut

GAP = 12  # pixels between two lanes
BESIDE = 5  # pixels between a mark and its label


@dataclass(frozen=True, slots=True)
class Frame:
    """Measures of a timeline, in pixels.

    Arguments:
        name: also its CSS class
        width: width of the whole
        left: left end of the time axis
        right: right end of the time axis
        client: height of a lane of requests
        host: height of a host's lane
        above: space for a lane's name above it; 0 if the name is on its left
        letter: width of a letter
        apart: smallest distance of two ticks on the axis
    """

    name: str
    width: int
    left: int
    right: int
    client: int
    host: int
    above: int
    letter: float
    apart: int


WIDE = Frame("wide", 1040, 150, 1032, 56, 22, 0, 7.3, 80)
NARROW = Frame("narrow", 343, 3, 340, 48, 18, 19, 6.7, 56)


@dataclass(frozen=True, slots=True)
class Lane:
    """A row of the timeline.

    Arguments:
        name: label of the row
        y: upper edge in pixels
        height: in pixels
    """

    name: str
    y: float
    height: float

    @property
    def bottom(self) -> float:
        """Lower edge in pixels."""
        return self.y + self.height

    @property
    def middle(self) -> float:
        """Line between answered and failed requests, in pixels."""
        return self.y + self.height / 2


def lanes(names: Iterable[str], y: float, height: float, frame: Frame) -> list[Lane]:
    """Return a lane for each name, from top to bottom.

    Arguments:
        names: labels of the lanes
        y: upper limit of the first lane, in pixels
        height: height of each lane, in pixels
        frame: measures of the timeline
    """
    each = frame.above + height + GAP
    return [Lane(name, y + frame.above + number * each, height) for number, name in enumerate(names)]


def lane_name(lane: Lane, frame: Frame) -> Text:
    """Return a lane's label, on its left or above it."""
    if frame.above:
        return Text(frame.left, lane.y - 6, cut(lane.name, frame.width - frame.left, frame.letter), "lane")
    return Text(0, lane.middle + 4, cut(lane.name, frame.left - GAP, frame.letter), "lane")


def level(lane: Lane, axis: Axis) -> Line:
    """Return the horizontal line through a lane's middle."""
    return Line(f"M{axis.left} {lane.middle}H{axis.right}", "level", "")


def area(x: float, y: float, width: float, height: float) -> str:
    """Return the SVG path of a rectangle.

    Arguments:
        x: left edge in pixels
        y: upper edge in pixels
        width: in pixels
        height: in pixels
    """
    return f"M{x:.1f} {y:.1f}h{width:.1f}v{height:.1f}h-{width:.1f}z"


def amid(x: float, y: float, words: str, kind: str, frame: Frame) -> Text:
    """Return a text centred at `x`, moved if necessary to stay within the picture.

    Arguments:
        x: centre in pixels
        y: base line in pixels
        words: the text
        kind: CSS class
        frame: measures of the timeline
    """
    width = len(words) * frame.letter
    return Text(max(0.0, min(frame.width - width, x - width / 2)), y, words, kind)
