#!/usr/bin/env python3
"""Make every host what the inventory says it should be, then look whether it is.

Gather and compare; install what is missing; stage the new files on all hosts and have each host's own daemons judge
them; only then swap, the VIP's holder last, and reload. A host that fails ends the run. A host that is as it should be
is not touched.
"""

import sys

from nornir_kube_ha.checks import foreign_routers
from nornir_kube_ha.errors import VRIDTakenError
from nornir_kube_ha.report import Report
from nornir_kube_ha.rollout import batches
from nornir_kube_ha.runbooks.command import run_as_script
from nornir_kube_ha.runbooks.options import Options, add_change_options
from nornir_kube_ha.runbooks.patience import until_passed
from nornir_kube_ha.runbooks.run import Run
from nornir_kube_ha.tasks import change_services, commit_config, install_packages, stage_config, unstage_config

SETTLE_SECONDS = 30  # an election and two rounds of health checks take about three
SETTLE_INTERVAL = 0.5


def deploy(run: Run, _options: Options | None = None) -> Report:
    """Make every host of a run what it should be.

    Arguments:
        run: which hosts, by which Nornir; its `dry_run` says whether anything is changed
        _options: of the command line; nothing of a deploy depends on them

    Returns:
        What was changed and, unless it was a dry run, every check
    """
    with run.until_failure():
        run.tell(f"looking at {', '.join(run.hosts)}")
        run.look()
        run.stop_if_failed()
        _refuse_foreign_routers(run)
        _install(run)
        configure(run)
        _settle(run)
    return run.report()


def _refuse_foreign_routers(run: Run) -> None:
    """Who speaks our VRID already would fight for the VIP with every node that this run changes."""
    for name, plan in run.plans.items():
        view = run.view(name)
        if not plan.is_empty and (foreign := foreign_routers(view)):
            words = f"another router speaks VRID {view.node.virtual_router_id} on {view.node.interface}"
            hint = "give the cluster another virtual_router_id, or stop that router; nothing was changed"
            run.fail(name, VRIDTakenError(name, f"{words}: {'; '.join(foreign)}; {hint}"))
    run.stop_if_failed()


def _install(run: Run) -> None:
    missing = [name for name, plan in run.plans.items() if plan.install]
    if missing:
        run.tell_of_change(f"installing packages on {', '.join(missing)}")
    run.each_or_stop(install_packages, missing, intent=run.intent, facts=run.facts)
    if missing and not run.dry_run:
        run.look()  # which versions came, what their packages brought along, and what tcpdump hears
        run.stop_if_failed()
        _refuse_foreign_routers(run)


def configure(run: Run) -> None:
    """Stage what differs on all hosts, have it judged, then swap and reload: the holder last.

    Arguments:
        run: has looked at its hosts

    Raises:
        StoppedError: something failed on a host
    """
    differing = [name for name, plan in run.plans.items() if plan.touches_files]
    if differing:
        run.tell_of_change(f"staging new files and having them judged on {', '.join(differing)}")
    changing = [name for name, plan in run.plans.items() if plan.touches_files or plan.units]
    serving = [name for name in changing if run.facts[name].serves]
    waiting = set(differing)
    try:
        waiting = set(run.each(stage_config, differing, intent=run.intent, plans=run.plans))
        run.stop_if_failed()
        holding = [name for name in serving if run.facts[name].holds(run.intent.node(name).vip)]
        for names in batches(run.intent, changing, serving, holding):
            run.tell_of_change(f"changing {', '.join(names)}")
            run.each_or_stop(commit_config, names, plans=run.plans)
            waiting -= set(names)
            run.each_or_stop(change_services, names, intent=run.intent, plans=run.plans)
    finally:  # what will not go live is not left lying about
        run.each(unstage_config, sorted(waiting), plans=run.plans)


def _settle(run: Run) -> None:
    """After a change, look again until all is well; daemons take their time to find each other."""
    if not run.changed or run.dry_run:
        return
    run.tell("looking again, until every check passes")

    def look() -> Report:
        run.look()
        run.stop_if_failed()
        return run.report()

    until_passed(look, timeout=SETTLE_SECONDS, sleep=SETTLE_INTERVAL, tell=lambda _: None)


def main(arguments: list[str] | None = None) -> int:
    """Run as a command.

    Arguments:
        arguments: of the command line; the process's own if not given

    Returns:
        The exit code
    """
    return run_as_script("deploy", __doc__, deploy, arguments, add_change_options)


if __name__ == "__main__":
    sys.exit(main())
