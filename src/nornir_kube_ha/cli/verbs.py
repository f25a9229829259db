"""Common set-up of the verbs that change clusters and write no report: `vip move`, `drain`, `ready`."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from nornir_kube_ha.cli.exit_codes import leave_in_time
from nornir_kube_ha.cli.prompts import fetch_secrets
from nornir_kube_ha.cli.selection import enter_lab, find_inventory, open_inventory
from nornir_kube_ha.engine.leases import held
from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.intent import Cluster, Intent
from nornir_kube_ha.inventory.load import load_intent


@contextmanager
def looked_at(verb: str, inventory: Path | None, meant: Callable[[Intent], Iterable[Cluster]]) -> Iterator[Run]:
    """Yield a run with facts of all nodes of some clusters, and hold their leases for the block.

    Arguments:
        verb: name of the run
        inventory: from the command line
        meant: selects the clusters

    Raises:
        KubeHaError: raised by `meant`, or the inventory cannot be used
        LeaseHeldError: another run is changing one of the nodes
    """
    leave_in_time()
    folder = find_inventory(inventory)
    nornir = open_inventory(folder)
    names = [node.name for cluster in meant(load_intent(nornir, read_files=False)) for node in cluster.nodes]
    fetch_secrets(nornir, stats_password=False)
    enter_lab(nornir, names, folder)
    run = Run(verb, nornir, load_intent(nornir, stats_password=False), names)
    try:
        with held(run):
            yield run
    finally:
        run.close()
