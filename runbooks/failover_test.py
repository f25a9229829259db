#!/usr/bin/env python3
"""Inject faults, one at a time, and measure the outage that a client sees.

No fault is injected unless every check passes. Each fault hits the VIP holder or an apiserver, and heals by
itself: its timer runs on the host, even if this command is killed. Every check must pass again before the next fault.
"""

import fnmatch
import sys
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from nornir_kube_ha.cli.command import run_as_script
from nornir_kube_ha.cli.confirm import Ask, ask
from nornir_kube_ha.engine.credentials import credentials_of
from nornir_kube_ha.engine.leases import lease_of, leased
from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.errors import DeclinedError, UsageError
from nornir_kube_ha.failover.faults import FAULTS, Fault, Target, Way
from nornir_kube_ha.failover.probe.settings import Config
from nornir_kube_ha.failover.trial import FaultReport, Outcome, Trial
from nornir_kube_ha.intent import Cluster
from nornir_kube_ha.lab.door import LabFault, apiserver_hosts, etcd_members, why_not
from nornir_kube_ha.nearest import did_you_mean
from nornir_kube_ha.report import Report
from nornir_kube_ha.report.api_costs import through_api
from nornir_kube_ha.report.words import in_seconds
from nornir_kube_ha.tasks import take_lease
from nornir_kube_ha.tasks.stream import start_command
from nornir_kube_ha.text import named
from nornir_kube_ha.trials.change_faults import change_injector
from nornir_kube_ha.trials.client_channel import remote_command
from nornir_kube_ha.trials.client_runner import Client, config_of
from nornir_kube_ha.trials.fault_injectors import FaultInjector, HostFaultInjector, LabFaultInjector
from nornir_kube_ha.trials.measurement import Measurement
from nornir_kube_ha.trials.progress import Progress

_RESTARTED = {"haproxy.stable", "keepalived.stable"}  # if they passed before, later warnings are this test's doing
TRIAL_SECONDS = 180  # beyond the fault's own time: until it shows, until it has healed, and until every check passes


@dataclass(frozen=True, slots=True)
class _How:
    """How each fault is tested: trials, seconds of the fault and of the outage (None: its own), and how far all is."""

    repeat: int
    hold: float | None
    limit: float | None
    progress: Progress


def failover_test(
    run: Run,
    faults: Collection[str] | None,
    *,
    repeat: int = 1,
    hold: float | None = None,
    limit: float | None = None,
    vantage: str = "",
    rate: int = 50,
    connections: int = 10,
    kubeconfig: Path | None = None,
    confirm: Ask | None = ask,
) -> Report:
    """Inject faults and measure what each costs a client.

    Arguments:
        run: with all hosts of its clusters
        faults: names or patterns of the faults to inject, in order; None: every fault that is possible on these hosts
        repeat: number of trials of each fault
        hold: seconds that each fault lasts; None: the fault's own time
        limit: seconds of outage that new connections may see; None: the fault's own limit
        vantage: host that the client runs on; empty: the controller
        rate: new connections a second
        connections: number of long-lived connections
        kubeconfig: credential for the Kubernetes API; None: the inventory's
        confirm: asks for confirmation; None: nobody is asked

    Returns:
        Every check, as last seen, and every trial

    Raises:
        UsageError: something impossible is asked for
        DeclinedError: not confirmed
    """
    chosen = choose_faults(faults)
    clusters = run.clusters
    credentials = credentials_of(clusters, kubeconfig)
    for cluster in clusters:
        _refuse_partial(run, cluster)
        for fault in chosen if faults is not None else ():
            _refuse_impossible(cluster, fault)
    if vantage:
        run.refuse_login(vantage)
    run.tell(f"looking at {named(run.hosts)}")
    run.look(lease_of(run))
    report = run.report()
    if not report.passed:
        run.tell("no fault was injected: every check must pass first")
        return report
    possible = {cluster.name: [each for each in chosen if not impossible(cluster, each)] for cluster in clusters}
    for cluster in clusters:  # confirm all clusters before the first fault
        if confirm and not confirm(_question(cluster, possible[cluster.name], repeat)):
            raise DeclinedError("aborted before injecting a fault; pass --yes to skip the question")
    with run.ledger.until_failure(), leased(run, set()):
        if not run.report().passed:  # another run may have changed hosts during the question
            run.tell("no fault was injected: another run has changed a cluster, and not every check passes any more")
            return run.report()
        run.make_only(
            {*run.checks} - _RESTARTED.difference(each.id for _, each in report.findings if each.status == "warn")
        )
        lasts = [_seconds(fault, hold) for each in possible.values() for fault in each for _ in range(repeat)]
        how = _How(repeat, hold, limit, Progress(lasts))
        for cluster in clusters:
            config = config_of(cluster.nodes[0])._replace(
                rate=float(rate), connections=connections, kubernetes=credentials.get(cluster.name)
            )
            with Measurement(run, cluster, _client(run, cluster, vantage, config)) as measurement:
                if not all(_test(run, measurement, fault, how) for fault in possible[cluster.name]):
                    break
    return run.report()


