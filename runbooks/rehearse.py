#!/usr/bin/env python3
"""Rehearse a change of an inventory on disposable containers in a lab. No production host is contacted.

Boot the inventory's hosts on this machine under their own addresses. Deploy the old state, then the new state while a
client works on the VIP. Verify, inject faults, roll back, and take the lab down. One report covers all of it.
"""

import argparse
import secrets
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from nornir_kube_ha.cli.exit_codes import hush_libraries
from nornir_kube_ha.cli.rehearsal import Wanted, run_rehearsal, run_rehearsal_as_script, states
from nornir_kube_ha.cli.rehearsal_seen import AsSeen
from nornir_kube_ha.cli.rehearsal_state import State
from nornir_kube_ha.engine.leases import held
from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.engine.story import Planned, Story
from nornir_kube_ha.errors import KubeHaError
from nornir_kube_ha.failover.faults import FAULTS
from nornir_kube_ha.failover.limit import Limit
from nornir_kube_ha.failover.trial import FaultReport
from nornir_kube_ha.inventory.lab_copy import StandIns
from nornir_kube_ha.lab.door import boot, building_seconds, inside, rehearsal_lab
from nornir_kube_ha.report import Report
from nornir_kube_ha.rollout.policy import AS_USUAL, RollOut
from nornir_kube_ha.rollout.vip_move import move_vips_away
from nornir_kube_ha.runbooks.deploy import deploy
from nornir_kube_ha.runbooks.failover_test import choose_faults, failover_test
from nornir_kube_ha.runbooks.remove import remove
from nornir_kube_ha.runbooks.rollback import CHECKS, rollback
from nornir_kube_ha.runbooks.verify import verify
from nornir_kube_ha.trials.measured_change import limit_of_change, measure_change

SETTLE_SECONDS = 10.0  # for which the new state's checks are repeated
OF_CHANGE, OF_REMOVAL = (replace(FAULTS[name].limit, moves=None) for name in ("config-change", "vip-move"))
"""What a roll-out and the removal of a node may cost. The VIP may move, as planned."""
BOOT, BOOT_PLANE, DEPLOY, INSTALL, CHANGE, VERIFY, FAULT = 3, 25, 10, 15, 15, 2, 8
"""Seconds that steps take on two processors, for the estimate; `FAULT` is added to a fault's own time."""


def rehearse(
    inventory: Path | str | None = None,
    *,
    old: Path | str | None = None,
    revision: str = "",
    snapshot: Path | str | None = None,
    control_plane: str | None = None,
    faults: Collection[str] = (),
    roll_out: RollOut = AS_USUAL,
    lab: str = "",
    keep: bool = False,
    tell: Callable[[str], object] | None = None,
) -> Report:
    """Rehearse a change of an inventory in a lab on this machine. Needs root; contacts no host of the inventory.

    Arguments:
        inventory: the new state: a folder with hosts.yaml, or a Nornir configuration file; None: as for the command
        old: the inventory that production has now
        revision: git revision at which `inventory` is the old state
        snapshot: file of `kube-ha snapshot`: hosts begin as it saw them; with none of these they have nothing yet
        control_plane: `real` boots etcd and kube-apiserver; None: as the inventory says
        faults: names or patterns of faults to inject in the new state
        roll_out: the steps in which the change goes over the hosts
        lab: name of the lab; "" generates one
        keep: whether the lab stays up
        tell: called with each line of progress

    Returns:
        Every step; hosts in the new state; what changed on them; what each change and fault cost a client

    Raises:
        KubeHaError: a state or an argument is invalid, or the lab cannot be prepared
    """
    hush_libraries()
    new, before, seen = (Path(each) if each else None for each in (inventory, old, snapshot))
    story = Story("rehearse", tell or (lambda _: None))
    play(story, Wanted(new, before, revision, control_plane, tuple(faults), roll_out, seen), lab, keep=keep)
    return story.report()


