"""Roll a change over hosts: stage and validate it on all, then put it live host by host, each behind a gate.

A host that fails its gate gets its old files back, and the change goes no further.
"""

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain, zip_longest

from nornir_kube_ha.daemons import parse_keepalived_conf
from nornir_kube_ha.engine.leases import check_leases, keep_leases
from nornir_kube_ha.engine.ledger import StoppedError
from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.errors import KubeHaError, PreflightError
from nornir_kube_ha.intent import Cluster
from nornir_kube_ha.intent.names import KEEPALIVED_CONF
from nornir_kube_ha.planning.membership import carries_vip, joining, strangers_to
from nornir_kube_ha.planning.plan import HostPlan, plan
from nornir_kube_ha.planning.rollout_order import batches
from nornir_kube_ha.planning.vrrp_compatibility import differences
from nornir_kube_ha.rollout.gate import Gate, pass_gate, pass_gates
from nornir_kube_ha.rollout.policy import NONE, RollOut
from nornir_kube_ha.rollout.second_holder import leave_single_holder, starts_keepalived, watch_for_second_holders
from nornir_kube_ha.tasks import (
    apply_config,
    get_generation_files,
    get_generations,
    stage_config,
    unstage_config,
)
from nornir_kube_ha.text import named


@dataclass(frozen=True, slots=True)
class ClusterRollOut:
    """How a change goes over one cluster, independent of the others.

    Arguments:
        cluster: its name
        how: the policy of the roll-out
        groups: names of its hosts, one group after the other
        gates: of the hosts in service, by name
        joining: names of hosts that the cluster's other nodes do not know yet
        well: names of the hosts that have passed their gates, in this order
    """

    cluster: str
    how: RollOut
    groups: tuple[tuple[str, ...], ...]
    gates: Mapping[str, Gate]
    joining: Collection[str] = ()
    well: list[str] = field(default_factory=list)

    @property
    def changing(self) -> list[str]:
        """Names of all its hosts that change."""
        return [name for group in self.groups for name in group]


def roll_over_hosts(run: Run, checks: Collection[str], how: RollOut) -> None:
    """Stage what differs on all hosts, validate it, then put it live group by group, the VIP holder last.

    Clusters proceed side by side: the first group of each, then the second of each. A cluster that fails stops alone.

    Arguments:
        run: has looked at its hosts; its plans say what differs
        checks: ids of the checks at the gate
        how: the policy within each cluster

    Raises:
        StoppedError: something failed before anything was live, or in each cluster more hosts failed than may
    """
    plans = dict(run.plans)
    differing = [name for name, change in plans.items() if change.touches_files]
    if differing:
        run.tell_of_change(f"staging and validating new files on {named(differing)}")
    lanes = [_lane(run, cluster, plans, checks, how) for cluster in run.clusters]
    run.ledger.stop_if_failed()
    waiting, prolonged = set(differing), time.monotonic()
    started: dict[str, set[str]] = {}
    try:
        waiting = set(run.each(stage_config, differing, intent=run.intent, plans=plans, lease=run.lease))
        run.ledger.stop_if_failed()
        for wave in zip_longest(*(lane.groups for lane in lanes), fillvalue=()):
            turns = {
                lane.cluster: names
                for lane, names in zip(lanes, wave, strict=True)
                if names and lane.cluster not in run.ledger.ended
            }
            _admit(run, lanes, turns)
            run.ledger.end_failed_clusters()
            names = [name for name in chain.from_iterable(turns.values()) if name in run.going]
            if not names:
                continue
            run.tell_of_change(f"changing {named(names)}")
            run.ledger.in_hand = set(names)
            _change(run, names, plans, waiting)
            _pass_gates(run, names, {name: gate for lane in lanes for name, gate in lane.gates.items()})
            _watch(run, lanes, turns, started, plans)
            _on_each(
                [partial(_put_back_failed, run, lane, turns[lane.cluster]) for lane in lanes if lane.cluster in turns]
            )
            run.ledger.in_hand.clear()
            run.ledger.end_failed_clusters()
            prolonged = keep_leases(run, prolonged)
        _look_at_ended(run, started, plans)
    except StoppedError:
        _look_at_ended(run, started, plans)
        raise
    finally:  # remove drafts that will not go live
        run.each(unstage_config, sorted(waiting - set(run.ledger.unreachable)), plans=plans, lease=run.lease)


