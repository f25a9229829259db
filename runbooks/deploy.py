#!/usr/bin/env python3
"""Make every host match the inventory, then verify it.

Compare every host with the inventory and take its lease. Install missing packages. Stage the new files on all hosts,
where the daemons validate them. Only then swap and reload, host by host, the VIP holder last. A host that fails its
gate is put back to its previous files, and ends the roll-out of its cluster. A host without drift is not touched.
"""

import sys
import time
from collections.abc import Iterator
from dataclasses import replace

from nornir_kube_ha.checks import ALL, foreign_routers, former_speakers
from nornir_kube_ha.cli.command import run_as_script
from nornir_kube_ha.engine.leases import leased, look_first
from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.errors import PreflightError, VRIDTakenError
from nornir_kube_ha.facts import Scope
from nornir_kube_ha.planning.membership import joining, why_not_to_join
from nornir_kube_ha.planning.obstacles import obstacles
from nornir_kube_ha.report import Report
from nornir_kube_ha.rollout.bootstrap import await_first_apiservers, new_clusters, refuse_served, without_apiservers
from nornir_kube_ha.rollout.firewalls import close_firewalls, open_firewalls
from nornir_kube_ha.rollout.foreign_files import refuse_foreign_files, replaced_files
from nornir_kube_ha.rollout.former_nodes import refuse_former_nodes
from nornir_kube_ha.rollout.gate import SETTLE_SECONDS, settled
from nornir_kube_ha.rollout.initial_placement import Unheld, election_seconds, move_to_masters, unheld_routers
from nornir_kube_ha.rollout.policy import AS_USUAL, RollOut
from nornir_kube_ha.rollout.preflight import blockers
from nornir_kube_ha.rollout.rolling import roll_over_hosts
from nornir_kube_ha.tasks import install_packages
from nornir_kube_ha.text import named

HINT = (
    "give the cluster another virtual_router_id, or stop that router; the kernel forgets it ten seconds "
    "later. Remove a former node of this cluster with kube-ha remove --host ADDRESS"
)


def deploy(run: Run, *, quick: bool = False, bootstrap: bool = False, roll_out: RollOut = AS_USUAL) -> Report:
    """Make every host of a run match the inventory.

    Arguments:
        run: the hosts; with `dry_run`, nothing is changed
        quick: where nothing differs, ask only the hosts themselves
        bootstrap: no apiserver has ever been up
        roll_out: how the change goes over the hosts

    Returns:
        The changes and, unless it was a dry run, every check
    """
    proven: set[str] = set()
    with run.ledger.until_failure():
        look_first(run, allow_unreachable=roll_out.allow_unreachable, scope=Scope.OWN if quick else Scope.ALL)
        if quick and _differs(run):
            look_first(run, allow_unreachable=roll_out.allow_unreachable)
        _preflight(run, roll_out)
        if bootstrap:
            refuse_served(run)
        if _differs(run) or (bootstrap and without_apiservers(run) != {*run.facts}):
            with leased(run, proven):
                if not run.dry_run:
                    _preflight(run, roll_out)  # again: another run may have held the leases
                replaced = replaced_files(run)
                _install(run)
                run.replan({name: replace(each, replaces=replaced.get(name, ())) for name, each in run.plans.items()})
                new = new_clusters(run, told=bootstrap)
                unheld = unheld_routers(run)
                open_firewalls(run)
                roll_over_hosts(run, ALL, roll_out)
                close_firewalls(run)
                await_first_apiservers(run, new)
                _settle(run, proven, unheld)
                proven -= without_apiservers(run)  # files that have not served are not known to be good
                if bootstrap and not (run.ledger.changed or run.dry_run):
                    run.look()
        elif not quick and _is_settling(run):
            run.tell("daemons were started or reloaded moments ago: repeating the checks until all pass")
            settled(run)
    return run.report()


def _differs(run: Run) -> bool:
    return any(not change.is_empty for change in run.plans.values())


def _is_settling(run: Run) -> bool:
    """Return whether checks fail that may pass soon, because a daemon was started or reloaded a moment ago.

    This happens right after an earlier run.
    """
    if run.dry_run or run.report().passed:
        return False
    told = ((each.clock.now, unit.told) for each in run.facts.values() for unit in each.units.values())
    return any(when is not None and now - when < SETTLE_SECONDS for now, when in told)


def _preflight(run: Run, how: RollOut | None) -> None:
    """Stop the run before any change if a host has an obstacle.

    Arguments:
        run: with facts of its hosts
        how: overrides of obstacles; None after a package installation, when files and former nodes were checked already
    """
    if how and not how.replace_foreign_files:
        refuse_foreign_files(run)
    if how:
        refuse_former_nodes(run, how.forget)
    for name, plan in run.plans.items():
        view = run.view(name)
        if plan.is_empty:
            # Only for a dry run: a deploy's checks report the same.
            if run.dry_run and (words := "; ".join(obstacles(plan, view.facts))):
                run.fail(name, PreflightError(name, words))
            continue
        # A foreign router with our VRID would contend for the VIP with every node that this run changes.
        if foreign := foreign_routers(view):
            vrids = " or ".join(map(str, view.cluster.virtual_router_ids))
            words = f"another router uses VRID {vrids} on {view.node.interface}"
            former = "; ".join(f"kube-ha remove --host {each}" for each in former_speakers(view))
            removal = f"it is a former node of this cluster: run {former}, or wait ten seconds if it was just removed"
            hint = removal if former else HINT
            hint += "; nothing was changed"
            run.fail(name, VRIDTakenError(name, f"{words}: {'; '.join(foreign)}; {hint}"))
        elif words := "; ".join(
            (
                *blockers(view.cluster, view.node, run.facts),
                *obstacles(plan, view.facts),
                *_why_not_to_join(run, name),
            )
        ):
            run.fail(name, PreflightError(name, f"{words}; nothing was changed"))
    run.ledger.stop_if_failed()


def _why_not_to_join(run: Run, name: str) -> Iterator[str]:
    cluster = run.intent.cluster_of(name)
    seen = {node.name: run.facts[node.name] for node in cluster.nodes if node.name in run.facts}
    if joining(cluster, [name], seen) and (words := why_not_to_join(cluster, name, seen)):
        yield words


def _install(run: Run) -> None:
    missing = [name for name, plan in run.plans.items() if plan.install]
    if missing:
        run.tell_of_change(f"installing packages on {named(missing)}")
    run.each_or_stop(install_packages, missing, intent=run.intent, facts=run.facts, lease=run.lease)
    if missing and not run.dry_run:
        run.look()  # installed versions, files that the packages brought, and adverts that tcpdump hears
        run.ledger.stop_if_failed()
        _preflight(run, None)


def _settle(run: Run, proven: set[str], unheld: Unheld) -> None:
    """After a change, repeat the checks until they pass: daemons need time to find each other."""
    if run.ledger.changed and not run.dry_run:
        run.tell("repeating the checks until all pass")
        time.sleep(election_seconds(run))
        well = settled(run)
        if move_to_masters(run, unheld):
            well = settled(run)
        proven.update(well)


def main(arguments: list[str] | None = None) -> int:
    """Run as a script.

    Arguments:
        arguments: command-line arguments; default: `sys.argv`

    Returns:
        The exit code
    """
    return run_as_script("deploy", __doc__, deploy, arguments)


if __name__ == "__main__":
    sys.exit(main())
