"""Packages and files: what is missing, what differs, and what is left over."""

import pytest
from tests.support.changes import (
    Change,
    Hosts,
    assert_red,
    facts,
    file,
    findings_of,
    only_red,
    package,
    together,
    without_file,
)

from nornir_kube_ha.checks import Status
from nornir_kube_ha.checks.files import LONGEST_DIFF
from nornir_kube_ha.facts import Package
from nornir_kube_ha.intent.names import HAPROXY_CA, HAPROXY_CFG, HAPROXY_DROP_IN, RUN_FOLDER
from nornir_kube_ha.planning.plan import PACKAGES


@pytest.mark.parametrize("name", PACKAGES)
@pytest.mark.parametrize("found", [None, Package(None, "1.0"), Package(None)], ids=["unknown", "to be had", "nowhere"])
def test_package_that_is_missing_is_named(host_view: Hosts, name: str, found: Package | None) -> None:
    assert_red(host_view(change=package(name, found)), "packages.installed", name, f"missing: {name}", "run deploy")


def test_packages_are_shown_with_their_versions(host_view: Hosts) -> None:
    finding = findings_of(host_view())["packages.installed"]
    assert (finding.expected, finding.status) == (", ".join(PACKAGES), Status.PASS)
    assert "haproxy 2.6.12-1+deb12u4, " in finding.seen


PIN = {"packages": {"haproxy": "2.6.12-1+deb12u2"}}


def test_package_of_another_version_than_pinned_is_warned_of(host_view: Hosts) -> None:
    finding = findings_of(host_view(group=PIN))["packages.pinned"]
    assert (finding.status, finding.expected, finding.seen) == (
        Status.WARN,
        "haproxy 2.6.12-1+deb12u2",
        "haproxy 2.6.12-1+deb12u4",
    )
    assert "--allow-downgrade" in finding.next


def test_pinned_package_that_is_missing_fails_no_other_check(host_view: Hosts) -> None:
    view = host_view(change=package("haproxy", None), group=PIN)
    finding = findings_of(view)["packages.pinned"]
    assert (finding.status, finding.seen) == (Status.PASS, "haproxy not installed")


def test_package_of_a_check_script_is_wanted_too(host_view: Hosts) -> None:
    view = host_view(group={"keepalived": {"check": {"script": "/usr/bin/killall -0 haproxy"}}})
    assert_red(view, "packages.installed", "psmisc", "missing: psmisc", "run deploy")


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        pytest.param(file(HAPROXY_CFG, content=b"# by hand\n"), "-# by hand", id="content"),
        pytest.param(file(HAPROXY_CFG, mode="0644"), "0644 root:haproxy", id="mode"),
        pytest.param(file(HAPROXY_CFG, owner="haproxy"), "0640 haproxy:haproxy", id="owner"),
        pytest.param(file(HAPROXY_CFG, group="root"), "0640 root:root", id="group"),
        pytest.param(without_file(HAPROXY_CA), f"{HAPROXY_CA} differs", id="gone"),
        pytest.param(facts(has_run_folder=False), f"{RUN_FOLDER} is missing", id="no run folder"),
    ],
)
def test_file_that_differs_turns_red(host_view: Hosts, change: Change, seen: str) -> None:
    # A haproxy.cfg that differs may also lack the stats page's password, which is another check's matter.
    findings = findings_of(host_view(change=change))
    assert findings["files.intended"].status is Status.FAIL
    assert {id_ for id_, each in findings.items() if each.status is Status.FAIL} <= {
        *("files.intended", "haproxy.stats_password")
    }
    assert "content, mode and owner" in findings["files.intended"].expected
    assert seen in findings["files.intended"].seen
    assert "deploy --dry-run --diff" in findings["files.intended"].next


def test_every_file_that_differs_is_named(host_view: Hosts) -> None:
    seen = only_red(host_view(change=together(without_file(HAPROXY_CA), file(HAPROXY_DROP_IN, mode="0600")))).seen
    assert f"{HAPROXY_CA} differs:\n" in seen
    assert f"{HAPROXY_DROP_IN} differs:\n" in seen


def test_file_that_should_not_be_there_is_named(host_view: Hosts) -> None:
    left_over = host_view().facts.files
    view = host_view(change=facts(files=left_over), group={"keepalived": {"events": False}})
    assert f"{HAPROXY_DROP_IN} exists, expected none" in findings_of(view)["files.intended"].seen


def test_run_folder_is_not_needed_where_events_are_off(host_view: Hosts) -> None:
    view = host_view(change=facts(has_run_folder=False), group={"keepalived": {"events": False}})
    assert findings_of(view)["files.intended"].status is Status.PASS


def test_long_diff_is_cut_and_says_so(host_view: Hosts) -> None:
    stranger = "".join(f"# {number}\n" for number in range(200)).encode()
    lines = findings_of(host_view(change=file(HAPROXY_CFG, content=stranger)))["files.intended"].seen.split("\n")
    assert len(lines) == LONGEST_DIFF + 1
    assert lines[-1].startswith("... and ")


def test_leftovers_are_named_after_a_long_diff(host_view: Hosts) -> None:
    stranger = b"#\n" * 200
    view = host_view(change=together(file(HAPROXY_CFG, content=stranger), facts(has_run_folder=False)))
    assert findings_of(view)["files.intended"].seen.endswith(f"{RUN_FOLDER} is missing")


def test_secret_in_a_diff_is_masked(host_view: Hosts) -> None:
    view = host_view(change=file(HAPROXY_CFG, content=b"    stats auth 'admin:a-secret-of-somebody'\n"))
    assert "a-secret-of-somebody" not in findings_of(view)["files.intended"].seen
