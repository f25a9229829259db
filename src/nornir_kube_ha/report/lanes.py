"""The lanes of a timeline, one below the other, and the measures that it is laid out by."""

from collections.abc import Iterable
from dataclasses import dataclass

from nornir_kube_ha.report.axis import Axis
from nornir_kube_ha.report.shapes import Line, Text, cut

GAP = 12  # pixels between two lanes
BESIDE = 5  # between a thing and its words


@dataclass(frozen=True, slots=True)
class Frame:
    """Measures of a timeline, in pixels.

    Arguments:
        name: also its class in the page's style
        width: of the whole
        left: where time begins
        right: where it ends
        client: height of a lane of requests
        host: height of a host's lane
        above: room for a lane's name above it; none if it stands on its left
        letter: width of a letter
        apart: between two ticks of the axis, at least
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
        name: what happens in it
        y: upper edge, pixels
        height: pixels
    """

    name: str
    y: float
    height: float

    @property
    def bottom(self) -> float:
        """Lower edge."""
        return self.y + self.height

    @property
    def middle(self) -> float:
        """Between answered and failed."""
        return self.y + self.height / 2


def lanes(names: Iterable[str], y: float, height: float, frame: Frame) -> list[Lane]:
    """A lane for each name, downwards.

    Arguments:
        names: what happens in each
        y: where the first may begin, pixels
        height: of each, pixels
        frame: what they are laid out for
    """
    each = frame.above + height + GAP
    return [Lane(name, y + frame.above + number * each, height) for number, name in enumerate(names)]


def lane_name(lane: Lane, frame: Frame) -> Text:
    """What happens in a lane: on its left, or above it.

    Arguments:
        lane: the lane
        frame: what it is laid out for
    """
    if frame.above:
        return Text(frame.left, lane.y - 6, cut(lane.name, frame.width - frame.left, frame.letter), "lane")
    return Text(0, lane.middle + 4, cut(lane.name, frame.left - GAP, frame.letter), "lane")


def level(lane: Lane, axis: Axis) -> Line:
    """The lane's own line, through its middle.

    Arguments:
        lane: the lane
        axis: time
    """
    return Line(f"M{axis.left} {lane.middle}H{axis.right}", "level", "")


def area(x: float, y: float, width: float, height: float) -> str:
    """Path of a rectangle.

    Arguments:
        x: left edge, pixels
        y: upper edge, pixels
        width: pixels
        height: pixels
    """
    return f"M{x:.1f} {y:.1f}h{width:.1f}v{height:.1f}h-{width:.1f}z"


def amid(x: float, y: float, words: str, kind: str, frame: Frame) -> Text:
    """Words with their middle there, but within the picture.

    Arguments:
        x: where their middle should be, pixels
        y: base line, pixels
        words: to be written
        kind: class in the page's style
        frame: what they are laid out for
    """
    width = len(words) * frame.letter
    return Text(max(0.0, min(frame.width - width, x - width / 2)), y, words, kind)
