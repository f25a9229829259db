"""The faults in the JSON report. JSON has no infinity, so an outage without end is null."""

from dataclasses import asdict
from typing import Any

from nornir_kube_ha.failover.api_outage import ApiCost, Requests, Watches
from nornir_kube_ha.failover.outage import FOREVER, Outage
from nornir_kube_ha.failover.statistics import Statistics
from nornir_kube_ha.failover.trial import FaultReport, Trial
from nornir_kube_ha.report.api_costs import api_statistics
from nornir_kube_ha.report.fault_costs import FIGURES

Tree = dict[str, Any]


def fault_tree(fault: FaultReport) -> Tree:
    """Return a fault as a JSON object, without single requests."""
    of_trials: Tree = {name: _statistics(fault.statistics(of)) for name, of in FIGURES.items()}
    of_trials["api"] = {name: _statistics(found) for name, found in api_statistics(fault).items()} or None
    return {
        "name": fault.name,
        "meaning": fault.meaning,
        "outcome": fault.outcome,
        "limit": asdict(fault.limit),
        "trials": [_trial(trial) for trial in fault.trials],
        "statistics": of_trials if fault.measured else None,
    }


def _trial(trial: Trial) -> Tree:
    watched = trial.holding is not None
    return {
        "cluster": trial.cluster,
        "target": trial.target,
        "started": trial.started.isoformat(),
        "outcome": trial.outcome,
        "words": trial.words,
        "exceeded": list(trial.exceeded),
        "before": trial.before,
        "holder": trial.holder,
        "made": trial.made,
        "heal": trial.heal,
        "healed": trial.healed,
        "late": trial.late,
        "new": _outage(trial.new),
        "reused": _outage(trial.reused),
        "after": _outage(trial.after),
        "after_reused": _outage(trial.after_reused),
        "two_holders": trial.two_holders if watched else None,
        "no_holder": trial.no_holder if watched else None,
        "moves": [{"at": at, "host": host} for at, host in trial.moves],
        "phases": _phases(trial),
        "api": _api(trial.api) if trial.api else None,
    }


def _api(cost: ApiCost) -> Tree:
    parts = {name: _outage(getattr(cost, name)) for name in ("address", "read", "cached", "write", "watch")}
    parts["watch"] |= {"ended": dict(cost.watch.ended)}
    return {**parts, "lost": cost.lost, "missed": cost.missed}


def _phases(trial: Trial) -> list[Tree]:
    found = trial.holding.phases if trial.holding else ()
    return [{"start": start, "end": end, "holders": list(holders)} for start, end, holders in found]


def _outage(outage: Outage | Requests | Watches) -> Tree:
    return {key: _number(value) for key, value in asdict(outage).items()}


def _statistics(statistics: Statistics) -> Tree:
    return {
        "median": _number(statistics.median),
        "p99": _number(statistics.p99),
        "max": _number(statistics.maximum),
    }


def _number(value: float | None) -> float | None:
    return None if value == FOREVER else value
