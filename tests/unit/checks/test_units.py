"""The two daemons as units: running, enabled, stable, and running on what is there now."""

from dataclasses import replace

import pytest
from tests.support.changes import (
    Change,
    Hosts,
    assert_red,
    assert_unmade,
    facts,
    file,
    findings_of,
    only_red,
    together,
    unit,
)

from nornir_kube_ha.checks import Status
from nornir_kube_ha.checks.units import FLAPPING
from nornir_kube_ha.facts import Command, ConfigCheck, Facts, Loaded, LoadedFile
from nornir_kube_ha.intent.keepalived import CHECK_SCRIPT
from nornir_kube_ha.intent.names import HAPROXY_CA, HAPROXY_CFG, HAPROXY_DROP_IN, KEEPALIVED_CONF

BOTH = pytest.mark.parametrize("name", ["haproxy", "keepalived"])


@BOTH
@pytest.mark.parametrize(
    ("changes", "seen"),
    [
        pytest.param({"active_state": "inactive", "sub_state": "dead"}, "inactive (dead)", id="stopped"),
        pytest.param({"active_state": "failed", "sub_state": "failed"}, "failed (failed)", id="failed"),
        pytest.param(
            {"active_state": "failed", "sub_state": "failed", "journal": ("a", "b")},
            "failed (failed)\na\nb",
            id="with its journal",
        ),
        pytest.param(
            {"active_state": "activating", "sub_state": "auto-restart"}, "activating (auto-restart)", id="in a loop"
        ),
        pytest.param({"active_state": "deactivating", "sub_state": "stop"}, "deactivating (stop)", id="stopping"),
        pytest.param({"active_state": "inactive", "exists": False, "started": None}, "not installed", id="not there"),
    ],
)
def test_unit_that_does_not_run_turns_red(host_view: Hosts, name: str, changes: dict[str, object], seen: str) -> None:
    view = host_view(change=unit(name, **changes))
    assert_red(view, f"{name}.active", "active (running)", seen, f"journalctl -u {name}")
    findings = findings_of(view)
    for question in ("stable", "up_to_date"):  # of what does not run, nobody can tell
        assert findings[f"{name}.{question}"].status is Status.SKIP
        assert "not running: " in findings[f"{name}.{question}"].seen


@BOTH
def test_unit_that_reads_its_files_again_runs(host_view: Hosts, name: str) -> None:
    findings = findings_of(host_view(change=unit(name, active_state="reloading", sub_state="reload")))
    assert {finding.status for finding in findings.values()} == {Status.PASS}


@BOTH
def test_unit_that_does_not_start_at_boot_turns_red(host_view: Hosts, name: str) -> None:
    view = host_view(change=unit(name, enabled=False))
    assert_red(view, f"{name}.enabled", "enabled at boot", "not enabled", f"systemctl enable {name}")


def restarted(name: str, times: int, seconds_ago: float) -> Change:
    def change(found: Facts) -> Facts:
        return unit(name, restarts=times, started=found.clock.now - seconds_ago)(found)

    return change


@BOTH
def test_unit_that_ended_by_itself_lately_is_warned_of(host_view: Hosts, name: str) -> None:
    assert_red(
        host_view(change=restarted(name, 3, 61)),
        f"{name}.stable",
        "within 10 minutes",
        "restarted 3 times, last 61 s ago",
        f"`systemctl restart {name}` resets the count",
        status=Status.WARN,
    )


@BOTH
@pytest.mark.parametrize(
    ("times", "seconds_ago"),
    [pytest.param(3, FLAPPING, id="long ago"), pytest.param(0, 1, id="started by hand")],
)
def test_unit_that_has_not_ended_lately_is_stable(host_view: Hosts, name: str, times: int, seconds_ago: int) -> None:
    findings = findings_of(host_view(change=restarted(name, times, seconds_ago)))
    assert findings[f"{name}.stable"].status is Status.PASS
    assert ("never restarted" in findings[f"{name}.stable"].seen) is (times == 0)


def modified(path: str, seconds: float) -> Change:
    """A file that changed so long after its daemon was last told of it."""

    def change(found: Facts) -> Facts:
        told = found.units["keepalived"].told if path == KEEPALIVED_CONF else found.worker_started
        return file(path, modified=int((told or 0) + seconds))(found)

    return change


def command(path: str) -> Command:
    return Command(("haproxy", "-f", path), (LoadedFile(path, 0),))


def also_read(name: str, path: str, other: str, seconds: float) -> Change:
    """A further file that the daemon reads, and that changed so long after it was told."""

    def change(found: Facts) -> Facts:
        told = int((found.units[name].told or 0) + seconds)
        running = Command((name,), (LoadedFile(path, 0), LoadedFile(other, told)))
        return unit(name, loaded=Loaded(running=running))(found)

    return change