def play(story: Story, wanted: Wanted, lab: str = "", *, keep: bool = False) -> None:
    """Make every step of a rehearsal. Then the lab is taken down, whatever happened, unless it is kept.

    Arguments:
        story: records the steps
        wanted: what is rehearsed
        lab: name of the lab; "" generates one
        keep: whether the lab stays up

    Raises:
        KubeHaError: the rehearsal cannot begin
    """
    lab = lab or f"re{secrets.token_hex(3)}"
    faults = [fault.name for fault in choose_faults(wanted.faults)] if wanted.faults else []
    try:
        with rehearsal_lab(lab, keep=keep) as folder, ExitStack() as stack:
            old, new, seen = states(wanted, folder, StandIns(lab, folder))
            rehearsal = Rehearsal(story, lab, old, new, wanted.roll_out, seen)
            story.play([rehearsal.booted(stack), *rehearsal.there(), *rehearsal.proven(faults), *rehearsal.back()])
    finally:
        if story.steps:
            kept = f"is kept: kube-ha verify -i {folder / 'new'}; kube-ha lab down --lab {lab}"
            story.tell(f"lab {lab} {kept if keep else 'is down'}")


@dataclass(slots=True)
class Rehearsal:
    """The steps of a rehearsal.

    Arguments:
        story: records the steps
        lab: name of the lab
        old: the old state; None: hosts have nothing yet
        new: the new state
        roll_out: how the change goes over the hosts
        seen: what a snapshot of production saw, if the old state is as seen
        deployed: report of the new state's deploy, by cluster
    """

    story: Story
    lab: str
    old: State | None
    new: State
    roll_out: RollOut = AS_USUAL
    seen: AsSeen | None = None
    deployed: dict[str, Report] = field(default_factory=dict)

    def booted(self, stack: ExitStack) -> Planned:
        """Return the step that boots the lab and enters it. The stack leaves it again."""
        old, new = self.old.intent if self.old else None, self.new.intent

        def start() -> None:
            boot(self.lab, old, new, self.story.tell, self.seen.packages if self.seen else ())
            stack.enter_context(inside(self.lab))

        has_plane = any(node.lab_control_plane == "real" for node in new.nodes)
        return Planned("boot the hosts", (BOOT_PLANE if has_plane else BOOT) + building_seconds(old, new), start)

    def there(self) -> Iterator[Planned]:
        """Yield the steps from booted hosts to the new state."""
        if self.old is None:
            first = partial(self._deploy, self.new, self._all(self.new), self.roll_out)
            yield Planned("deploy to hosts that have nothing yet", INSTALL, first, is_change=True)
            for name in self._clusters:
                yield Planned(f"deploy {self._of(name)}again under load", CHANGE, partial(self._deploy_again, name))
            return
        before: Callable[[], Report | None] = partial(self._deploy, self.old, self._all(self.old), AS_USUAL)
        if self.seen:
            before = partial(self.seen.put, self.story, CHECKS)
        yield Planned("put production's files on the hosts" if self.seen else "deploy the old state", DEPLOY, before)
        for name in self._clusters:
            yield from self._removals(self.old, self.new, name)
            words = f"deploy the new state {self._of(name)}under load"
            yield Planned(words, CHANGE, partial(self._change, name), is_change=True)

    def proven(self, faults: Collection[str]) -> Iterator[Planned]:
        """Yield the steps that show what the new state is worth."""
        yield Planned("verify the new state", VERIFY, self._verify)
        if faults:
            seconds = sum(FAULTS[name].seconds + FAULT for name in faults) * len(self._clusters)
            yield Planned(f"inject {', '.join(faults)}", seconds, partial(self._break, faults))

    def back(self) -> Iterator[Planned]:
        """Yield the steps from the new state to the old one. A cluster that is new stays."""
        for name in self._clusters if self.old else ():
            if self.old and self.old.names(name):
                yield from (replace(step, is_shown=False) for step in self._removals(self.new, self.old, name))
                words = f"roll {self._of(name)}back under load"
                yield Planned(words, CHANGE, partial(self._back, self.old, name), is_shown=False)

    @property
    def _clusters(self) -> list[str]:
        return [cluster.name for cluster in self.new.intent.clusters]

    def _of(self, name: str) -> str:
        return f"of cluster {name} " if len(self._clusters) > 1 else ""

    @staticmethod
    def _all(state: State) -> list[str]:
        return [node.name for node in state.intent.nodes]

    def _run(self, state: State, runbook: str, hosts: Collection[str]) -> AbstractContextManager[Run]:
        return state.run(runbook, hosts, lambda line: self.story.tell(f"  {line}"))

    def _deploy(self, state: State, hosts: Collection[str], roll_out: RollOut) -> Report:
        with self._run(state, "deploy", hosts) as run:
            return deploy(run, roll_out=roll_out)

    def _deploy_again(self, name: str) -> Report | None:
        again = partial(self._deploy, self.new, self.new.names(name), self.roll_out)
        fault = FaultReport("deploy-again", "the same state is deployed once more", OF_CHANGE, ())
        report = self._measured(fault, self.new, self.new, name, again)
        if report and report.changed:
            names = ", ".join(host for host, each in report.hosts.items() if each.changed)
            raise KubeHaError(f"a second deploy must change nothing, but it changed {names}")
        return report

    def _change(self, name: str) -> Report | None:
        def change() -> Report:
            self.deployed[name] = self._deploy(self.new, self.new.names(name), self.roll_out)
            return self.deployed[name]

        if self.old is None or not self.old.names(name):
            return change()  # a new cluster has no clients yet
        fault = FaultReport("deploy", "the new state is deployed, host by host", self._limit(OF_CHANGE), ())
        return self._measured(fault, self.old, self.new, name, change)

    def _back(self, old: State, name: str) -> Report | None:
        """Roll back as operators do: from the hosts' own generations or, if nodes came or went, from the inventory."""
        changed = [host for host, each in self.deployed[name].hosts.items() if each.changed]
        if not changed:
            self.story.tell("  nothing was changed, so there is nothing to roll back")
            return None

        def go_back() -> Report:
            if {*old.names(name)} != {*self.new.names(name)}:
                return self._deploy(old, old.names(name), self.roll_out)
            with self._run(self.new, "rollback", changed) as run:
                return rollback(run, to_before=self.deployed[name].run_id, roll_out=self.roll_out)

        fault = FaultReport("rollback", "every changed host goes back to its old state", self._limit(OF_CHANGE), ())
        return self._measured(fault, self.new, old, name, go_back)

    def _removals(self, before: State, after: State, cluster: str) -> Iterator[Planned]:
        """Yield a step for each node of a cluster that the state afterwards lacks, if it has the cluster."""
        staying = _in_both(before, after, cluster)
        for name in before.names(cluster) if staying else ():
            if name not in staying:
                remove_it = partial(self._remove, before, cluster, name, staying)
                yield Planned(f"remove {name} under load", CHANGE, remove_it, is_shown=False)

    def _remove(self, state: State, cluster: str, name: str, staying: list[str]) -> Report | None:
        def take_away() -> Report:
            with self._run(state, "vip_move", [*staying, name]) as run, held(run):
                move_vips_away(run, run.intent.cluster_of(name), name, staying[0])
            with self._run(state, "remove", [name]) as run:
                return remove(run, confirm=None)

        fault = FaultReport("remove", f"{name} is removed", self._limit(OF_REMOVAL), ())
        return self._measured(fault, state, state, cluster, take_away, staying=staying)

    def _limit(self, limit: Limit) -> Limit:
        return limit_of_change(limit, is_outage_accepted=self.roll_out.accept_outage)

    def _measured(
        self,
        fault: FaultReport,
        before: State,
        after: State,
        name: str,
        change: Callable[[], Report],
        *,
        staying: Collection[str] = (),
    ) -> Report | None:
        """Make a change under load. The nodes that stay must be healthy afterwards, by the daemons' own checks."""
        [cluster] = (each for each in before.intent.clusters if each.name == name)
        with self._run(before, "rehearse", staying or _in_both(before, after, name)) as run:
            run.make_only(CHECKS - self.seen.unmet if self.seen and after is self.old else CHECKS)

            def make() -> Report:
                report = change()
                if report.passed:
                    run.expect(after.intent)
                return report

            return measure_change(run, cluster, fault, make, self.story.faults.append)

    def _verify(self) -> Report:
        with self._run(self.new, "verify", self._all(self.new)) as run:
            return verify(run, retry_timeout=SETTLE_SECONDS)

    def _break(self, faults: Collection[str]) -> Report:
        with self._run(self.new, "failover_test", self._all(self.new)) as run:
            report = failover_test(run, faults, confirm=None)
        self.story.faults += report.faults
        return report


def _in_both(before: State, after: State, cluster: str) -> list[str]:
    return [name for name in before.names(cluster) if name in after.names(cluster)]


def run_rehearse(arguments: argparse.Namespace) -> int:
    """Run `kube-ha rehearse`, and return the exit code."""
    return run_rehearsal(play, arguments)


def main(arguments: list[str] | None = None) -> int:
    """Run as a script with these arguments, or with those of `sys.argv`, and return the exit code."""
    return run_rehearsal_as_script(__doc__, play, arguments)


if __name__ == "__main__":
    sys.exit(main())
