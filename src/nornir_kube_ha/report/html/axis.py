"""The time axis of a timeline: which part of a trial is drawn, and the position of a moment in the picture."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from nornir_kube_ha.failover.outage import FOREVER, Outage
from nornir_kube_ha.failover.trial import Trial

ROOM = 0.35  # margin on both sides of a closer look, as a share of its length
LEAST_ROOM = 0.1  # seconds, the smallest margin
CLOSER = 3  # smallest magnification of a closer look that is worth drawing
STEPS = (1, 2, 5, 10)


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The part of a trial that is drawn.

    Arguments:
        name: which part, `Around the fault`
        start: in seconds; zero is the start of the injection
        end: in seconds
    """

    name: str
    start: float
    end: float

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Axis:
    """The scale of a timeline.

    Arguments:
        excerpt: part that is drawn
        left: left end in pixels
        right: right end in pixels
    """

    excerpt: Excerpt
    left: float
    right: float

    def x(self, moment: float) -> float:
        """Return the position of a moment in pixels; a moment outside the excerpt is at its edge.

        Arguments:
            moment: in seconds
        """
        share = (moment - self.excerpt.start) / self.excerpt.seconds
        return self.left + min(1.0, max(0.0, share)) * (self.right - self.left)

    def shows(self, start: float, end: float) -> bool:
        """Return whether a period overlaps the excerpt.

        Arguments:
            start: in seconds
            end: in seconds
        """
        return start <= self.excerpt.end and end >= self.excerpt.start

    def ticks(self, apart: float) -> Iterator[tuple[float, str]]:
        """Yield round moments as position and label.

        Arguments:
            apart: smallest distance of two ticks, in pixels
        """
        least = self.excerpt.seconds * apart / (self.right - self.left)
        power = math.floor(math.log10(least))
        step = next(each for each in STEPS if each * 10.0**power >= least * 0.999)
        size, decimals = step * 10.0**power, max(0, -power - (step == STEPS[-1]))
        first, last = math.ceil(self.excerpt.start / size), math.floor(self.excerpt.end / size)
        yield from ((self.x(number * size), f"{number * size:.{decimals}f} s") for number in range(first, last + 1))


def excerpts(trial: Trial) -> tuple[Excerpt, ...]:
    """Return the excerpts to draw: the whole trial, then close-ups of the fault and the heal where they are short."""
    whole = _whole(trial)
    heal = FOREVER if trial.heal is None else trial.heal
    moves = [at for at, _ in trial.moves]
    fault = [*_edges((trial.new, trial.reused)), *(at for at in moves if 0 <= at < heal)]
    after = [*_edges((trial.after, trial.after_reused)), *(at for at in moves if at >= heal)]
    found = (_near("Around the fault", [0, trial.made], fault, whole), _near("Around the heal", [heal], after, whole))
    return (whole, *(each for each in found if each))


def _edges(outages: Iterable[Outage]) -> Iterator[float]:
    for outage in outages:
        if outage.start is not None and outage.end is not None:
            yield from (outage.start, outage.end)


def _whole(trial: Trial) -> Excerpt:
    known = [0.0, trial.made, *(each for each in (trial.heal, trial.healed) if each is not None)]
    if trial.holding:
        known += [trial.holding.start, trial.holding.end]
    known += [each.start for each in trial.attempts]
    start, end = min(known), max(known)
    return Excerpt("The whole trial", start, end if end > start else start + 1)


def _near(name: str, marks: list[float], edges: list[float], whole: Excerpt) -> Excerpt | None:
    found = [*marks, *edges]
    if not edges or FOREVER in found:
        return None
    room = max(LEAST_ROOM, ROOM * (max(found) - min(found)))
    start, end = max(whole.start, min(found) - room), min(whole.end, max(found) + room)
    return Excerpt(name, start, end) if 0 < end - start <= whole.seconds / CLOSER else None