@pytest.mark.field_report(
    "A4",
    "needrestart#270",
    "Both daemons run replaced libraries, and nothing says so.",
    "up_to_date names the libraries; deploy and upgrade reload haproxy and restart keepalived.",
)
@pytest.mark.parametrize(
    ("check", "change", "seen"),
    [
        pytest.param(
            "haproxy.up_to_date",
            unit("haproxy", needs_daemon_reload=True),
            "systemd has not reloaded haproxy's changed unit files",
            id="haproxy's unit files",
        ),
        pytest.param(
            "keepalived.up_to_date",
            unit("keepalived", needs_daemon_reload=True),
            "systemd has not reloaded keepalived's changed unit files",
            id="keepalived's unit files",
        ),
        pytest.param(
            "keepalived.up_to_date",
            facts(pending=("keepalived",)),
            "keepalived has not loaded its new files",
            id="a run that was cut off",
        ),
        pytest.param(
            "haproxy.up_to_date",
            unit("haproxy", program="/usr/sbin/haproxy (deleted)"),
            "haproxy runs a program that an upgrade has replaced",
            id="upgraded",
        ),
        pytest.param(
            "keepalived.up_to_date",
            unit("keepalived", loaded=Loaded(replaced=("/usr/lib/libssl.so.3",))),
            "keepalived runs libraries that an upgrade has replaced: /usr/lib/libssl.so.3",
            id="a library was upgraded",
        ),
        pytest.param(
            "haproxy.up_to_date",
            unit("haproxy", loaded=Loaded(command(HAPROXY_CFG), command("/etc/haproxy/lb.cfg"))),
            "haproxy runs as `haproxy -f /etc/haproxy/lb.cfg`, but its unit now starts `haproxy -f /etc/haproxy/h",
            id="its command was changed",
        ),
        pytest.param(
            "haproxy.up_to_date",
            unit("haproxy", loaded=Loaded(running=command("/etc/haproxy/lb.cfg"))),
            "`haproxy -f /etc/haproxy/lb.cfg` does not read /etc/haproxy/haproxy.cfg",
            id="it reads another file",
        ),
        pytest.param(
            "keepalived.up_to_date",
            also_read("keepalived", KEEPALIVED_CONF, "/etc/keepalived/conf.d/x.conf", 3),
            "/etc/keepalived/conf.d/x.conf changed 3 s after keepalived last read it",
            id="an included file",
        ),
        pytest.param(
            "haproxy.up_to_date",
            modified(HAPROXY_CFG, 2),
            f"{HAPROXY_CFG} changed 2 s after haproxy last read it",
            id="haproxy.cfg",
        ),
        pytest.param(
            "haproxy.up_to_date",
            modified(HAPROXY_CA, 90),
            f"{HAPROXY_CA} changed 90 s after haproxy last read it",
            id="CA",
        ),
        pytest.param(
            "keepalived.up_to_date",
            modified(KEEPALIVED_CONF, 2),
            f"{KEEPALIVED_CONF} changed 2 s after keepalived last read it",
            id="keepalived.conf",
        ),
    ],
)
def test_daemon_that_runs_on_something_older_turns_red(host_view: Hosts, check: str, change: Change, seen: str) -> None:
    name = check.partition(".")[0]
    assert_red(host_view(change=change), check, "have read their files", seen, f"`systemctl reload {name}`")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(modified(HAPROXY_CFG, 1), id="whole seconds"),
        pytest.param(modified(HAPROXY_CFG, -5), id="before"),
        pytest.param(modified(KEEPALIVED_CONF, 1), id="keepalived"),
        pytest.param(file(HAPROXY_DROP_IN, modified=2**33), id="systemd's own, which tells by itself"),
        pytest.param(file(CHECK_SCRIPT, modified=2**33), id="read at each run"),
    ],
)
def test_file_that_was_read_since_it_changed_raises_no_false_alarm(host_view: Hosts, change: Change) -> None:
    assert {each.status for each in findings_of(host_view(change=change)).values()} == {Status.PASS}


def test_worker_counts_and_not_what_systemd_passed_on(host_view: Hosts) -> None:
    """A reload that fails in life leaves the old worker, which has read the old file."""

    def change(found: Facts) -> Facts:
        told = (found.worker_started or 0) + 60
        changed = together(modified(HAPROXY_CFG, 30), unit("haproxy", told=told))
        return changed(found)

    assert only_red(host_view(change=change)).id == "haproxy.up_to_date"


def test_where_no_worker_answers_systemds_word_counts(host_view: Hosts) -> None:
    def change(found: Facts) -> Facts:
        told = found.units["haproxy"].told or 0
        return replace(file(HAPROXY_CFG, modified=int(told) + 3)(found), worker_started=None)

    assert "changed 3 s after" in only_red(host_view(change=change)).seen


def test_stopped_daemon_still_shows_files_it_has_not_loaded(host_view: Hosts) -> None:
    change = together(unit("keepalived", active_state="inactive"), facts(pending=("keepalived",)))
    assert findings_of(host_view(change=change))["keepalived.up_to_date"].status is Status.FAIL


@pytest.mark.parametrize(
    ("judgement", "seen"),
    [
        pytest.param(
            ConfigCheck("haproxy", 1, "haproxy.cfg:35: no"), "exit status 1: haproxy.cfg:35: no", id="haproxy"
        ),
        pytest.param(ConfigCheck("haproxy", 139, ""), "exit status 139: (no output)", id="crashed"),
        pytest.param(
            ConfigCheck("keepalived", 5, "(Line 7) Unknown keyword 'x'"), "exit status 5: (Line 7)", id="keepalived"
        ),
        pytest.param(
            ConfigCheck("keepalived", 0, "script not found"), "exit status 0: script not found", id="keepalived#2069"
        ),
    ],
)
def test_configuration_that_is_refused_turns_red(host_view: Hosts, judgement: ConfigCheck, seen: str) -> None:
    def change(found: Facts) -> Facts:
        return replace(found, judgements={**found.judgements, judgement.daemon: judgement})

    name = judgement.daemon
    assert_red(host_view(change=change), f"{name}.config_accepted", f"{name} accepts", seen, "would not start again")


def test_warning_of_haproxy_is_no_refusal(host_view: Hosts) -> None:
    words = "[WARNING] (1) : config : a word\nConfiguration file is valid"
    change = facts(judgements={"haproxy": ConfigCheck("haproxy", 0, words)})
    assert findings_of(host_view(change=change))["haproxy.config_accepted"].status is Status.PASS


@BOTH
def test_unvalidated_configuration_is_unknown(host_view: Hosts, name: str) -> None:
    assert_unmade(host_view(change=facts(judgements={})), f"{name}.config_accepted", f"{name} is not installed")
