"""The stats page's password that nobody gives: made up once, and then what the hosts keep."""

from collections.abc import Callable, Mapping

import pytest
from nornir.core import Nornir
from tests.support.passwords import ASKED, keeping, passwords

from nornir_kube_ha.errors import Problem
from nornir_kube_ha.facts import Facts
from nornir_kube_ha.intent import Intent, weakness_of
from nornir_kube_ha.intent.config_file import ConfigFile
from nornir_kube_ha.intent.names import HAPROXY_CFG
from nornir_kube_ha.inventory.load import load_intent
from nornir_kube_ha.planning.generated_password import with_kept_passwords
from nornir_kube_ha.rollout.preflight import blockers

NornirOf = Callable[..., Nornir]
Render = Callable[..., dict[str, dict[str, ConfigFile]]]
OTHER = {"cluster": "other", "vip": "192.0.2.20/24", "virtual_router_id": 69}


@pytest.fixture
def nornir(nornir_of: NornirOf) -> Nornir:
    """An inventory that gives no password."""
    return nornir_of(defaults=ASKED)


def test_one_password_is_generated_for_each_cluster_and_each_time(nornir_of: NornirOf) -> None:
    others = {"lb-4": {"role": "master", **OTHER}, "lb-5": {"role": "backup", **OTHER}}
    nornir = nornir_of(others, defaults=ASKED)
    first, again = passwords(load_intent(nornir)), passwords(load_intent(nornir))
    assert first["lb-1"] == first["lb-2"] == first["lb-3"] != first["lb-4"] == first["lb-5"]
    assert not {*first.values()} & {*again.values()}
    assert [weakness_of(each) for each in first.values()] == [""] * 5


def test_what_hosts_keep_goes_before_it(nornir: Nornir, render: Render, healthy: Mapping[str, Facts]) -> None:
    first = load_intent(nornir)
    kept = passwords(first)["lb-1"]
    file = render(nornir)["lb-3"][HAPROXY_CFG]
    assert kept not in file.content  # each load makes up another
    [line] = [each.strip() for each in file.content.splitlines() if "stats auth" in each]
    seen = {**healthy, "lb-2": keeping(healthy["lb-2"], line.replace("'admin:", "'admin:kept-by-lb-2-"))}
    del seen["lb-1"]
    assert {each[:13] for each in passwords(with_kept_passwords(first, seen)).values()} == {"kept-by-lb-2-"}


@pytest.mark.parametrize(
    "line",
    [
        "stats auth 'somebody:else-has-this-one'",
        "stats auth 'admin:short'",
        "stats auth 'admin:with a blank in it'",
        "# none",
    ],
)
def test_other_passwords_are_not_taken(nornir: Nornir, facts_from: Callable[[str], Facts], line: str) -> None:
    intent, bare = load_intent(nornir), facts_from("facts-bare")
    seen = {"lb-1": keeping(bare, line), "lb-2": bare}
    assert with_kept_passwords(intent, seen) == intent


@pytest.mark.parametrize("quote", ["'", '"', ""])
def test_line_of_our_user_counts_wherever_it_stands(
    nornir: Nornir, facts_from: Callable[[str], Facts], quote: str
) -> None:
    line = f"stats auth 'viewer:not-the-one-that-is-ours'\n    stats  auth {quote}admin:kept-on-this-host{quote}"
    seen = {"lb-3": keeping(facts_from("facts-bare"), line)}
    assert {*passwords(with_kept_passwords(load_intent(nornir), seen)).values()} == {"kept-on-this-host"}


def test_password_that_is_given_stays(intent: Intent, healthy: Mapping[str, Facts]) -> None:
    seen = {name: keeping(facts, "stats auth 'admin:another-password'") for name, facts in healthy.items()}
    assert with_kept_passwords(intent, seen) is intent


def test_password_both_given_and_generated_is_refused(
    nornir_of: NornirOf, problems_of: Callable[[Nornir], tuple[Problem, ...]]
) -> None:
    problem = problems_of(nornir_of(group=ASKED))[0]
    assert (problem.key, "remove one of them" in problem.message) == ("haproxy.stats.generate_password", True)


def test_host_whose_peers_keep_one_unseen_gets_none(nornir: Nornir, facts_from: Callable[[str], Facts]) -> None:
    intent, bare = load_intent(nornir), facts_from("facts-bare")
    cluster, node = intent.clusters[0], intent.node("lb-1")
    [words] = blockers(cluster, node, {"lb-1": bare})
    assert words == "the stats page's password is only on hosts without facts: lb-2, lb-3"
    assert blockers(cluster, node, dict.fromkeys(("lb-1", "lb-2", "lb-3"), bare)) == ()
    kept = keeping(bare, "stats auth 'admin:kept-by-one-of-them'")
    assert blockers(cluster, node, {"lb-1": bare, "lb-2": kept}) == ()
