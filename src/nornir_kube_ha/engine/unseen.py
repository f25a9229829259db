"""Hosts that could not be looked at: whether to go on without them, and the exit code if not."""

from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.errors import HostError, HostUnreachableError
from nornir_kube_ha.intent import Cluster


def because_unseen(run: Run, error: HostError) -> HostError:
    """Return an error about a host, with the exit code of the reason why it could not be looked at.

    Arguments:
        run: has looked at its hosts
        error: names the host
    """
    if failure := run.ledger.failure_of(error.host):
        error.exit_code = failure.exit_code
    return error


def refuse_unseen(run: Run, cluster: Cluster, kind: type[HostError], *, allowed: bool) -> None:
    """Refuse to go on if a node of a cluster could not be looked at, unless that is allowed.

    Arguments:
        run: has looked at its hosts
        cluster: one of the run's
        kind: the error to raise
        allowed: whether `--allow-unreachable` was given; it allows unreachable hosts only

    Raises:
        HostError: of that kind, with the exit code of the reason
    """
    for node in cluster.nodes:
        failure = run.ledger.failure_of(node.name)
        if node.name in run.facts or failure is None:
            continue
        if allowed and failure.exit_code == HostUnreachableError.exit_code:
            continue
        hint = "make it reachable, or pass --allow-unreachable to go on without it; nothing was changed"
        raise because_unseen(run, kind(node.name, f"cannot gather facts: {failure.message}; {hint}"))