def choose_faults(patterns: Iterable[str] | None) -> tuple[Fault, ...]:
    """Return the faults that names or patterns select, each once, in order.

    Arguments:
        patterns: as `haproxy-*`; None: all faults

    Raises:
        UsageError: there is no such fault, or none is selected
    """
    if patterns is None:
        return tuple(FAULTS.values())
    chosen: dict[str, Fault] = {}
    for pattern in patterns:
        names = fnmatch.filter(FAULTS, pattern)
        if not names:
            raise UsageError(f"no fault is called {pattern}; {did_you_mean(pattern, FAULTS, '--list shows all')}")
        chosen |= {name: FAULTS[name] for name in names}
    if not chosen:
        raise UsageError("expected --fault NAME or --all; --list shows all faults")
    return tuple(chosen.values())


def impossible(cluster: Cluster, fault: Fault) -> str:
    """Return why a fault cannot be injected on a cluster, "" if it can."""
    first = cluster.nodes[0]
    own = {node.address for node in cluster.nodes}
    if fault.way is Way.LAB and not first.lab:
        return "needs root on the machine that the host runs on, so it works in a lab only"
    if fault.way is Way.HOST and fault.target is Target.APISERVER and not own & {a.address for a in cluster.apiservers}:
        return "no apiserver runs on a node of the cluster"
    if fault.way is Way.LAB and (why := why_not(str(first.lab), cluster.name, fault.verb)):
        return why
    if fault.name == "vip-move" and not first.keepalived.events:
        return "keepalived.events is false"
    return ""


def _refuse_partial(run: Run, cluster: Cluster) -> None:
    if missing := [node.name for node in cluster.nodes if node.name not in run.hosts]:
        raise UsageError(
            f"a failover test needs all nodes of cluster {cluster.name}: {', '.join(missing)} is not selected"
        )


def _refuse_impossible(cluster: Cluster, fault: Fault) -> None:
    if why := impossible(cluster, fault):
        raise UsageError(f"{fault.name} on cluster {cluster.name}: {why}")


def _question(cluster: Cluster, faults: Iterable[Fault], repeat: int) -> str:
    names = ", ".join(fault.name for fault in faults)
    times = f", {repeat} times each" if repeat > 1 else ""
    return f"Inject faults into cluster {cluster.name} at {cluster.addresses}: {names}{times}? [y/N] "


def _seconds(fault: Fault, hold: float | None) -> float:
    return fault.seconds if hold is None else hold


def _test(run: Run, measurement: Measurement, fault: Fault, how: _How) -> bool:
    """Inject a fault as often as asked, and return whether it has healed."""
    most = fault.limit_of(measurement.cluster.nodes[0].keepalived.timers)
    most = most if how.limit is None else replace(most, seconds=how.limit)
    seconds = _seconds(fault, how.hold)
    place = len(run.ledger.faults)
    run.ledger.faults.append(FaultReport(fault.name, fault.meaning, most, ()))
    for number in range(1, how.repeat + 1):
        _prolong(run, seconds)
        run.tell(f"fault {how.progress.begin()}: {fault.name}")
        injector = _injector(run, measurement, fault, seconds)
        trial = measurement.trial(most, injector, seconds, partial(run.ledger.note_trial, place))
        how.progress.end()
        run.tell(_line(fault, trial, number, how.repeat))
        if trial.outcome is Outcome.NOT_HEALED:
            run.tell("no more faults are injected: the last one has not healed")
            return False
    return True


