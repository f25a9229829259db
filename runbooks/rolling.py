"""Rolling a change over hosts: staged and judged on all, then swapped host by host, each behind a gate.

A host that is not well with its new configuration goes back to the files that it had, and the change goes no further.
"""

import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from nornir_kube_ha.config import KEEPALIVED_CONF
from nornir_kube_ha.dialect import differences
from nornir_kube_ha.errors import KubeHaError, PreflightError
from nornir_kube_ha.intent import Cluster, Intent
from nornir_kube_ha.lease import LEASE_SECONDS
from nornir_kube_ha.plan import HostPlan, plan
from nornir_kube_ha.rollout import batches
from nornir_kube_ha.runbooks.gate import Gate, not_passed
from nornir_kube_ha.runbooks.rollout_options import NONE, RollOut
from nornir_kube_ha.runbooks.run import Run
from nornir_kube_ha.tasks import (
    change_services,
    commit_config,
    get_generation_files,
    get_generations,
    stage_config,
    take_lease,
    unstage_config,
)

BACK = "it is back on the files that it had, and as well as before"


@dataclass
class Way:
    """A cluster's part of a roll-out.

    Arguments:
        cluster: its name
        hosts: names of those of its hosts that are changed
        serving: those of them that serve
        groups: those that go at once, one group after the other; what is begun is taken out
        how: in which steps
        done: names of those that are well with their change
    """

    cluster: str
    hosts: tuple[str, ...]
    serving: tuple[str, ...]
    groups: list[tuple[str, ...]]
    how: RollOut
    done: list[str] = field(default_factory=list)


def roll_out(run: Run, checks: Collection[str], how: RollOut) -> None:
    """Stage what differs on all hosts, have it judged, then swap and tell the daemons: the VIP's holder last.

    Clusters go beside each other, hosts of one in order. One in which too many fail stops; the others go on.

    Arguments:
        run: has looked at its hosts; its plans say what differs
        checks: ids of the checks that stand at the gate
        how: in which steps, within each cluster

    Raises:
        StoppedError: something failed before anything was changed, or no cluster is left
    """
    plans = dict(run.plans)
    differing = [name for name, change in plans.items() if change.touches_files]
    if differing:
        run.tell_of_change(f"staging new files and having them judged on {', '.join(differing)}")
    ways = _ways(run, plans, how)
    gates = {name: Gate.of(run, name, checks) for way in ways for name in way.serving}
    waiting, prolonged = set(differing), time.monotonic()
    try:
        waiting = set(run.each(stage_config, differing, intent=run.intent, plans=plans, lease=run.lease))
        run.stop_if_failed()
        while going := _going(run, ways):
            names = [name for way in going for name in way.groups.pop(0)]
            run.tell_of_change(f"changing {', '.join(names)}")
            run.in_hand = set(names)
            _change(run, names, plans, waiting)
            _pass_gates(run, names, gates)
            for way in going:
                _account(run, way, names, gates)
            run.in_hand.clear()
            run.stop_failed_clusters()
            prolonged = _keep_leases(run, prolonged)
    finally:  # what will not go live is not left lying about
        run.each(unstage_config, sorted(waiting - set(run.unreachable)), plans=plans)


def _going(run: Run, ways: Iterable[Way]) -> list[Way]:
    """Those that have something left to do, and were not stopped."""
    names = {cluster.name for cluster in run.going}
    return [way for way in ways if way.groups and way.cluster in names]


def _ways(run: Run, plans: Mapping[str, HostPlan], how: RollOut) -> list[Way]:
    """The order in each cluster."""
    changing = [name for name, change in plans.items() if change.touches_files or change.units]
    together = _cannot_be_rolled(run, [name for name in changing if run.facts[name].serves], plans, how)
    return [
        _way(run, cluster, hosts, how, together=cluster.name in together)
        for cluster in run.clusters
        if (hosts := tuple(node.name for node in cluster.nodes if node.name in changing))
    ]


def _way(run: Run, cluster: Cluster, hosts: tuple[str, ...], how: RollOut, *, together: bool) -> Way:
    serving = tuple(name for name in hosts if run.facts[name].serves)
    if together:
        on_failure = "stop" if how.on_failure == "stop" else "rollback-all"
        return Way(cluster.name, hosts, serving, [hosts], replace(how, max_fail=NONE, on_failure=on_failure))
    holding = [name for name in serving if run.facts[name].holds(cluster.vip)]
    joining = [name for name in hosts if KEEPALIVED_CONF not in run.facts[name].files]
    serial = max(1, how.serial.of(len(serving)))
    groups = batches(Intent((cluster,)), hosts, serving, holding, serial=serial, joining=joining)
    return Way(cluster.name, hosts, serving, [*groups], how)


