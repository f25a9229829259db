"""What clients of the Kubernetes API lost, from what each of them saw."""

import pytest

from nornir_kube_ha.failover.api_outage import ApiCost, Requests, api_cost, requests
from nornir_kube_ha.failover.outage import FOREVER, Attempt
from nornir_kube_ha.failover.probe.settings import CACHED, CUT, READ, WATCH, WRITE

HUNG = Attempt(1.0, 11.0, "timeout")


@pytest.mark.parametrize(
    ("attempts", "gap", "start"),
    [
        pytest.param([], 0.0, None, id="none"),
        pytest.param([Attempt(0, 0.01), Attempt(1, 1.02)], 0.02, 1, id="all answered"),
        pytest.param([Attempt(0, 0.1, "refused"), Attempt(1, 1.1)], 1.1, 0, id="failed at once, the next answered"),
        pytest.param([HUNG, Attempt(2, 2.5)], 1.5, 1.0, id="one hangs, the next is answered"),
        pytest.param([Attempt(1, 4), Attempt(2, 4), Attempt(3, 4.1)], 3, 1, id="all wait, and are answered"),
        pytest.param([Attempt(1, 9), Attempt(2, 2.5)], 1.5, 1, id="a later one is answered first"),
        pytest.param([Attempt(0, 0.1), HUNG], FOREVER, 1.0, id="never again"),
    ],
)
def test_gap_is_what_a_client_waits_that_tries_again(attempts: list[Attempt], gap: float, start: float | None) -> None:
    found = requests(reversed(attempts))
    assert found.gap == pytest.approx(gap)
    assert found.start == start


def test_request_that_hangs_is_reported_beside_the_gap() -> None:
    assert requests([HUNG, Attempt(2, 2.5)]) == Requests(1.5, 1.0, failed=1, total=2, slowest=10.0)


def test_each_kind_is_distinguished() -> None:
    cost = api_cost(
        [
            Attempt(0, 0.1, "HTTP 500"),
            Attempt(0.2, 0.3),
            Attempt(0, 9, "refused", connection=3),
            Attempt(0, 0.2, kind=READ),
            Attempt(0, 0.3, "reset", kind=CACHED),
            Attempt(0.4, 0.5, kind=CACHED),
            Attempt(0, 0.4, "reset", kind=WRITE),
            Attempt(0.5, 0.6, kind=WRITE),
            Attempt(0.6, 0.9, connection=1, kind=WATCH),
            Attempt(0.6, 1.6, connection=2, kind=WATCH),
            Attempt(1, 1, "timeout", connection=2, kind=CUT),
            Attempt(1, 1.1, "not opened: refused", connection=2, kind=CUT),
        ],
        lost=1,
        missed=2,
    )
    # HTTP 500 came through TLS: somebody is there. A long-lived connection is not a new one.
    assert cost.address.gap == pytest.approx(0.1)
    assert (cost.address.failed, cost.address.total) == (0, 2)
    assert cost.read.gap == pytest.approx(0.2)
    assert cost.cached.gap == pytest.approx(0.5)
    assert cost.write.gap == pytest.approx(0.6)
    assert cost.write.failed == 1
    assert cost.watch.silence == pytest.approx(1.0)
    assert (cost.watch.heard, cost.watch.ended, cost.watch.cuts, cost.watch.refused) == (2, (("timeout", 1),), 1, 1)
    assert (cost.lost, cost.missed) == (1, 2)


def test_event_that_was_never_heard_has_no_end() -> None:
    assert api_cost([Attempt(1, 5, "not heard", 1, kind=WATCH)]).watch.silence == FOREVER
    assert api_cost([]) == ApiCost()
