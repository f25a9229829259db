"""Checks of the daemons' systemd units, and of the files and programs that they run with."""

from collections.abc import Iterator

from nornir_kube_ha.checks.liveness import younger_child
from nornir_kube_ha.checks.model import HostRule, HostView, Verdict
from nornir_kube_ha.facts import Loaded
from nornir_kube_ha.intent.names import CONFIGURATIONS
from nornir_kube_ha.planning.plan import RELOADED_BY

FLAPPING = 600  # seconds after an automatic restart during which a unit is not stable
DATE_SLACK = 1  # second; haproxy and systemd report whole seconds


def active(name: str) -> HostRule:
    """Return the rule that a unit runs."""

    def rule(view: HostView) -> Verdict:
        unit = view.facts.units[name]
        words = "\n".join((str(unit), *unit.journal))
        return Verdict(
            unit.is_active, "active (running)", words, f"read `journalctl -u {name}`, fix the cause, then run deploy"
        )

    return rule


def enabled(name: str) -> HostRule:
    """Return the rule that a unit starts at boot."""

    def rule(view: HostView) -> Verdict:
        unit = view.facts.units[name]
        seen = "enabled" if unit.enabled else "not enabled"
        return Verdict(unit.enabled, "enabled at boot", seen, f"run deploy, or `systemctl enable {name}`")

    return rule


def stable(name: str) -> HostRule:
    """Return the rule that systemd has not restarted a unit lately."""

    def rule(view: HostView) -> Verdict:
        unit = view.facts.units[name]
        expected = f"not restarted by systemd within {FLAPPING // 60} minutes"
        if not unit.is_active or unit.started is None:
            return Verdict(None, expected, f"not running: {unit}", "", because=f"{name}.active")
        age = view.facts.clock.now - unit.started
        if name == "keepalived" and (child := younger_child(view.facts.liveness)) is not None and child < FLAPPING:
            words = f"its VRRP process ended unexpectedly and was restarted {child} s ago"
            return Verdict(ok=False, expected=expected, seen=words, next="`journalctl -u keepalived` says why it ended")
        return Verdict(
            not (unit.restarts and age < FLAPPING),
            expected,
            f"restarted {unit.restarts} times, last {age:.0f} s ago" if unit.restarts else "never restarted",
            f"`journalctl -u {name}` says why it ended. After the fix, `systemctl restart {name}` resets the count",
        )

    return rule


def up_to_date(name: str) -> HostRule:
    """Return the rule that a daemon runs with the current files and program."""

    def rule(view: HostView) -> Verdict:
        stale, unit = list(_stale(name, view)), view.facts.units[name]
        expected = f"systemd and {name} have read their files since the last change"
        if not stale and not unit.is_active:
            return Verdict(None, expected, f"not running: {unit}", "", because=f"{name}.active")
        return Verdict(
            not stale,
            expected,
            "; ".join(stale) or "files are current",
            "run deploy. If it changes nothing, run `systemctl daemon-reload` and `systemctl reload "
            f"{name}`. Restart {name} if its program or its command differs; `systemctl cat {name}` shows "
            "where the command is set",
        )

    return rule


def _stale(name: str, view: HostView) -> Iterator[str]:
    unit = view.facts.units[name]
    if unit.needs_daemon_reload:
        yield f"systemd has not reloaded {name}'s changed unit files"
    if name in view.facts.pending:
        yield f"{name} has not loaded its new files"
    if unit.runs_replaced_program:
        yield f"{name} runs a program that an upgrade has replaced"
    if unit.is_active and unit.loaded.replaced:
        yield f"{name} runs libraries that an upgrade has replaced: {', '.join(unit.loaded.replaced)}"
    yield from _by_another_command(name, unit.loaded)
    # If a reload fails at run time, haproxy keeps its old worker: the worker's age counts, not systemd's reload time.
    told = view.facts.worker_started if name == "haproxy" else None
    told = unit.told if told is None else told
    if not unit.is_active or told is None:
        return
    files = {path: view.facts.files[path].modified for path in _read_by(name) if path in view.facts.files}
    files |= {file.path: file.modified for file in unit.loaded.running.files if file.modified is not None}
    for path, modified in files.items():
        if modified > told + DATE_SLACK:
            yield f"{path} changed {modified - told:.0f} s after {name} last read it"


def _read_by(name: str) -> Iterator[str]:
    return (path for path, reader in RELOADED_BY.items() if reader == name)


def _by_another_command(name: str, loaded: Loaded) -> Iterator[str]:
    """Yield differences between the running command, the unit's command and the managed configuration file."""
    if loaded.is_outdated:
        yield f"{name} runs as `{loaded.running}`, but its unit now starts `{loaded.start}`"
    for command in loaded.commands:
        if not command.reads(CONFIGURATIONS[name]):
            yield f"`{command}` does not read {CONFIGURATIONS[name]}"


def accepted(name: str) -> HostRule:
    """Return the rule that a daemon accepts its live configuration."""

    def rule(view: HostView) -> Verdict:
        judgement = view.facts.judgements.get(name)
        if judgement is None:
            words = f"no configuration, or {name} is not installed"
            return Verdict(None, f"{name} accepts its configuration", words, "", because=_missing(view, name))
        seen = (
            "accepted" if judgement.accepts else f"exit status {judgement.status}: {judgement.words or '(no output)'}"
        )
        return Verdict(
            judgement.accepts,
            f"{name} accepts its configuration",
            seen,
            f"{name} would not start again; its message names file and line. Run deploy, which restores "
            "the intended files",
        )

    return rule


def _missing(view: HostView, name: str) -> str:
    """Return the check that explains why a configuration could not be validated."""
    path = CONFIGURATIONS[name]
    return view.missing if path in view.facts.files else "files.intended"
