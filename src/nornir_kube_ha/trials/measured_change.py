"""A change of our own, measured as a fault is: a client works on the VIP, and every node reports who holds it."""

from collections.abc import Callable
from dataclasses import replace

from nornir_kube_ha.engine.credentials import credentials_of
from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.failover.limit import Limit
from nornir_kube_ha.failover.trial import FaultReport, Outcome, Trial
from nornir_kube_ha.intent import Cluster
from nornir_kube_ha.report import Report
from nornir_kube_ha.trials.client_runner import Client, config_of
from nornir_kube_ha.trials.fault_injectors import ChangeInjector
from nornir_kube_ha.trials.measurement import Measurement

Keep = Callable[[FaultReport], object]


def measure_change(
    run: Run, cluster: Cluster, fault: FaultReport, change: Callable[[], Report], keep: Keep
) -> Report | None:
    """Make a change under load, and return its report.

    Arguments:
        run: logs in to watch the VIP; afterwards its checks must pass
        cluster: the cluster as it is before the change: what the client asks
        fault: name, meaning and limit, without a trial
        change: makes the change
        keep: called with the fault and its trial, even after an interruption

    Raises:
        KubeHaError: the client or a node does not answer before the change
    """
    done: list[Report] = []

    def note(trial: Trial) -> None:
        if done and not done[0].passed and trial.outcome is Outcome.PASSED:
            trial = replace(trial, outcome=Outcome.MISSED, exceeded=("the change itself did not pass",))
        keep(replace(fault, trials=(trial,)))

    node = cluster.nodes[0]
    config = config_of(node)._replace(kubernetes=credentials_of([cluster]).get(cluster.name))
    with Measurement(run, cluster, Client.here(node, config)) as measurement:
        injector = ChangeInjector(cluster.name, lambda: done.append(change()))
        measurement.trial(fault.limit, injector, 0.0, note)
    return done[0] if done else None


def limit_of_change(limit: Limit, *, is_outage_accepted: bool) -> Limit:
    """Return what a change may cost: with an accepted outage, any cost while it lasts."""
    if not is_outage_accepted:
        return limit
    return Limit(two_holders=None, after=None, two_after=None)
