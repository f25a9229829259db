"""Elements of a picture, boxes, lines and texts, and its measures."""

from dataclasses import dataclass

ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"


@dataclass(frozen=True, slots=True)
class Layout:
    """Measures of a picture, in pixels.

    Arguments:
        name: also its CSS class
        width: width of the whole
        columns: left edge and width of the columns for clients, VIP, nodes and apiservers
        node: height of a node
        stacked: whether clients and VIP are above the nodes instead of left of them
        padding: padding of a box
        letters: width of a letter in names, small print and badges; all are monospaced
    """

    name: str
    width: int
    columns: tuple[tuple[int, int], tuple[int, int], tuple[int, int], tuple[int, int]]
    node: int
    stacked: bool
    padding: int
    letters: tuple[float, float, float]

    def most(self, column: int) -> float:
        """Return how many letters of a name fit into a column.

        Arguments:
            column: number of the column, 0 for the clients'
        """
        return (self.columns[column][1] - 2 * self.padding) / self.letters[0]


WIDE = Layout(
    "wide", 1040, ((1, 92), (137, 208), (429, 262), (795, 244)), 82, stacked=False, padding=14, letters=(8.5, 7.3, 6.7)
)
NARROW = Layout(
    "narrow", 343, ((1, 80), (105, 237), (22, 140), (196, 146)), 98, stacked=True, padding=9, letters=(7.6, 6.7, 6.1)
)


@dataclass(frozen=True, slots=True)
class Text:
    """A line of text, or a badge if it has a width.

    Arguments:
        x: left edge
        y: base line
        text: the text, cut to fit
        kind: CSS class
        width: width of the badge's frame; 0 for none
    """

    x: float
    y: float
    text: str
    kind: str
    width: float = 0


@dataclass(frozen=True, slots=True)
class Box:
    """A box.

    Arguments:
        x: left edge
        y: upper edge
        width: in pixels
        height: in pixels
        kind: CSS class
        title: full text of its tooltip
        texts: texts in the box
    """

    x: float
    y: float
    width: float
    height: float
    kind: str
    title: str
    texts: tuple[Text, ...] = ()

    @property
    def middle(self) -> float:
        """Height at which lines meet the box."""
        return self.y + self.height / 2

    @property
    def right(self) -> float:
        """Right edge."""
        return self.x + self.width


@dataclass(frozen=True, slots=True)
class Line:
    """A line or an area, as an SVG path.

    Arguments:
        path: SVG path
        kind: CSS class
        title: text of its tooltip
        mark: path of an arrow or a cross on it, never dashed
    """

    path: str
    kind: str
    title: str
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything to draw.

    Arguments:
        layout: measures of the picture
        height: height of the whole, in pixels
        headings: headings above the columns
        lines: in drawing order, below the boxes
        boxes: in any order
    """

    layout: Layout
    height: float
    headings: tuple[Text, ...]
    lines: tuple[Line, ...]
    boxes: tuple[Box, ...]


def cut(text: str, width: float, letter: float) -> str:
    """Return a text short enough for its place.

    The middle is left out, because names within a site differ at their ends.

    Arguments:
        text: a single line
        width: available width in pixels
        letter: width of a letter in pixels
    """
    most = int(width / letter)
    if len(text) <= most:
        return text
    return f"{text[: most // 2]}{ELLIPSIS}{text[-(most - most // 2 - 1) :]}"
