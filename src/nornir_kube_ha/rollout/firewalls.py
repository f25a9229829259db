"""Firewall steps of a run: open before anything relies on a rule, close when nothing does any more."""

from collections.abc import Collection, Iterator, Mapping
from typing import Literal

from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.errors import PreflightError
from nornir_kube_ha.facts import Facts
from nornir_kube_ha.firewall import Opening, openings, stopped
from nornir_kube_ha.tasks import change_firewall
from nornir_kube_ha.text import named


def open_firewalls(run: Run, needed: Mapping[str, tuple[Opening, ...]] | None = None) -> None:
    """Open the firewalls as the run's plans say, then check that the packets pass.

    Arguments:
        run: has looked at its hosts
        needed: by host name, the packets that must pass; None: those of the inventory

    Raises:
        StoppedError: a host's firewall rejects a rule, or still blocks what must pass
    """
    hosts = _tell(run, "open", run.plans)
    run.ledger.stop_if_failed()
    if not hosts or run.dry_run:
        return
    plans = run.plans
    run.look()
    run.replan(plans)
    run.ledger.stop_if_failed()
    for name in hosts:
        view = run.view(name)
        wanted = needed[name] if needed else openings(view.cluster, view.node)
        # The manager may have other rules that match first.
        if found := "; ".join(_still_stopped(wanted, view.facts)):
            words = f"the firewall still blocks {found} after its rules were added; no other file was changed"
            run.fail(name, PreflightError(name, words))
    run.ledger.stop_if_failed()


def _still_stopped(wanted: tuple[Opening, ...], facts: Facts) -> Iterator[str]:
    try:
        ruleset = facts.ruleset
    except ValueError as error:
        yield f"cannot parse the firewall's rules ({error})"
    else:
        yield from stopped(wanted, ruleset) if ruleset else ()


def close_firewalls(run: Run) -> None:
    """Remove firewall rules that nothing needs any more.

    Arguments:
        run: has changed its hosts

    Raises:
        StoppedError: in each cluster, the firewall of a host could not be changed
    """
    _tell(run, "close", run.going)
    run.ledger.end_failed_clusters()


def _tell(run: Run, step: Literal["open", "close"], hosts: Collection[str]) -> list[str]:
    changes = {name: plan.firewall for name, plan in run.plans.items() if plan.firewall and name in hosts}
    meant = [name for name, change in changes.items() if (change.opened if step == "open" else change.closed)]
    if meant:
        run.tell_of_change(f"changing the firewall of {named(meant)}: {step}")
    run.each(change_firewall, meant, plans=run.plans, step=step, lease=run.lease)
    return meant