def _lane(
    run: Run, cluster: Cluster, plans: Mapping[str, HostPlan], checks: Collection[str], how: RollOut
) -> ClusterRollOut:
    own = [node.name for node in cluster.nodes if node.name in plans]
    changing = [name for name in own if plans[name].touches_live]
    new = joining(cluster, changing, run.facts)
    serving = [name for name in changing if run.facts[name].serves and name not in new]
    holding = [name for name in serving if run.facts[name].holds_any(cluster.vips)]
    serial = max(1, how.serial.of(len(serving)))
    groups = batches(run.intent, changing, serving, holding, serial=serial, joining=new)
    # Two nodes that carry the VIP with different VRIDs would both hold it, also where one of them joins only now.
    carrying = [name for name in changing if run.facts[name].serves and carries_vip(cluster, run.facts[name])]
    if _cannot_be_rolled(run, cluster, dict.fromkeys([*serving, *carrying]), plans, how):
        groups = (tuple(changing),)
        how = replace(how, max_fail=NONE, on_failure="stop" if how.on_failure == "stop" else "rollback-all")
    # A host that serves another cluster now can be put back as well.
    gates = {name: Gate.of(run, name, checks) for name in changing if run.facts[name].serves}
    return ClusterRollOut(cluster.name, how, groups, gates, new)


def _cannot_be_rolled(
    run: Run, cluster: Cluster, serving: Collection[str], plans: Mapping[str, HostPlan], how: RollOut
) -> bool:
    """Return whether all nodes change at once, since nodes with and without the change do not hear each other.

    Both sides would hold the VIP. If the policy or the hosts of the run do not allow it, fail the host.
    """
    left_out = [node.name for node in cluster.nodes if node.name not in run.hosts]
    for name in serving:
        new = next((each.file for each in plans[name].write if each.file.path == KEEPALIVED_CONF), None)
        words = differences(run.facts[name].keepalived_conf, parse_keepalived_conf(new.data)) if new else ()
        if words and how.accept_outage and not left_out:
            return True
        if words and how.accept_outage:
            message = (
                f"{', '.join(words)}: all nodes must change at once, but this run leaves out {', '.join(left_out)}"
            )
            run.fail(name, PreflightError(name, f"{message}. Run it without --limit and --filter; nothing was changed"))
        elif words:
            seconds = run.intent.node(name).keepalived.down_seconds
            hint = "Pass --accept-outage to change all nodes at once, which leaves the VIP without a holder for about"
            message = (
                f"{', '.join(words)}: nodes with and without this change ignore each other's adverts, so hosts cannot"
            )
            run.fail(
                name, PreflightError(name, f"{message} change one by one. {hint} {seconds:.1f} s; nothing was changed")
            )
    return False


def _admit(run: Run, lanes: Iterable[ClusterRollOut], turns: Mapping[str, Collection[str]]) -> None:
    """Fail a host that joins while a running node sends it no adverts, as one that went back to its old files."""
    for lane in lanes:
        if run.dry_run or len(lane.groups) == 1:
            continue
        cluster = next(each for each in run.clusters if each.name == lane.cluster)
        for name in set(turns.get(lane.cluster, ())) & set(lane.joining):
            if strangers := strangers_to(cluster, name, run.facts):
                words = (
                    f"{', '.join(strangers)} would send it no VRRP adverts, so it would hold {cluster.addresses} too"
                )
                hint = "it was not changed. Fix those nodes first, then deploy again"
                run.fail(name, PreflightError(name, f"{words}: {hint}"))


def _watch(
    run: Run,
    lanes: Iterable[ClusterRollOut],
    turns: Mapping[str, Collection[str]],
    started: dict[str, set[str]],
    plans: Mapping[str, HostPlan],
) -> None:
    """Where keepalived was just started beside a node in service, check that it made no second holder."""
    for lane in lanes:
        names = {
            name
            for name in turns.get(lane.cluster, ())
            if name in run.ledger.changed and (name in lane.joining or starts_keepalived(plans[name]))
        }
        if run.dry_run or not names:
            continue
        started.setdefault(lane.cluster, set()).update(names)
        cluster = next(each for each in run.clusters if each.name == lane.cluster)
        if any(run.facts[node.name].holds_any(cluster.vips) for node in cluster.nodes if node.name in run.facts):
            watch_for_second_holders(run, cluster, started[lane.cluster], plans)


