#!/usr/bin/env python3
"""Upgrade haproxy and keepalived on every host to the pinned version, or else the newest, without an outage.

Hosts are upgraded one by one, each behind a gate, the VIP holder last. Before a holder's daemons restart, a planned
move takes its VIP to an upgraded node.

A daemon that still runs a replaced program or library is renewed, haproxy by a reload, keepalived by a restart. A host
with nothing to change is not touched. A pinned version stops the run before any change if it is older than the
installed one, or not in the host's package sources.
"""

import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

from nornir_kube_ha.checks import ALL
from nornir_kube_ha.cli.command import run_as_script
from nornir_kube_ha.engine.leases import keep_leases, leased, look_first
from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.errors import KubeHaError
from nornir_kube_ha.facts import Facts
from nornir_kube_ha.planning.rollout_order import batches
from nornir_kube_ha.report import Report
from nornir_kube_ha.rollout.gate import Gate, pass_gate, settled
from nornir_kube_ha.rollout.rolling import put_files
from nornir_kube_ha.rollout.send_away import send_vips_away
from nornir_kube_ha.tasks import get_upgrades, upgrade_packages
from nornir_kube_ha.tasks.packages import TIMEOUT
from nornir_kube_ha.tasks.upgrade import Upgrade

_HINT = "nothing was upgraded on this host. Pass --accept-outage to restart its daemons anyway"


def upgrade(run: Run, *, accept_outage: bool = False, allow_downgrade: bool = False) -> Report:
    """Upgrade haproxy and keepalived on every host of a run.

    Arguments:
        run: the hosts; with `dry_run`, nothing is changed
        accept_outage: whether to restart the VIP holder's daemons even if the VIP cannot be moved away first
        allow_downgrade: whether a package may go back to an older version, where the inventory pins one

    Returns:
        The changes and, unless it was a dry run, every check
    """
    with run.ledger.until_failure():
        look_first(run)
        with leased(run, set()):
            run.tell_of_change("querying the package sources")
            upgrades = run.each_or_stop(
                get_upgrades,
                run.reached,
                intent=run.intent,
                refresh=not run.dry_run,
                allow_downgrade=allow_downgrade,
                lease=run.lease,
            )
            run.ledger.steps.update({name: (*_steps(run.facts[name], upgrades[name]),) for name in upgrades})
            done, prolonged = list[str](), time.monotonic()
            for name in _due(run):
                prolonged = keep_leases(run, prolonged, seconds=TIMEOUT)
                if name not in run.going:
                    continue
                try:
                    _upgrade(run, name, upgrades, done, accept_outage=accept_outage)
                except KubeHaError as error:
                    run.fail(name, error)
                run.ledger.end_failed_clusters()
                done.append(name)
            if run.ledger.changed and not run.dry_run:
                run.tell("repeating the checks until all pass")
                settled(run)
    return run.report()


def _steps(facts: Facts, upgrades: Iterable[Upgrade]) -> Iterator[str]:
    """Yield the steps on a host, in a few words each."""
    yield from (each.words for each in upgrades)
    yield from (f"{unit.renewal} {unit.name}" for unit in facts.units.values() if unit.renewal)


def _due(run: Run) -> tuple[str, ...]:
    """Return the names of the hosts with something to do, VIP holders last."""
    due = [name for name, steps in run.ledger.steps.items() if steps]
    serving = [name for name in due if run.facts[name].serves]
    holding = [name for name in serving if run.facts[name].holds_any(run.intent.node(name).vips)]
    return tuple(chain.from_iterable(batches(run.intent, due, serving, holding)))


def _upgrade(
    run: Run, name: str, upgrades: Mapping[str, tuple[Upgrade, ...]], done: list[str], *, accept_outage: bool
) -> None:
    run.tell_of_change(f"upgrading {name}")
    run.ledger.in_hand = {name}
    gate = None
    if not run.dry_run and run.look_at(name).serves:
        gate = Gate.of(run, name, ALL)
        if run.facts[name].holds_any(run.intent.node(name).vips) and not accept_outage:
            send_vips_away(run, name, done, _HINT)
    with run.defer_signals():
        upgraded = run.each(upgrade_packages, [name], upgrades=upgrades, lease=run.lease)
    if run.dry_run or not upgraded:
        return
    run.look_at(name)
    if run.plans[name].touches_files:  # the new daemons may need another syntax
        put_files(run, name, run.plans[name])
    if gate:
        pass_gate(run, name, gate)
    run.ledger.in_hand.clear()


def main(arguments: list[str] | None = None) -> int:
    """Run as a script.

    Arguments:
        arguments: command-line arguments; default: `sys.argv`

    Returns:
        The exit code
    """
    return run_as_script("upgrade", __doc__, upgrade, arguments)


if __name__ == "__main__":
    sys.exit(main())
