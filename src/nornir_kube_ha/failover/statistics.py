"""Median, 99th percentile and maximum of a figure."""

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Statistics:
    """Statistics of a figure over trials.

    Arguments:
        median: half of the trials had no more
        p99: 99 % of the trials had no more
        maximum: the highest value
    """

    median: float = 0.0
    p99: float = 0.0
    maximum: float = 0.0

    @classmethod
    def of(cls, values: Iterable[float]) -> "Statistics":
        """Return the statistics by nearest rank, so that each is a measured value.

        Arguments:
            values: the figures; all statistics are zero if there are none
        """
        ranked = sorted(values)
        if not ranked:
            return cls()
        return cls(_rank(ranked, 50), _rank(ranked, 99), ranked[-1])


def _rank(ranked: list[float], percent: int) -> float:
    return ranked[max(0, math.ceil(len(ranked) * percent / 100) - 1)]