def _look_at_ended(run: Run, started: Mapping[str, Collection[str]], plans: Mapping[str, HostPlan]) -> None:
    """Look at clusters whose change ended early, so that their report says who holds the VIP now."""
    if not run.dry_run:
        with run.defer_signals():
            leave_single_holder(run, started, plans)


def _change(run: Run, names: Collection[str], plans: Mapping[str, HostPlan], waiting: set[str]) -> None:
    """Put files live on hosts. An interruption has to wait: daemons must also read the files that are live."""
    with run.defer_signals():
        waiting.difference_update(run.each(apply_config, names, intent=run.intent, plans=plans, lease=run.lease))


def _pass_gates(run: Run, names: Iterable[str], gates: Mapping[str, Gate]) -> None:
    """Wait at the gates, and fail hosts that do not pass. A host that was not in service has no gate."""
    if not run.dry_run:
        guarded = {name: gates[name] for name in names if name in run.reached and name in gates}
        failed = pass_gates(run, guarded)
        # If another run holds the lease by now, what is there may be its files, not this run's.
        lost = check_leases(run, [*failed])
        for name, error in failed.items():
            run.fail(name, lost.get(name, error))


def _on_each(steps: Sequence[Callable[[], None]]) -> None:
    """Run steps in parallel, so that a long wait in one cluster does not delay the others."""
    if len(steps) == 1:
        steps[0]()
        return
    with ThreadPoolExecutor(max_workers=len(steps)) as pool:
        for future in [pool.submit(step) for step in steps]:
            future.result()


def _put_back_failed(run: Run, lane: ClusterRollOut, names: Iterable[str]) -> None:
    """Put back the hosts that failed their turn. With `rollback-all`, put back all that was changed in the cluster."""
    for name in names:
        if name in run.reached:
            lane.well.append(name)
        elif name in lane.gates and lane.how.on_failure != "stop" and not run.ledger.has_lost_lease(name):
            run.add_words(name, _go_back(run, name, lane.gates[name]))
    failed = [name for name in lane.changing if name not in run.reached]
    if len(failed) <= lane.how.max_fail.of(len(lane.changing)):
        run.ledger.tolerated.update(failed)
    elif lane.how.on_failure == "rollback-all":
        for name in reversed([name for name in lane.well if name in lane.gates]):
            run.tell(f"{name}: {_go_back(run, name, lane.gates[name])}")


def _go_back(run: Run, name: str, gate: Gate) -> str:
    """Put a host back to the files that this run replaced, and return the result in words."""
    if lost := check_leases(run, [name]).get(name):
        run.fail(name, lost)
        return f"its files were not restored: {getattr(lost, 'message', lost)}"
    run.tell(f"{name} fails its checks: restoring its previous files")
    try:
        kept = [each for each in run.one(get_generations, name) if each.run_id == run.run_id]
        if not kept:
            return "its live files were not changed"
        put_generation(run, name, kept[0].number)  # the first: what was live before this run's first change
        pass_gate(run, name, gate)
    except KubeHaError as error:
        return f"restoring its previous files failed as well: {getattr(error, 'message', error)}"
    return "its previous files were restored, and it passes the checks that it passed before"


def put_generation(run: Run, name: str, number: int) -> None:
    """Make the files of a generation live again on one host.

    Arguments:
        run: logs in
        name: of the host
        number: the generation's

    Raises:
        KubeHaError: the host rejects them
    """
    files = run.one(get_generation_files, name, number=number)
    put_files(run, name, plan(run.intent.node(name), files, run.look_at(name)))


def put_files(run: Run, name: str, change: HostPlan) -> None:
    """Stage and validate files on one host, put them live, and have its daemons read them.

    Arguments:
        run: logs in
        name: of the host
        change: what differs there

    Raises:
        KubeHaError: the host rejects them
    """
    plans = {name: change}
    for task in (stage_config, apply_config):
        run.one(task, name, intent=run.intent, plans=plans, lease=run.lease)
