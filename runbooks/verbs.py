"""Verbs that do something to clusters which their arguments name, and make no report of it."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from nornir_kube_ha.errors import HostError
from nornir_kube_ha.intent import Cluster, Intent
from nornir_kube_ha.inventory import load_intent
from nornir_kube_ha.runbooks.prompts import fetch_secrets
from nornir_kube_ha.runbooks.run import Run
from nornir_kube_ha.runbooks.selection import enter_lab, find_inventory, open_inventory


@contextmanager
def looked_at(verb: str, inventory: Path | None, meant: Callable[[Intent], Iterable[Cluster]]) -> Iterator[Run]:
    """A run that has looked at all nodes of some clusters; its logins end with the block.

    Arguments:
        verb: what the run is called
        inventory: as the command line gives it
        meant: the clusters, of those of the inventory

    Raises:
        KubeHaError: as `meant` does, or the inventory cannot be used
    """
    folder = find_inventory(inventory)
    nornir = open_inventory(folder, forks=32)
    names = [node.name for cluster in meant(load_intent(nornir, read_files=False)) for node in cluster.nodes]
    fetch_secrets(nornir, stats_password=False)
    enter_lab(nornir, names, folder)
    run = Run(verb, nornir, load_intent(nornir, stats_password=False), names)
    try:
        run.look()
        yield run
    finally:
        run.close()


def because_unseen(run: Run, error: HostError) -> HostError:
    """An error that comes of a host which could not be looked at, with the exit code of the reason for that.

    Arguments:
        run: has looked at its hosts
        error: names the host
    """
    if failure := run.failure_of(error.host):
        error.exit_code = failure.exit_code
    return error
