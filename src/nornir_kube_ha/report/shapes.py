"""What a picture is made of: boxes, lines, texts, and the measures that they are laid out by."""

from dataclasses import dataclass

ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"


@dataclass(frozen=True, slots=True)
class Layout:
    """Measures of a picture, in pixels.

    Arguments:
        name: also its class in the page's style
        width: of the whole
        columns: left edge and width of client, VIP, nodes and apiservers
        node: height of a node
        stacked: client and VIP stand above the nodes, not left of them
        padding: within a box
        letters: width of a letter of a name, of the small print and of a badge; all is monospaced
    """

    name: str
    width: int
    columns: tuple[tuple[int, int], tuple[int, int], tuple[int, int], tuple[int, int]]
    node: int
    stacked: bool
    padding: int
    letters: tuple[float, float, float]

    def most(self, column: int) -> float:
        """How many letters a name in this column may have.

        Arguments:
            column: 0 for the client's, and on
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
    """A line of text in a box, or a badge if it has a width.

    Arguments:
        x: left edge
        y: base line
        text: cut to what fits
        kind: class in the page's style
        width: of its frame, 0 for none
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
        kind: class in the page's style
        title: all that it stands for, uncut
        texts: what is written in it
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
        """Where lines meet it."""
        return self.y + self.height / 2

    @property
    def right(self) -> float:
        """Its right edge."""
        return self.x + self.width


@dataclass(frozen=True, slots=True)
class Line:
    """A line between two boxes.

    Arguments:
        path: as SVG has it
        kind: class in the page's style
        title: what it says
        mark: path of an arrow or a cross upon it, never dashed
    """

    path: str
    kind: str
    title: str
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """All that is to be drawn.

    Arguments:
        layout: where it was laid out for
        height: of the whole, in pixels
        headings: above the columns
        lines: in the order in which they are drawn, below the boxes
        boxes: in any order
    """

    layout: Layout
    height: float
    headings: tuple[Text, ...]
    lines: tuple[Line, ...]
    boxes: tuple[Box, ...]


def cut(text: str, width: float, letter: float) -> str:
    """Short enough for its place. The middle goes: names of one site differ at their ends.

    Arguments:
        text: on one line
        width: of its place, pixels
        letter: width of a letter, pixels
    """
    most = int(width / letter)
    if len(text) <= most:
        return text
    return f"{text[: most // 2]}{ELLIPSIS}{text[-(most - most // 2 - 1) :]}"
