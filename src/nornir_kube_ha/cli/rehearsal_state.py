"""The states of an inventory in a rehearsal's lab."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from nornir.core import Nornir

from nornir_kube_ha.cli.selection import open_inventory
from nornir_kube_ha.engine.isolated_copy import isolated_copy
from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.intent import Intent
from nornir_kube_ha.inventory.lab_copy import StandIns, lab_copy, write_inventory
from nornir_kube_ha.inventory.load import load_intent


@dataclass(frozen=True, slots=True)
class State:
    """A state of the inventory, in the lab.

    Arguments:
        nornir: its copy for the lab
        intent: what it means
    """

    nornir: Nornir
    intent: Intent

    @contextmanager
    def run(self, runbook: str, hosts: Collection[str], tell: Callable[[str], object]) -> Iterator[Run]:
        """Yield a run on some hosts, and close its connections at the end of the block."""
        run = Run(runbook, isolated_copy(self.nornir, dry_run=False), self.intent, hosts, tell=tell)
        try:
            yield run
        finally:
            run.close()

    def names(self, cluster: str) -> list[str]:
        """Return the names of a cluster's nodes; none if the state lacks the cluster."""
        return [node.name for node in self.intent.nodes if node.cluster == cluster]


def state_of(production: Nornir, folder: Path, stand_ins: StandIns, plane: str | None, *, is_first: bool) -> State:
    """Return a state of production's inventory for the lab.

    Arguments:
        production: the inventory, which is valid
        folder: for the copy; it does not exist yet
        stand_ins: values that stand for production's
        plane: `real`, `stand-in`, or None as the inventory says
        is_first: whether this is the first state

    Raises:
        InventoryError: a file that it refers to cannot be read
    """
    copy = write_inventory(lab_copy(production, stand_ins, plane, is_first=is_first), folder)
    nornir = open_inventory(copy)
    return State(nornir, load_intent(nornir))
