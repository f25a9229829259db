"""Texts for people."""

import pytest

from nornir_kube_ha.text import named


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (1, "lb-1"),
        (8, "lb-1, lb-2, lb-3, lb-4, lb-5, lb-6, lb-7, lb-8"),
        (999, "lb-1, lb-2, lb-3, lb-4 and 995 more hosts"),
    ],
)
def test_line_of_progress_names_a_few_hosts(count: int, words: str) -> None:
    assert named([f"lb-{number}" for number in range(1, count + 1)]) == words
