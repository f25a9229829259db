"""Whether a planned move of the VIP has left anything behind."""

import pytest
from tests.support.changes import Hosts, assert_red, facts, findings_of

from nornir_kube_ha.checks import Status
from nornir_kube_ha.facts import Moves
from nornir_kube_ha.facts.moves import moves


@pytest.mark.field_report("I2")
@pytest.mark.parametrize(
    ("files", "seen"),
    [
        ({"vip-wanted": "-59"}, "/run/kube-ha/vip-wanted adds -59 to its priority"),
        ({"vip-wanted": "80", "vip-released": "0"}, "/run/kube-ha/vip-wanted adds 80"),
        ({"vip-released": "1"}, "/run/kube-ha/vip-released says 1"),
        ({"vip-wanted": "what"}, "adds what"),
        ({"kube-ha-forwards-192.0.2.10": "there"}, "connections from before a move of 192.0.2.10"),
        ({"kube-ha-keeps-192.0.2.10": "there"}, "connections from before a move of 192.0.2.10"),
    ],
)
def test_move_that_is_not_over_is_warned_of(host_view: Hosts, files: dict[str, str], seen: str) -> None:
    view = host_view(change=facts(moves=Moves(files)))
    assert_red(view, "keepalived.moved", "lb-1 has its own priority", seen, "within a minute", status=Status.WARN)


@pytest.mark.parametrize(
    "files", [{}, {"vip-wanted": "0", "vip-released": "0"}, {"vip-wanted-69": "5", "kube-ha-keeps-192.0.2.99": "there"}]
)
def test_files_at_rest_and_those_of_no_router_say_nothing(host_view: Hosts, files: dict[str, str]) -> None:
    view = host_view(change=facts(moves=Moves(files)))
    assert findings_of(view)["keepalived.moved"].status is Status.PASS


def test_preference_lasts_as_expected_where_nodes_preempt(host_view: Hosts) -> None:
    def status(word: str) -> Status:
        view = host_view(change=facts(moves=Moves({"vip-wanted": word})), group={"keepalived": {"preempt": True}})
        return findings_of(view)["keepalived.moved"].status

    assert (status("80"), status("-59")) == (Status.PASS, Status.WARN)


def test_lines_without_a_word_are_left_out() -> None:
    assert moves("vip-wanted 5\nvip-released \n\nx\n") == Moves({"vip-wanted": "5"})