def _cannot_be_rolled(
    run: Run, serving: Collection[str], plans: Mapping[str, HostPlan], how: RollOut
) -> frozenset[str]:
    """Names of clusters whose nodes, changed and not changed yet, would not hear each other, and both hold the VIP."""
    found = set()
    for name in serving:
        new = next((each.file for each in plans[name].write if each.file.path == KEEPALIVED_CONF), None)
        old = run.facts[name].files.get(KEEPALIVED_CONF)
        words = differences(old.content.decode(errors="replace"), new.content) if old and new else ()
        if words and how.accept_outage:
            found.add(run.intent.node(name).cluster)
        elif words:
            keepalived = run.intent.node(name).keepalived
            seconds = keepalived.down_timer_adverts * keepalived.advert_int
            hint = "with --accept-outage all nodes change at once, and nobody has the VIP for about"
            message = (
                f"{', '.join(words)}: nodes with and without this change do not hear each other, so it cannot go from"
            )
            run.fail(name, PreflightError(name, f"{message} host to host; {hint} {seconds:.1f} s. Nothing was changed"))
    run.stop_if_failed()
    return frozenset(found)


def _change(run: Run, names: Collection[str], plans: Mapping[str, HostPlan], waiting: set[str]) -> None:
    """Never left half-way: files that are swapped are read by their daemons too."""
    with run.unbroken():
        committed = run.each(commit_config, names, plans=plans, lease=run.lease)
        waiting.difference_update(committed)
        run.each(change_services, [*committed], intent=run.intent, plans=plans, lease=run.lease)


def _pass_gates(run: Run, names: Collection[str], gates: Mapping[str, Gate]) -> None:
    """What served nobody before has no gate: the run's own checks come at its end."""
    if not run.dry_run:
        standing = {name: gates[name] for name in names if name in run.reached and name in gates}
        for name, error in not_passed(run, standing).items():
            run.fail(name, error)


def _account(run: Run, way: Way, names: Collection[str], gates: Mapping[str, Gate]) -> None:
    """See how a cluster's hosts have fared, and whether it goes on."""
    begun = [name for name in way.hosts if name in names]
    way.done += [name for name in begun if name in run.reached]
    ill = {name: gates[name] for name in begun if name in gates and name not in run.reached}
    if way.how.on_failure != "stop":
        for name, words in _go_back(run, ill).items():
            run.add_words(name, words)
    failed = [name for name in way.hosts if name not in run.reached]
    if len(failed) <= way.how.max_fail.of(len(way.hosts)):
        run.tolerated.update(failed)
    elif way.how.on_failure == "rollback-all":
        for name in reversed([name for name in way.done if name in gates]):
            run.tell(f"{name}: {_go_back(run, {name: gates[name]})[name]}")


def _keep_leases(run: Run, since: float) -> float:
    """A roll-out may take longer than a lease lasts by itself; when they were last prolonged."""
    if run.lease is None or time.monotonic() - since < LEASE_SECONDS / 4:
        return since
    run.each(take_lease, run.reached, lease=run.lease)
    run.stop_failed_clusters()
    return time.monotonic()


def _go_back(run: Run, gates: Mapping[str, Gate]) -> dict[str, str]:
    """Put hosts back on the files that this run replaced; what became of that, in words."""
    words: dict[str, str] = {}
    back: dict[str, Gate] = {}
    for name, gate in gates.items():
        run.tell(f"{name} is not well: putting it back on the files that it had")
        try:
            kept = [each for each in run.one(get_generations, name) if each.run_id == run.run_id]
            if kept:
                put_generation(run, name, kept[0].number)  # the first: what was live before this run's first change
                back[name] = gate
            words[name] = BACK if kept else "its live files were not touched"
        except KubeHaError as error:
            words[name] = _not_back(error)
    return words | {name: _not_back(error) for name, error in not_passed(run, back).items()}


def _not_back(error: KubeHaError) -> str:
    return f"going back to the files that it had failed as well: {getattr(error, 'message', error)}"


def put_generation(run: Run, name: str, number: int) -> None:
    """Make the files of a generation live again on one host.

    Arguments:
        run: logs in
        name: of the host
        number: the generation's

    Raises:
        KubeHaError: the host does not take them
    """
    files = run.one(get_generation_files, name, number=number)
    put_files(run, name, plan(run.intent.node(name), files, run.look_at(name)))


def put_files(run: Run, name: str, change: HostPlan) -> None:
    """Make files live on one host by itself: staged, judged, swapped, and read by its daemons.

    Arguments:
        run: logs in
        name: of the host
        change: what differs there

    Raises:
        KubeHaError: the host does not take them
    """
    plans = {name: change}
    for task, arguments in (
        (stage_config, {"intent": run.intent}),
        (commit_config, {}),
        (change_services, {"intent": run.intent}),
    ):
        run.one(task, name, plans=plans, lease=run.lease, **arguments)
