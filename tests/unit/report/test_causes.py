"""Which failed check explains which."""

from collections.abc import Iterable

import pytest
from tests.support.defects import CLUSTER, DEFECTS, Defect

from nornir_kube_ha.checks import CHECKS, Finding, Status
from nornir_kube_ha.report.causes import CAUSES, with_causes

HOSTS = ("lb-1", "lb-2", "lb-3")
Causes = dict[tuple[str, str], str]


def found(red: Iterable[str], status: Status = Status.FAIL) -> tuple[Finding, ...]:
    return tuple(Finding(name, status, "", "") for name in red)


def causes_of(hosts: dict[str, tuple[Finding, ...]], cluster: tuple[Finding, ...] = ()) -> Causes:
    of_hosts, of_cluster = with_causes(hosts, cluster, CLUSTER)
    return {
        (where, each.id): each.cause for where, found in [*of_hosts.items(), (CLUSTER, of_cluster)] for each in found
    }


def test_table_names_checks_and_has_no_circle() -> None:
    assert {*CAUSES, *(cause for causes in CAUSES.values() for cause in causes)} <= {*CHECKS}

    def depth(check: str, *before: str) -> int:
        assert check not in before
        return 1 + max((depth(each, check, *before) for each in CAUSES.get(check, ())), default=0)

    assert max(map(depth, CAUSES)) > 1


def of_defect(name: str) -> Causes:
    """The causes in the report of a defect that the lab injects."""
    defect: Defect = next(each for each in DEFECTS if each.name == name)
    return causes_of({host: found(defect.red.get(host, ())) for host in HOSTS}, found(defect.red.get(CLUSTER, ())))


@pytest.mark.parametrize(
    ("defect", "cause"),
    [
        ("haproxy stopped on a backup", "lb-2: haproxy.active"),
        ("keepalived stopped on a backup", "lb-3: keepalived.active"),
        ("the apiserver port closed on a backup", "lb-3: host.firewall"),
        ("a certificate that does not name the VIP", f"{CLUSTER}: apiserver.certificates"),
    ],
)
def test_one_defect_is_one_cause(defect: str, cause: str) -> None:
    causes = of_defect(defect)
    place, check = cause.split(": ")
    assert causes.pop((place, check)) == ""
    assert {*causes.values()} == {cause}


def test_cause_of_a_cause_is_named() -> None:
    both = found(["haproxy.active", "haproxy.listening"])
    causes = causes_of(
        {"lb-1": both, "lb-2": ()}, found(["haproxy.reached_by_peers", "haproxy.peers", "haproxy.clients"])
    )
    assert {*causes.values()} == {"", "lb-1: haproxy.active"}


def test_another_hosts_check_explains_nothing_and_a_warning_no_failure() -> None:
    assert causes_of({"lb-1": found(["haproxy.active"]), "lb-2": found(["haproxy.listening"])}) == {
        ("lb-1", "haproxy.active"): "",
        ("lb-2", "haproxy.listening"): "",
    }
    warned = found(["packages.installed"], Status.WARN) + found(["haproxy.apiservers_up"])
    assert {*causes_of({"lb-1": warned}).values()} == {""}
    unknown = found(["haproxy.active"]) + found(["haproxy.listening"], Status.UNKNOWN)
    assert {*causes_of({"lb-1": unknown}).values()} == {""}
