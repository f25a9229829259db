#!/usr/bin/env python3
"""Inject faults, one at a time, and measure the outage that a client sees.

A cluster that does not pass every check is left alone. Each fault hits the VIP holder or an apiserver, and heals by
itself: its timer runs on the host, even if this command is killed. Every check must pass again before the next fault.
"""

import fnmatch
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from difflib import get_close_matches

from nornir_kube_ha.cli.command import run_as_script
from nornir_kube_ha.cli.confirm import Ask, ask
from nornir_kube_ha.cli.options.failover import FailoverOptions, add_failover_options
from nornir_kube_ha.cli.options.runbook import NO_FAILOVER, Options
from nornir_kube_ha.engine.credentials import credentials_of
from nornir_kube_ha.engine.leases import lease_of, leased
from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.errors import DeclinedError, UsageError
from nornir_kube_ha.failover.faults import FAULTS, Fault, Target, Way
from nornir_kube_ha.failover.probe.settings import Kubernetes
from nornir_kube_ha.failover.trial import FaultReport, Limit, Outcome, Trial
from nornir_kube_ha.intent import Cluster
from nornir_kube_ha.lab.door import LabFault, apiserver_hosts, etcd_members, why_not
from nornir_kube_ha.report import Report
from nornir_kube_ha.report.api_costs import through_api
from nornir_kube_ha.tasks import take_lease
from nornir_kube_ha.tasks.stream import get_stream
from nornir_kube_ha.trials.change_faults import change_breaker
from nornir_kube_ha.trials.client_runner import Client, config_of, remote_command
from nornir_kube_ha.trials.fault_injectors import Breaker, HostBreaker, LabBreaker
from nornir_kube_ha.trials.measurement import Measurement

TRIAL_SECONDS = 180  # beyond the fault's own time: until it shows, until it has healed, and until every check passes


def failover_test(run: Run, options: Options | None = None, *, ask: Ask = ask) -> Report:
    """Inject faults and measure what each costs a client.

    Arguments:
        run: with all hosts of its clusters
        options: which faults, how often, and their limits
        ask: asks for confirmation, unless the options include `--yes`

    Returns:
        Every check, as last seen, and every trial

    Raises:
        UsageError: the options ask for something impossible
        DeclinedError: not confirmed
    """
    failover = options.failover if options else NO_FAILOVER
    faults = choose_faults(failover)
    clusters = run.clusters
    credentials = credentials_of(clusters, options.kubeconfig if options else None)
    for cluster in clusters:
        _refuse_partial(run, cluster)
        for fault in faults:
            _refuse_impossible(cluster, fault, failover)
    if failover.vantage:
        run.refuse_login(failover.vantage)
    run.tell(f"looking at {', '.join(run.hosts)}")
    run.look(lease_of(run))
    report = run.report()
    if not report.passed:
        run.tell("nothing is broken on purpose: a cluster must pass every check before")
        return report
    possible = {cluster.name: [each for each in faults if not impossible(cluster, each)] for cluster in clusters}
    for cluster in clusters:  # confirm all clusters before the first fault
        if not failover.yes and not ask(_question(cluster, possible[cluster.name], failover)):
            raise DeclinedError("nothing was broken; --yes does not ask")
    with run.ledger.until_failure(), leased(run, set()):
        if not run.report().passed:  # another run may have changed hosts during the question
            run.tell(
                "nothing is broken on purpose: another run has changed a cluster, and it does not pass every check"
            )
            return run.report()
        for cluster in clusters:
            client = _client(run, cluster, failover, credentials.get(cluster.name))
            if not _test(run, Measurement(run, cluster, client), possible[cluster.name], failover):
                break
    return run.report()


def choose_faults(failover: FailoverOptions) -> tuple[Fault, ...]:
    """Return the faults that the options select, each once, in order.

    Raises:
        UsageError: there is no such fault, or none is selected
    """
    if failover.every:
        return tuple(FAULTS.values())
    chosen: dict[str, Fault] = {}
    for pattern in failover.faults:
        names = fnmatch.filter(FAULTS, pattern)
        if not names:
            near = get_close_matches(pattern, FAULTS, n=1)
            raise UsageError(
                f"no fault is called {pattern}; {f'did you mean {near[0]}?' if near else '--list shows all'}"
            )
        chosen |= {name: FAULTS[name] for name in names}
    if not chosen:
        raise UsageError("name what to break: --fault NAME, or --all; --list shows what there is")
    return tuple(chosen.values())


