#!/usr/bin/env python3
"""Put every host back to an earlier generation of its files, which the host itself has kept.

A generation is the files that were live before a change. The default is the newest one that passed every check and is
not live now. It is staged and validated on all hosts, then goes live host by host behind gates, the VIP holder last.
The inventory does not describe these files, so only the daemons' own checks apply. Run verify afterwards to see the
drift.
"""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from nornir_kube_ha.cli.command import run_as_script
from nornir_kube_ha.engine.leases import leased, look_first
from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.errors import KubeHaError, NothingKeptError, RemoteCommandError, UnexpectedReplyError
from nornir_kube_ha.firewall import Opening, openings_of
from nornir_kube_ha.intent.config_file import ConfigFile
from nornir_kube_ha.intent.names import KEEPALIVED_CONF
from nornir_kube_ha.planning.foreign import cluster_in_header
from nornir_kube_ha.planning.generations import Generation, last_good, serves
from nornir_kube_ha.planning.plan import HostPlan, plan
from nornir_kube_ha.planning.put_back import intent_of
from nornir_kube_ha.report import Report
from nornir_kube_ha.rollout.firewalls import open_firewalls
from nornir_kube_ha.rollout.former_nodes import refuse_former_nodes
from nornir_kube_ha.rollout.gate import settled
from nornir_kube_ha.rollout.policy import AS_USUAL, RollOut
from nornir_kube_ha.rollout.rolling import roll_over_hosts
from nornir_kube_ha.tasks import get_generation_files, get_generations

STATE, ACCEPTED = "keepalived.state", "keepalived.config_accepted"
CHECKS = frozenset(
    f"{daemon}.{word}"
    for daemon in ("haproxy", "keepalived")
    for word in ("active", "enabled", "stable", "up_to_date", "config_accepted")
) | {STATE}
"""Checks that do not depend on the inventory."""


def rollback(run: Run, *, to_before: str = "", roll_out: RollOut = AS_USUAL) -> Report:
    """Put every host of a run back to an earlier generation of its files.

    Arguments:
        run: the hosts; with `dry_run`, nothing is changed
        to_before: id of the run to undo; empty: restore the last good files
        roll_out: how the change goes over the hosts

    Returns:
        The changes, and the daemons' checks
    """
    run.make_only(CHECKS)
    with run.ledger.until_failure():
        look_first(run, allow_unreachable=roll_out.allow_unreachable)
        kept = run.each_or_stop(get_generations, run.reached)
        back = _choose_all(run, kept, to_before)
        run.expect(intent_of(run.intent, back.files))  # the restored files
        _plan(run, back)
        _roll_back(run, back, roll_out)
    return run.report()


@dataclass(frozen=True, slots=True)
class Back:
    """The generations to restore, by host name.

    Arguments:
        files: their files
        good: names of the hosts whose generation passed every check
        foreign: names of the hosts whose keepalived.conf is from before kube-ha, which its keepalived ran with
        needed: what their files need to pass through the firewall
    """

    files: dict[str, tuple[ConfigFile, ...]] = field(default_factory=dict)
    good: set[str] = field(default_factory=set)
    foreign: set[str] = field(default_factory=set)
    needed: dict[str, tuple[Opening, ...]] = field(default_factory=dict)


def _choose_all(run: Run, kept: Mapping[str, tuple[Generation, ...]], run_id: str) -> Back:
    """Choose each host's generation and read its files."""
    back = Back()
    for name, generations in kept.items():
        for each in generations:
            if each.trouble:
                run.tell(f"{name}: {each}")
        try:
            wanted, files = _readable(run, name, _choices(generations, run_id))
        except KubeHaError as error:
            run.fail(name, error)
            continue
        if not wanted:
            run.fail(name, NothingKeptError(name, _nothing(generations, run_id)))
            continue
        run.tell(f"{name}: restoring {wanted}")
        if wanted.good:
            back.good.add(name)
        if wanted.before and _is_foreign(files):
            run.make_only(CHECKS - {STATE, ACCEPTED})
            back.foreign.add(name)
        back.files[name] = files
        back.needed[name] = openings_of(files, run.intent.cluster_of(name), run.intent.node(name))
    run.ledger.stop_if_failed()
    return back


def _plan(run: Run, back: Back) -> None:
    """Plan the difference between the live files and those to restore."""
    changes = {
        name: plan(run.intent.node(name), files, run.facts[name], back.needed[name])
        for name, files in back.files.items()
    }
    restoring = {name: replace(change, restores=name in back.foreign) for name, change in changes.items()}
    run.replan({name: _opening_only(change) for name, change in restoring.items()})


def _is_foreign(files: Iterable[ConfigFile]) -> bool:
    """Return whether the keepalived.conf among these files is foreign: the inventory does not know its instances."""
    return any(file.path == KEEPALIVED_CONF and cluster_in_header(file.data) is None for file in files)


def _opening_only(change: HostPlan) -> HostPlan:
    """Return the change without what it closes in the firewall: the next deploy closes what nothing needs."""
    told = change.firewall
    return replace(change, firewall=replace(told, closed=()) if told and told.opened else None)


def _choices(generations: tuple[Generation, ...], run_id: str) -> list[Generation]:
    """Return the usable generations, in the order in which to try them."""
    there = [each for each in generations if not each.trouble]
    if run_id:
        return [each for each in there if each.run_id == run_id][:1]  # the first: from before its first change
    found: list[Generation] = []
    while each := last_good(there):
        found.append(each)
        there = there[: there.index(each)]
    return found


def _readable(run: Run, name: str, choices: list[Generation]) -> tuple[Generation | None, tuple[ConfigFile, ...]]:
    """Return the first generation with complete, readable files, and the files. Report those that were skipped."""
    for each in choices:
        try:
            files: tuple[ConfigFile, ...] = run.one(get_generation_files, name, number=each.number)
        except (RemoteCommandError, UnexpectedReplyError) as error:
            run.tell(f"{name}: skipped generation {each.number}: {error.message}")
            continue
        if serves(files):
            return each, files
        run.tell(f"{name}: skipped generation {each.number}: it lacks haproxy.cfg or keepalived.conf")
    return None, ()


def _nothing(generations: tuple[Generation, ...], run_id: str) -> str:
    wanted = (
        f"no complete generation replaced by run {run_id}"
        if run_id
        else ("no generation that passed every check and has both daemons' files")
    )
    there = "; ".join(map(str, generations)) or "none"
    return f"{wanted}; available: {there}. No host was changed"


def _roll_back(run: Run, back: Back, how: RollOut) -> None:
    if all(change.is_empty for change in run.plans.values()):
        return
    refuse_former_nodes(run, ())
    run.ledger.stop_if_failed()
    proven: set[str] = set()
    with leased(run, proven):
        if not run.dry_run:
            _plan(run, back)  # again: another run may have held the leases
        open_firewalls(run, back.needed)
        roll_over_hosts(run, run.checks, how)
        if not run.dry_run:
            proven.update(back.good & settled(run))


def main(arguments: list[str] | None = None) -> int:
    """Run as a script.

    Arguments:
        arguments: command-line arguments; default: `sys.argv`

    Returns:
        The exit code
    """
    return run_as_script("rollback", __doc__, rollback, arguments)


if __name__ == "__main__":
    sys.exit(main())
