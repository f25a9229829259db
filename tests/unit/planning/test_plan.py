"""What differs between intent and facts: each single difference leads to exactly its change."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from nornir.core import Nornir

from nornir_kube_ha.facts import Facts, Package
from nornir_kube_ha.intent import CHECK_SCRIPT, Intent
from nornir_kube_ha.intent.config_file import ConfigFile
from nornir_kube_ha.intent.names import (
    CHECK_APISERVERS,
    CHECK_VRRP,
    CLIENTS,
    HAPROXY_CA,
    HAPROXY_CFG,
    HAPROXY_DROP_IN,
    KEEPALIVED_CONF,
    KEEPALIVED_DROP_IN,
    MANAGED_PATHS,
    TMPFILES,
    WATCH,
)
from nornir_kube_ha.inventory.load import load_intent
from nornir_kube_ha.planning.plan import PACKAGES, HostPlan, missing_packages, plan, required_packages

NornirOf = Callable[..., Nornir]
Render = Callable[..., dict[str, dict[str, ConfigFile]]]
PlanOf = Callable[[Facts], HostPlan]

RELOAD = {
    HAPROXY_CFG: ["reload haproxy"],
    HAPROXY_CA: ["reload haproxy"],
    KEEPALIVED_CONF: ["reload keepalived"],
    HAPROXY_DROP_IN: ["daemon-reload"],  # systemd reads it again; the daemon need not
    KEEPALIVED_DROP_IN: ["daemon-reload"],
    TMPFILES: [],
    WATCH: ["watch"],
    CHECK_APISERVERS: [],
    CHECK_VRRP: [],
    CLIENTS: [],
    CHECK_SCRIPT: [],  # keepalived runs what is there at the next interval
}


@pytest.fixture(scope="module")
def plan_of(intent: Intent, nornir_of: NornirOf, render: Render) -> PlanOf:
    """What differs on lb-1, whose facts are these."""
    files = tuple(render(nornir_of())["lb-1"].values())
    return lambda facts: plan(intent.node("lb-1"), files, facts)


def units(change: HostPlan) -> list[str]:
    return [str(unit) for unit in change.units]


def with_file(facts: Facts, path: str, **changes: Any) -> Facts:  # noqa: ANN401 - fields of FileFact
    return replace(facts, files={**facts.files, path: replace(facts.files[path], **changes)})


def without_file(facts: Facts, path: str) -> Facts:
    return replace(facts, files={key: file for key, file in facts.files.items() if key != path})


def with_unit(facts: Facts, name: str, **changes: Any) -> Facts:  # noqa: ANN401 - fields of Unit
    return replace(facts, units={**facts.units, name: replace(facts.units[name], **changes)})


def with_keepalived(facts: Facts, version: str) -> Facts:
    return replace(facts, packages={**facts.packages, "keepalived": Package(version)})


def test_host_without_drift_needs_nothing(plan_of: PlanOf, healthy: Mapping[str, Facts]) -> None:
    change = plan_of(healthy["lb-1"])
    assert change == HostPlan()
    assert change.is_empty
    assert change.diff == ""


@pytest.mark.parametrize("path", MANAGED_PATHS)
@pytest.mark.parametrize(
    "changes",
    [
        {"content": b"# by hand\n"},
        {"content": b"\xff\xfe\0"},
        {"content": b""},
        {"mode": "0777"},
        {"owner": "nobody"},
        {"group": "nogroup"},
    ],
    ids=["content", "binary", "empty", "mode", "owner", "group"],
)
def test_file_that_differs_is_written(
    plan_of: PlanOf, healthy: Mapping[str, Facts], path: str, changes: dict[str, Any]
) -> None:
    change = plan_of(with_file(healthy["lb-1"], path, **changes))
    assert [write.file.path for write in change.write] == [path]
    assert (change.install, change.remove) == ((), ())
    assert units(change) == RELOAD[path]
    assert path in change.diff


@pytest.mark.parametrize("path", MANAGED_PATHS)
def test_file_that_is_missing_is_written(plan_of: PlanOf, healthy: Mapping[str, Facts], path: str) -> None:
    change = plan_of(without_file(healthy["lb-1"], path))
    assert [write.file.path for write in change.write] == [path]
    assert (change.install, change.remove) == ((), ())
    assert units(change) == RELOAD[path]


@pytest.mark.parametrize("path", MANAGED_PATHS)
def test_systemd_reads_its_files_again_only_when_one_of_them_changes(
    plan_of: PlanOf, healthy: Mapping[str, Facts], path: str
) -> None:
    change = plan_of(without_file(healthy["lb-1"], path))
    assert ("daemon-reload" in units(change)) is (path in {HAPROXY_DROP_IN, KEEPALIVED_DROP_IN})


def test_unit_files_that_systemd_has_not_read_are_read(plan_of: PlanOf, healthy: Mapping[str, Facts]) -> None:
    assert units(plan_of(with_unit(healthy["lb-1"], "haproxy", needs_daemon_reload=True))) == ["daemon-reload"]


def test_run_folder_that_is_not_there_is_made(plan_of: PlanOf, healthy: Mapping[str, Facts]) -> None:
    assert units(plan_of(replace(healthy["lb-1"], has_run_folder=False))) == ["create-run-folder"]


def test_surplus_file_is_removed(nornir_of: NornirOf, render: Render, healthy: Mapping[str, Facts]) -> None:
    nornir = nornir_of(without=["apiserver_ca"])
    change = plan(load_intent(nornir).node("lb-1"), tuple(render(nornir)["lb-1"].values()), healthy["lb-1"])
    assert change.remove == (HAPROXY_CA,)
    assert [write.file.path for write in change.write] == [HAPROXY_CFG]
    assert units(change) == ["reload haproxy"]
    assert f"- {HAPROXY_CA}" in change.diff.splitlines()


def test_script_that_is_not_wanted_any_more_is_removed(
    nornir_of: NornirOf, render: Render, healthy: Mapping[str, Facts]
) -> None:
    nornir = nornir_of(group={"keepalived": {"yield_when_blind": False}, "haproxy": {"shutdown_sessions": False}})
    change = plan(load_intent(nornir).node("lb-1"), tuple(render(nornir)["lb-1"].values()), healthy["lb-1"])
    assert change.remove == (CHECK_APISERVERS,)
    assert units(change) == ["reload keepalived"]


def test_drop_ins_that_are_not_wanted_any_more_are_removed(
    nornir_of: NornirOf, render: Render, healthy: Mapping[str, Facts]
) -> None:
    nornir = nornir_of(group={"keepalived": {"events": False}})
    change = plan(load_intent(nornir).node("lb-1"), tuple(render(nornir)["lb-1"].values()), healthy["lb-1"])
    assert change.remove == (CHECK_VRRP, WATCH, HAPROXY_DROP_IN, KEEPALIVED_DROP_IN, TMPFILES)
    assert units(change) == ["daemon-reload", "reload keepalived", "watch"]  # nothing is watched any more
    stopped = with_unit(healthy["lb-1"], "keepalived", active_state="inactive", sub_state="dead")
    change = plan(load_intent(nornir).node("lb-1"), tuple(render(nornir)["lb-1"].values()), stopped)
    assert units(change) == ["daemon-reload", "start keepalived", "watch"]


@pytest.mark.parametrize("unit", ["haproxy", "keepalived"])
@pytest.mark.parametrize(
    ("changes", "verbs"),
    [
        ({"enabled": False}, ["enable"]),
        ({"active_state": "inactive", "sub_state": "dead"}, ["start"]),
        ({"active_state": "failed", "sub_state": "failed"}, ["start"]),
        ({"active_state": "activating", "sub_state": "auto-restart"}, ["start"]),
        ({"exists": False, "enabled": False, "active_state": "inactive", "sub_state": "dead"}, ["enable", "start"]),
    ],
)
def test_unit_is_asked_for_what_it_lacks(
    plan_of: PlanOf, healthy: Mapping[str, Facts], unit: str, changes: dict[str, Any], verbs: list[str]
) -> None:
    change = plan_of(with_unit(healthy["lb-1"], unit, **changes))
    assert units(change) == [f"{verb} {unit}" for verb in verbs]
    assert (change.install, change.write, change.remove) == ((), (), ())


@pytest.mark.parametrize(
    ("pending", "asked"),
    [
        (("haproxy",), ["reload haproxy"]),
        (("keepalived", "haproxy"), ["reload haproxy", "reload keepalived"]),
        (("somebody-else",), []),
    ],
)
def test_unit_that_an_earlier_run_did_not_reload_is_reloaded(
    plan_of: PlanOf, healthy: Mapping[str, Facts], pending: tuple[str, ...], asked: list[str]
) -> None:
    change = plan_of(replace(healthy["lb-1"], pending=pending))
    assert units(change) == asked
    assert not change.touches_files


def test_watch_that_the_kernel_has_lost_is_set_again(plan_of: PlanOf, healthy: Mapping[str, Facts]) -> None:
    forgotten = replace(healthy["lb-1"], watches=False)
    assert units(plan_of(forgotten)) == ["watch"]
    stopped = with_unit(forgotten, "keepalived", active_state="inactive", sub_state="dead")
    assert units(plan_of(stopped)) == ["start keepalived"]  # which begins with that


INTRODUCE_ALL = "introduce check-apiservers check-haproxy check-vrrp remember-clients"


@pytest.mark.parametrize("version", ["1:2.1.5-0.2+deb11u1", "2.2.4"])
@pytest.mark.parametrize(
    ("before", "introduced"),
    [
        (
            b"vrrp_script check-haproxy {\n}\nvrrp_script check-apiservers {\n}\n",
            "introduce check-vrrp remember-clients",
        ),
        (
            b"vrrp_script check-haproxy{\n}\n# vrrp_script check-vrrp {\n",
            "introduce check-apiservers check-vrrp remember-clients",
        ),
        (b"vrrp_script chk_haproxy {\n}\n", INTRODUCE_ALL),  # the guide's
        (b"\xff\0", INTRODUCE_ALL),
        (b"", INTRODUCE_ALL),
    ],
)
def test_old_keepalived_runs_new_scripts_before_it_waits_for_them(
    plan_of: PlanOf, healthy: Mapping[str, Facts], version: str, before: bytes, introduced: str
) -> None:
    facts = with_file(with_keepalived(healthy["lb-1"], version), KEEPALIVED_CONF, content=before)
    assert units(plan_of(facts)) == [introduced, "reload keepalived"]


def test_keepalived_that_keeps_the_vip_with_new_scripts_is_reloaded_once(
    plan_of: PlanOf, healthy: Mapping[str, Facts]
) -> None:
    facts = with_file(with_keepalived(healthy["lb-1"], "2.2.5"), KEEPALIVED_CONF, content=b"")
    assert units(plan_of(facts)) == ["reload keepalived"]


def test_old_keepalived_that_has_all_scripts_is_reloaded_once(plan_of: PlanOf, healthy: Mapping[str, Facts]) -> None:
    facts = with_keepalived(healthy["lb-1"], "2.1.5")
    more = facts.files[KEEPALIVED_CONF].content + b"vrrp_script another {\n}\n"
    assert units(plan_of(with_file(facts, KEEPALIVED_CONF, content=more))) == ["reload keepalived"]


def test_old_keepalived_in_an_unknown_state_runs_all_scripts_first(
    plan_of: PlanOf, healthy: Mapping[str, Facts]
) -> None:
    facts = with_keepalived(healthy["lb-1"], "2.1.5")
    assert units(plan_of(replace(facts, pending=("keepalived",)))) == [INTRODUCE_ALL, "reload keepalived"]
    stopped = with_unit(replace(facts, pending=("keepalived",)), "keepalived", active_state="failed")
    assert units(plan_of(stopped)) == ["start keepalived"]


def test_unit_that_does_not_run_is_started_rather_than_reloaded(plan_of: PlanOf, healthy: Mapping[str, Facts]) -> None:
    facts = with_unit(replace(healthy["lb-1"], pending=("haproxy",)), "haproxy", active_state="failed")
    assert units(plan_of(without_file(facts, HAPROXY_CFG))) == ["start haproxy"]


@pytest.mark.parametrize("package", PACKAGES)
@pytest.mark.parametrize("seen", [None, Package(None, "1.0"), Package(None)])
def test_package_that_is_missing_is_installed(
    plan_of: PlanOf, healthy: Mapping[str, Facts], package: str, seen: Package | None
) -> None:
    packages = {name: value for name, value in healthy["lb-1"].packages.items() if name != package}
    facts = replace(healthy["lb-1"], packages=packages | ({package: seen} if seen else {}))
    change = plan_of(facts)
    assert change.install == (package,)
    assert not change.touches_files
    assert change.diff == f"+ package {package}"


def test_pinned_package_that_is_missing_is_installed_in_its_version(
    nornir_of: NornirOf, facts_from: Callable[[str], Facts]
) -> None:
    node = load_intent(nornir_of(group={"packages": {"haproxy": "2.6.12-1+deb12u2"}})).node("lb-1")
    missing = missing_packages(node, facts_from("facts-bare"))
    assert missing[:2] == ("haproxy 2.6.12-1+deb12u2", "keepalived")
    change = HostPlan(install=missing[:1])
    assert (change.steps, change.diff) == (("install haproxy 2.6.12-1+deb12u2",), "+ package haproxy 2.6.12-1+deb12u2")


def test_missing_packages_have_the_hosts_own_names(nornir_of: NornirOf, facts_from: Callable[[str], Facts]) -> None:
    node = load_intent(nornir_of()).node("lb-1")
    missing = missing_packages(node, replace(facts_from("facts-bare"), package_manager="dnf"))
    assert missing == (
        *("haproxy", "keepalived", "curl", "iputils", "nftables", "openssl"),
        *("python3", "socat", "tcpdump"),
    )


@pytest.mark.parametrize("script", ["killall -0 haproxy", "/usr/bin/killall -0 haproxy"])
def test_script_that_asks_killall_needs_its_package(nornir_of: NornirOf, script: str) -> None:
    intent = load_intent(nornir_of(group={"keepalived": {"check": {"script": script}}}))
    assert required_packages(intent.node("lb-1")) == (*PACKAGES, "psmisc")


def test_host_without_anything_needs_everything(
    plan_of: PlanOf, facts_from: Callable[[str], Facts], healthy: Mapping[str, Facts]
) -> None:
    change = plan_of(facts_from("facts-bare"))
    assert change.install == PACKAGES
    assert {write.file.path for write in change.write} == set(healthy["lb-1"].files)
    assert units(change) == [
        "daemon-reload",
        "create-run-folder",
        "enable haproxy",
        "start haproxy",
        "enable keepalived",
        "start keepalived",
    ]


def test_change_of_the_inventory_changes_exactly_the_files_that_it_should(
    nornir_of: NornirOf, render: Render, healthy: Mapping[str, Facts]
) -> None:
    def changed(**overrides: Any) -> dict[str, tuple[set[str], list[str]]]:  # noqa: ANN401 - nornir_of's own
        nornir = nornir_of(**overrides)
        intent, files = load_intent(nornir), render(nornir)
        plans = {host: plan(intent.node(host), tuple(files[host].values()), healthy_of(host)) for host in files}
        return {host: (set(each.paths), units(each)) for host, each in plans.items() if not each.is_empty}

    def healthy_of(host: str) -> Facts:
        return healthy[host]

    haproxy = ({HAPROXY_CFG}, ["reload haproxy"])
    keepalived = ({KEEPALIVED_CONF}, ["reload keepalived"])
    hosts = ("lb-1", "lb-2", "lb-3")
    assert changed() == {}
    assert changed(group={"haproxy": {"fall": 3}}) == dict.fromkeys(hosts, haproxy)
    assert changed(group={"keepalived": {"advert_int": 0.2}}) == dict.fromkeys(hosts, keepalived)
    assert changed(hosts={"lb-2": {"keepalived": {"priority": 115}}}) == {"lb-2": keepalived}
    assert changed(hosts={"lb-2": {"keepalived": {"router_id": "lb-two"}}}) == {"lb-2": keepalived}
    peers = ({HAPROXY_CFG, KEEPALIVED_CONF, CHECK_APISERVERS}, ["reload haproxy", "reload keepalived"])
    own = ({KEEPALIVED_CONF, KEEPALIVED_DROP_IN, CHECK_VRRP, CHECK_APISERVERS}, ["daemon-reload", "reload keepalived"])
    assert changed(hosts={"lb-3": {"address": "192.0.2.99"}}) == {"lb-1": peers, "lb-2": peers, "lb-3": own}
    assert changed(group={"keepalived": {"preempt": True}}) == dict.fromkeys(hosts, keepalived)
    assert changed(group={"keepalived": {"yield_when_blind": False}}) == dict.fromkeys(hosts, ({CHECK_APISERVERS}, []))
    assert changed(group={"haproxy": {"shutdown_sessions": False}}) == dict.fromkeys(hosts, ({CHECK_APISERVERS}, []))
    assert changed(hosts={"lb-3": {"interface": "eth1"}}) == {
        "lb-3": ({KEEPALIVED_CONF, KEEPALIVED_DROP_IN, WATCH}, ["daemon-reload", "reload keepalived", "watch"])
    }
    assert changed(group={"control_plane_endpoint": "192.0.2.10:8443"}) == {}