def impossible(cluster: Cluster, fault: Fault) -> str:
    """Return why a fault cannot be injected on a cluster, "" if it can."""
    first = cluster.nodes[0]
    own = {node.address for node in cluster.nodes}
    if fault.way is Way.LAB and not first.lab:
        return "only the owner of the machine can make it, so only in a lab"
    if fault.way is Way.HOST and fault.target is Target.APISERVER and not own & {a.address for a in cluster.apiservers}:
        return "no apiserver runs on a node of the cluster"
    if fault.way is Way.LAB and (why := why_not(str(first.lab), cluster.name, fault.verb)):
        return why
    if fault.name == "vip-move" and not first.keepalived.events:
        return "keepalived.events is false"
    return ""


def _refuse_partial(run: Run, cluster: Cluster) -> None:
    if missing := [node.name for node in cluster.nodes if node.name not in run.hosts]:
        raise UsageError(f"cluster {cluster.name} is broken as a whole or not at all: {', '.join(missing)} is left out")


def _refuse_impossible(cluster: Cluster, fault: Fault, failover: FailoverOptions) -> None:
    if not failover.every and (why := impossible(cluster, fault)):
        raise UsageError(f"{fault.name} on cluster {cluster.name}: {why}")


def _question(cluster: Cluster, faults: Iterable[Fault], failover: FailoverOptions) -> str:
    names = ", ".join(fault.name for fault in faults)
    times = f", {failover.repeat} times each" if failover.repeat > 1 else ""
    return f"This breaks cluster {cluster.name} at {cluster.addresses} on purpose: {names}{times}. Go on? [y/N] "


def _test(run: Run, measurement: Measurement, faults: Iterable[Fault], failover: FailoverOptions) -> bool:
    """Inject each fault as often as asked, and return whether the last one has healed."""
    with measurement:
        for fault in faults:
            limit = _limit(fault, measurement.cluster, failover)
            keep = _keeper(run, FaultReport(fault.name, fault.meaning, limit, ()))
            for number in range(1, failover.repeat + 1):
                seconds = fault.seconds if failover.hold is None else failover.hold
                _prolong(run, seconds)
                breaker = _breaker(run, measurement, fault, seconds)
                trial = measurement.trial(limit, breaker, seconds, keep)
                run.tell(_line(fault, trial, number, failover.repeat))
                if trial.outcome is Outcome.NOT_HEALED:
                    run.tell("nothing more is broken: the last fault has not healed")
                    return False
    return True


def _prolong(run: Run, seconds: float) -> None:
    """Extend every host's lease for as long as a trial may take.

    Raises:
        StoppedError: another run has taken a lease
    """
    run.each_or_stop(take_lease, [*run.plans], lease=run.lease, seconds=seconds + TRIAL_SECONDS)


def _client(run: Run, cluster: Cluster, failover: FailoverOptions, credential: Kubernetes | None) -> Client:
    first, vantage = cluster.nodes[0], failover.vantage
    config = config_of(first)._replace(rate=float(failover.rate), connections=failover.connections)
    config = config._replace(kubernetes=credential)
    if not vantage:
        return Client.here(first, config)
    return Client(lambda: run.one(get_stream, vantage, command=remote_command()), config, vantage)


def _limit(fault: Fault, cluster: Cluster, failover: FailoverOptions) -> Limit:
    limit = fault.limit_of(cluster.nodes[0].keepalived.timers)
    return limit if failover.limit is None else replace(limit, seconds=failover.limit)


def _keeper(run: Run, empty: FaultReport) -> Callable[[Trial], None]:
    """Return a function that adds a trial to the run's report.

    Only the worst trial keeps its attempts, which the report draws.
    """
    place = len(run.faults)
    run.faults.append(empty)

    def keep(trial: Trial) -> None:
        grown = replace(empty, trials=(*run.faults[place].trials, trial))
        kept = (each if each is grown.worst else replace(each, attempts=()) for each in grown.trials)
        run.faults[place] = replace(grown, trials=tuple(kept))

    return keep


def _breaker(run: Run, measurement: Measurement, fault: Fault, seconds: float) -> Breaker:
    cluster = measurement.cluster
    holder = next(iter(measurement.holders), cluster.nodes[0].name)
    if fault.way is Way.RUN:
        return change_breaker(run, cluster, fault, holder)
    if fault.way is Way.LAB:
        hosts = _hosts_in_lab(cluster, fault, holder)
        broken = LabFault(str(cluster.nodes[0].lab), fault.verb, hosts, seconds)
        return LabBreaker(broken, measurement.lose, measurement.watch)
    host, port = (holder, 0) if fault.target is Target.HOLDER else _apiserver_on_a_node(cluster, holder)
    return HostBreaker(run, fault, measurement.watches[host], seconds=seconds, port=port)


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
    cost = f"outage {trial.new.seconds:.2f} s new, {trial.reused.seconds:.2f} s long-lived; {trial.new.failed} failed"
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
    return run_as_script("failover_test", __doc__, failover_test, arguments, add_failover_options)


if __name__ == "__main__":
    sys.exit(main())
