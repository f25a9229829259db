"""Run a rehearsal as a command, and make the lab's copies of an inventory's two states."""

import argparse
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from nornir.core import Nornir

from nornir_kube_ha.cli.command import make_folder, publish
from nornir_kube_ha.cli.exit_codes import guarded, leave_in_time, tell
from nornir_kube_ha.cli.options.rehearsal import add_rehearsal_options
from nornir_kube_ha.cli.options.rollout import roll_out_of
from nornir_kube_ha.cli.options.runbook import parse
from nornir_kube_ha.cli.selection import find_inventory, open_inventory
from nornir_kube_ha.engine.isolated_copy import isolated_copy
from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.engine.story import Story
from nornir_kube_ha.errors import OutputError, UsageError
from nornir_kube_ha.intent import Intent
from nornir_kube_ha.inventory.lab_copy import StandIns, lab_copy, write_inventory
from nornir_kube_ha.inventory.load import load_intent
from nornir_kube_ha.inventory.revision import inventory_at
from nornir_kube_ha.rollout.policy import AS_USUAL, RollOut

Play = Callable[..., None]
"""Makes the steps of a rehearsal."""


def run_rehearsal(play: Play, parsed: argparse.Namespace) -> int:
    """Run a rehearsal with parsed options, and write its report to stdout, also after an interruption.

    Arguments:
        play: makes the steps
        parsed: from a parser with the options of `add_rehearsal_options`

    Returns:
        The exit code
    """
    leave_in_time(clears_up=True)
    make_folder(parsed.report_dir, "--report-dir")
    options = (parsed.inventory, parsed.old, parsed.revision, parsed.control_plane, tuple(parsed.faults))
    story = Story("rehearse", tell)
    try:
        play(story, Wanted(*options, roll_out_of(parsed)), parsed.lab, keep=parsed.keep)
    except BaseException:
        if story.steps:
            publish(story.report(), parsed)
        raise
    report = story.report()
    is_written = publish(report, parsed)
    return report.exit_code or (0 if is_written else OutputError.exit_code)


def run_rehearsal_as_script(description: str | None, play: Play, arguments: list[str] | None) -> int:
    """Run a rehearsal as a script.

    Arguments:
        description: text of `--help`
        play: makes the steps
        arguments: command-line arguments; default: `sys.argv`

    Returns:
        The exit code
    """
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="rehearse.py", description=description, formatter_class=form)
    add_rehearsal_options(parser)
    return guarded(lambda: run_rehearsal(play, parse(parser, arguments)), owns_process=arguments is None)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is rehearsed.

    Arguments:
        inventory: the new state; None: the inventory in use
        old: the inventory that production has now
        revision: git revision at which `inventory` is the old state; with neither, hosts have nothing yet
        control_plane: `real`, `stand-in`, or None as the inventory says
        faults: names or patterns of faults to inject in the new state
        roll_out: how the change goes over the hosts
    """

    inventory: Path | None
    old: Path | None = None
    revision: str = ""
    control_plane: str | None = None
    faults: tuple[str, ...] = ()
    roll_out: RollOut = AS_USUAL

    def __post_init__(self) -> None:
        """Refuse two old states.

        Raises:
            UsageError: two are given
        """
        if self.old and self.revision:
            raise UsageError("--from and --from-git exclude each other: each names what production has now")


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


def states(wanted: Wanted, folder: Path, stand_ins: StandIns) -> tuple[State | None, State]:
    """Return the old state, if there is one, and the new state.

    Arguments:
        wanted: what is rehearsed
        folder: the rehearsal's, which gets the copies
        stand_ins: values that stand for production's

    Raises:
        InventoryError, UsageError: one of them is invalid or does not exist
    """
    new = find_inventory(wanted.inventory)
    old = find_inventory(wanted.old) if wanted.old else None
    if wanted.revision:
        old = inventory_at(new, wanted.revision, folder / "git")
    before = _state(old, folder / "old", stand_ins, wanted.control_plane, is_first=True) if old else None
    return before, _state(new, folder / "new", stand_ins, wanted.control_plane, is_first=old is None)


def _state(inventory: Path, folder: Path, stand_ins: StandIns, plane: str | None, *, is_first: bool) -> State:
    production = open_inventory(inventory)
    load_intent(production, read_files=False)  # names errors as production's inventory has them
    copy = write_inventory(lab_copy(production, stand_ins, plane, is_first=is_first), folder)
    nornir = open_inventory(copy)
    return State(nornir, load_intent(nornir))
