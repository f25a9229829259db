"""`kube-ha drain` and `kube-ha ready`: drain an apiserver on every load balancer for a while, and end the drain."""

import argparse
from collections.abc import Iterable
from contextlib import AbstractContextManager, suppress

from nornir_kube_ha.cli.showing import show
from nornir_kube_ha.cli.verbs import looked_at
from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.engine.unseen import because_unseen, refuse_unseen
from nornir_kube_ha.errors import DrainError, KubeHaError, UsageError
from nornir_kube_ha.facts import Server
from nornir_kube_ha.intent import Cluster, Intent
from nornir_kube_ha.nearest import hint
from nornir_kube_ha.tasks import drain_apiserver, ready_apiserver


def run_drain(arguments: argparse.Namespace) -> int:
    """Run `kube-ha drain`.

    Arguments:
        arguments: parsed: `inventory`, `apiserver`, `seconds` and `allow_unreachable`

    Returns:
        The exit code

    Raises:
        KubeHaError: it failed on a load balancer, and was undone on the others
    """
    with _serving_it(arguments) as run:
        for cluster in run.clusters:
            refuse_unseen(run, cluster, DrainError, allowed=arguments.allow_unreachable)
            drain(run, cluster, arguments.apiserver, arguments.seconds, allow_unreachable=arguments.allow_unreachable)
        reached = _reached(run)
    until = f"the drain ends by itself in {arguments.seconds:g} s"
    show([f"{arguments.apiserver} is drained on {reached}; {until}"])
    return 0


def run_ready(arguments: argparse.Namespace) -> int:
    """Run `kube-ha ready`.

    Arguments:
        arguments: parsed: `inventory`, `apiserver` and `allow_unreachable`

    Returns:
        The exit code

    Raises:
        KubeHaError: it failed on a node
    """
    with _serving_it(arguments) as run:
        for cluster in run.clusters:
            ready(run, cluster, arguments.apiserver, allow_unreachable=arguments.allow_unreachable)
        reached = _reached(run)
    show([f"{arguments.apiserver} is ready on {reached}"])
    return 0


def _reached(run: Run) -> str:
    """Return the names of the nodes that were reached, and of those that were not."""
    unseen = [name for name in run.hosts if name not in run.facts]
    words = ", ".join(name for name in run.hosts if name in run.facts)
    return f"{words}; not reached: {', '.join(unseen)}" if unseen else words


def drain(run: Run, cluster: Cluster, apiserver: str, seconds: float, *, allow_unreachable: bool = False) -> None:
    """Take an apiserver out of every load balancer of a cluster, for a while.

    Arguments:
        run: with current facts of the cluster
        cluster: the load balancers' cluster
        apiserver: the apiserver's name
        seconds: how long the drain lasts
        allow_unreachable: whether nodes that cannot be reached are left out

    Raises:
        DrainError: a node would have no apiserver left, or has no facts
        HostError: it failed on a node and was undone on the others
    """
    for node in cluster.nodes:
        facts = run.facts.get(node.name)
        if facts is None and allow_unreachable and node.name in run.ledger.unreachable:
            continue
        if facts is None:
            raise because_unseen(run, DrainError(node.name, "facts are missing; nothing was changed"))
        if facts.servers is None:
            raise DrainError(node.name, f"{facts.haproxy_silence or 'haproxy does not answer'}; nothing was changed")
        if _is_last(facts.servers, apiserver):
            words = f"would have no apiserver left: {apiserver} is the only one up there; nothing was changed"
            raise DrainError(node.name, words)
    done: list[str] = []
    try:
        for node in (each for each in cluster.nodes if each.name in run.facts):
            done.append(node.name)
            run.one(
                drain_apiserver, node.name, intent=run.intent, apiserver=apiserver, seconds=seconds, lease=run.lease
            )
    except BaseException:  # an interruption, too
        for name in done:
            with suppress(KubeHaError):  # the host's timer ends the drain instead
                run.one(ready_apiserver, name, intent=run.intent, apiserver=apiserver, lease=run.lease)
        raise


def _is_last(servers: Iterable[Server], apiserver: str) -> bool:
    """Return whether a load balancer sees this apiserver up and no other. A drain of one that is down costs nothing."""
    up = {server.name for server in servers if server.is_up}
    return up == {apiserver}


def ready(run: Run, cluster: Cluster, apiserver: str, *, allow_unreachable: bool = False) -> None:
    """Put an apiserver back into every load balancer of a cluster.

    Arguments:
        run: used for its logins
        cluster: the load balancers' cluster
        apiserver: the apiserver's name
        allow_unreachable: whether nodes that could not be reached are left out

    Raises:
        HostError: it failed on a node; it is done on the others
    """
    failed: KubeHaError | None = None
    for node in cluster.nodes:
        if allow_unreachable and node.name in run.ledger.unreachable:
            continue
        try:
            run.one(ready_apiserver, node.name, intent=run.intent, apiserver=apiserver, lease=run.lease)
        except KubeHaError as error:
            failed = failed or error
    if failed:
        raise failed


def _serving_it(arguments: argparse.Namespace) -> AbstractContextManager[Run]:
    return looked_at("drain", arguments.inventory, lambda intent: _serving(intent, arguments.apiserver))


def _serving(intent: Intent, apiserver: str) -> list[Cluster]:
    """Return the clusters that an apiserver belongs to."""
    found = [cluster for cluster in intent.clusters if apiserver in _names([cluster])]
    if not found:
        known = ", ".join(sorted(_names(intent.clusters)))
        raise UsageError(
            f"no apiserver is called {apiserver}; known apiservers: {known}{hint([apiserver], _names(intent.clusters))}"
        )
    return found


def _names(clusters: Iterable[Cluster]) -> set[str]:
    return {apiserver.name for cluster in clusters for apiserver in cluster.apiservers}
