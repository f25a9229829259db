#!/usr/bin/env python3
"""Record what runs on every host in one file, without secrets, and change nothing. A rehearsal can start from it."""

import sys
from datetime import UTC, datetime
from pathlib import Path

from nornir_kube_ha.cli.command import run_as_script
from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.errors import OutputError, UnexpectedReplyError, UsageError
from nornir_kube_ha.facts import Scope
from nornir_kube_ha.files import write_file
from nornir_kube_ha.inventory.recorded import recorded_nodes
from nornir_kube_ha.report import Report
from nornir_kube_ha.snapshots import Hiding, NotSeen, Production, SeenHost, known_secrets, seen_host, to_text
from nornir_kube_ha.text import named, one_line, shortened

MOST_WORDS = 1000  # characters of the reason why a host was not seen


def snapshot(run: Run, *, path: Path) -> Report:
    """Record what runs on every host of a run. A host that cannot be looked at is named in the file as not seen.

    Arguments:
        run: the hosts, as a dry run
        path: the file, which is replaced if it exists; only its owner can read it

    Returns:
        What a deploy would change on each host

    Raises:
        UsageError: the path is a folder, or its own folder does not exist
        OutputError: the file cannot be written
    """
    if path.is_dir() or not path.parent.is_dir():
        raise UsageError(f"snapshot {path}: expected the path of a file in a folder that exists")
    run.keep_no_logins()
    run.tell(f"looking at {named(run.hosts)}; nothing is changed there")
    run.look(scope=Scope.OWN)
    production = _production(run)
    if not production.hosts:
        run.tell(f"no host was seen, so {path} was not written")
        return run.report()
    try:
        write_file(path, to_text(production), 0o600)
    except OSError as error:
        raise OutputError(f"snapshot {path}: cannot be written: {error.strerror}") from error
    _tell(run, production, path)
    for name in production.hosts:
        if not (plan := run.plans[name]).is_empty:
            run.ledger.note_change(name, plan.diff)
    return run.report()


def _production(run: Run) -> Production:
    hiding, known = Hiding(), known_secrets(run.intent)
    hosts: dict[str, SeenHost] = {}
    for name in run.reached:
        try:
            differs = run.plans[name].paths
            hosts[name] = seen_host(run.intent.node(name), run.facts[name], differs, hiding, known[name])
        except ValueError as error:  # pydantic's, whose text has the value
            words = f"expected facts that a file can hold, got others ({type(error).__name__})"
            run.fail(name, UnexpectedReplyError(name, words))
    every = {value: name for secrets in known.values() for value, name in secrets.items()}
    return Production(
        taken=datetime.now(UTC),
        taken_by=shortened(one_line(str(run.origin)), 250),
        inventory=recorded_nodes(run.nornir, hiding, every),
        hosts=hosts,
        not_seen={node.name: _not_seen(run, node.name) for node in run.intent.nodes if node.name not in hosts},
    )


def _not_seen(run: Run, name: str) -> NotSeen:
    failure = run.ledger.failures.get(name)
    if failure is None:
        return NotSeen(type="NotSelected", message="the snapshot was taken without this host")
    return NotSeen(type=failure.type, message=shortened(one_line(failure.message), MOST_WORDS))


def _tell(run: Run, production: Production, path: Path) -> None:
    for name, host in production.hosts.items():
        if host.differs:
            run.tell(f"{name}: not as the inventory says: {', '.join(host.differs)}")
        if host.not_recorded:
            run.tell(f"{name}: not recorded, though a daemon loads it: {', '.join(host.not_recorded)}")
    for name, each in production.not_seen.items():
        run.tell(f"{name}: not seen: {each.message}")
    run.tell(f"snapshot of {named(production.hosts)} in {path}")


def main(arguments: list[str] | None = None) -> int:
    """Run as a script.

    Arguments:
        arguments: command-line arguments; default: `sys.argv`

    Returns:
        The exit code
    """
    return run_as_script("snapshot", __doc__, snapshot, arguments)


if __name__ == "__main__":
    sys.exit(main())