def _prolong(run: Run, seconds: float) -> None:
    """Extend every host's lease for as long as a trial may take.

    Raises:
        StoppedError: another run has taken a lease
    """
    run.each_or_stop(take_lease, [*run.plans], lease=run.lease, seconds=seconds + TRIAL_SECONDS)


def _client(run: Run, cluster: Cluster, vantage: str, config: Config) -> Client:
    if not vantage:
        return Client.here(cluster.nodes[0], config)
    return Client(lambda: run.one(start_command, vantage, command=remote_command()), config, vantage)


def _injector(run: Run, measurement: Measurement, fault: Fault, seconds: float) -> FaultInjector:
    cluster = measurement.cluster
    holder = next(iter(measurement.holders), cluster.nodes[0].name)
    if fault.way is Way.RUN:
        return change_injector(run, cluster, fault, holder)
    if fault.way is Way.LAB:
        hosts = _hosts_in_lab(cluster, fault, holder)
        broken = LabFault(str(cluster.nodes[0].lab), fault.verb, hosts, seconds)
        return LabFaultInjector(broken, measurement.lose, measurement.watch)
    host, port = (holder, 0) if fault.target is Target.HOLDER else _apiserver_on_a_node(cluster, holder)
    return HostFaultInjector(run, fault, measurement.watches[host], seconds=seconds, port=port)


def _hosts_in_lab(cluster: Cluster, fault: Fault, holder: str) -> tuple[str, ...]:
    """Return the hosts that a lab injects a fault on, if possible not the VIP holder."""
    lab = str(cluster.nodes[0].lab)
    if fault.target is Target.HOLDER:
        return (holder,)
    if fault.target in {Target.ETCD_LEADER, Target.ETCD_MEMBER, Target.ETCD_MAJORITY}:
        leader, *others = etcd_members(lab, cluster.name)
        if fault.target is Target.ETCD_LEADER:
            return (leader,)
        if fault.target is Target.ETCD_MAJORITY:
            return (leader, *others)[: (1 + len(others)) // 2 + 1]
        return (_not(holder, others or [leader]),)
    hosts = apiserver_hosts(lab, [str(apiserver.address) for apiserver in cluster.apiservers])
    return hosts if fault.target is Target.ALL_APISERVERS else (_not(holder, hosts),)


def _not(holder: str, hosts: Sequence[str]) -> str:
    return next((host for host in hosts if host != holder), hosts[0])


def _apiserver_on_a_node(cluster: Cluster, holder: str) -> tuple[str, int]:
    """Return host and port of an apiserver that runs on a node, if possible not the VIP holder's."""
    ports = {apiserver.address: apiserver.port for apiserver in cluster.apiservers}
    found = [(node.name, ports[node.address]) for node in cluster.nodes if node.address in ports]
    return min(found, key=lambda each: each[0] == holder)


def _line(fault: Fault, trial: Trial, number: int, repeat: int) -> str:
    which = f" {number}/{repeat}" if repeat > 1 else ""
    new, reused = in_seconds(trial.new.seconds), in_seconds(trial.reused.seconds)
    cost = f"outage {new} new, {reused} long-lived; {trial.new.failed} failed"
    where = " -> ".join([trial.before, *(host for _, host in trial.moves)])
    cost += f"; {through_api(trial.api)}" if trial.api else ""
    words = "; ".join(filter(None, (*trial.exceeded, trial.words)))
    return (
        f"{fault.name}{which} on {trial.target}: {trial.outcome} - {cost}; VIP {where}{f' - {words}' if words else ''}"
    )


def main(arguments: list[str] | None = None) -> int:
    """Run as a script.

    Arguments:
        arguments: command-line arguments; default: `sys.argv`

    Returns:
        The exit code
    """
    return run_as_script("failover_test", __doc__, failover_test, arguments)


if __name__ == "__main__":
    sys.exit(main())
