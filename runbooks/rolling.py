"""Rolling a change over hosts: staged and judged on all, then swapped host by host, each behind a gate.

A host that is not well with its new configuration goes back to the files that it had, and the change goes no further.
"""

import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from nornir_kube_ha.config import KEEPALIVED_CONF
from nornir_kube_ha.dialect import differences
from nornir_kube_ha.errors import KubeHaError, PreflightError
from nornir_kube_ha.lease import LEASE_SECONDS
from nornir_kube_ha.plan import HostPlan, plan
from nornir_kube_ha.rollout import batches
from nornir_kube_ha.runbooks.gate import Gate
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


def roll_out(run: Run, checks: Collection[str], how: RollOut) -> None:
    """Stage what differs on all hosts, have it judged, then swap and tell the daemons: the VIP's holder last.

    Arguments:
        run: has looked at its hosts; its plans say what differs
        checks: ids of the checks that stand at the gate
        how: in which steps

    Raises:
        StoppedError: something failed on more hosts than may
    """
    plans = dict(run.plans)
    differing = [name for name, change in plans.items() if change.touches_files]
    if differing:
        run.tell_of_change(f"staging new files and having them judged on {', '.join(differing)}")
    changing = [name for name, change in plans.items() if change.touches_files or change.units]
    serving = [name for name in changing if run.facts[name].serves]
    holding = [name for name in serving if run.facts[name].holds(run.intent.node(name).vip)]
    together = _cannot_be_rolled(run, serving, plans, how)
    if together:
        how = replace(how, max_fail=NONE, on_failure="stop" if how.on_failure == "stop" else "rollback-all")
    gates = {name: Gate.of(run, name, checks) for name in serving}
    waiting, done, prolonged = set(differing), list[str](), time.monotonic()
    try:
        waiting = set(run.each(stage_config, differing, intent=run.intent, plans=plans, lease=run.lease))
        run.stop_if_failed()
        joining = [name for name in changing if KEEPALIVED_CONF not in run.facts[name].files]
        serial = max(1, how.serial.of(len(serving)))
        groups = batches(run.intent, changing, serving, holding, serial=serial, joining=joining)
        for names in (tuple(changing),) if together else groups:
            run.tell_of_change(f"changing {', '.join(names)}")
            run.in_hand = set(names)
            _change(run, names, plans, waiting)
            done += _pass_gates(run, names, gates, how)
            run.in_hand.clear()
            _stop_if_too_many_failed(run, changing, how, {name: gates[name] for name in done if name in gates})
            prolonged = _keep_leases(run, prolonged)
    finally:  # what will not go live is not left lying about
        run.each(unstage_config, sorted(waiting - set(run.unreachable)), plans=plans)


def _cannot_be_rolled(run: Run, serving: Collection[str], plans: Mapping[str, HostPlan], how: RollOut) -> bool:
    """Whether nodes that are changed and nodes that are not yet would not hear each other, and both hold the VIP."""
    for name in serving:
        new = next((each.file for each in plans[name].write if each.file.path == KEEPALIVED_CONF), None)
        old = run.facts[name].files.get(KEEPALIVED_CONF)
        words = differences(old.content.decode(errors="replace"), new.content) if old and new else ()
        if words and how.accept_outage:
            return True
        if words:
            keepalived = run.intent.node(name).keepalived
            seconds = keepalived.down_timer_adverts * keepalived.advert_int
            hint = "with --accept-outage all nodes change at once, and nobody has the VIP for about"
            message = (
                f"{', '.join(words)}: nodes with and without this change do not hear each other, so it cannot go from"
            )
            run.fail(name, PreflightError(name, f"{message} host to host; {hint} {seconds:.1f} s. Nothing was changed"))
    run.stop_if_failed()
    return False


def _change(run: Run, names: Collection[str], plans: Mapping[str, HostPlan], waiting: set[str]) -> None:
    """Never left half-way: files that are swapped are read by their daemons too."""
    with run.unbroken():
        committed = run.each(commit_config, names, plans=plans, lease=run.lease)
        waiting.difference_update(committed)
        run.each(change_services, [*committed], intent=run.intent, plans=plans, lease=run.lease)


def _pass_gates(run: Run, names: Iterable[str], gates: Mapping[str, Gate], how: RollOut) -> list[str]:
    """The names of those that are well. What served nobody before has no gate: the run's own checks come at its end."""
    well = []
    for name in names:
        try:
            if name in run.reached and name in gates and not run.dry_run:
                gates[name].passed_by(run, name)
        except KubeHaError as error:
            run.fail(name, error)
        if name in run.reached:
            well.append(name)
        elif name in gates and how.on_failure != "stop":
            run.add_words(name, _go_back(run, name, gates[name]))
    return well


def _stop_if_too_many_failed(run: Run, changing: Collection[str], how: RollOut, done: Mapping[str, Gate]) -> None:
    failed = [name for name in changing if name not in run.reached]
    if len(failed) <= how.max_fail.of(len(changing)):
        run.tolerated.update(failed)
    elif how.on_failure == "rollback-all":
        for name, gate in reversed([*done.items()]):
            run.tell(f"{name}: {_go_back(run, name, gate)}")
    run.stop_if_failed()


def _keep_leases(run: Run, since: float) -> float:
    """A roll-out may take longer than a lease lasts by itself; when they were last prolonged."""
    if run.lease is None or time.monotonic() - since < LEASE_SECONDS / 4:
        return since
    run.each_or_stop(take_lease, run.reached, lease=run.lease)
    return time.monotonic()


def _go_back(run: Run, name: str, gate: Gate) -> str:
    """Put a host back on the files that this run replaced; what became of that, in words."""
    run.tell(f"{name} is not well: putting it back on the files that it had")
    try:
        kept = [each for each in run.one(get_generations, name) if each.run_id == run.run_id]
        if not kept:
            return "its live files were not touched"
        put_generation(run, name, kept[0].number)  # the first: what was live before this run's first change
        gate.passed_by(run, name)
    except KubeHaError as error:
        return f"going back to the files that it had failed as well: {getattr(error, 'message', error)}"
    return "it is back on the files that it had, and as well as before"


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
