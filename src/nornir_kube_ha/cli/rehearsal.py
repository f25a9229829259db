"""Run a rehearsal as a command, and find the two states that it is about."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nornir.core import Nornir

from nornir_kube_ha.cli.command import make_folder, publish
from nornir_kube_ha.cli.exit_codes import guarded, leave_in_time, tell
from nornir_kube_ha.cli.options.rehearsal import add_rehearsal_options
from nornir_kube_ha.cli.options.rollout import roll_out_of
from nornir_kube_ha.cli.options.runbook import parse
from nornir_kube_ha.cli.rehearsal_seen import AsSeen, refuse_unseen
from nornir_kube_ha.cli.rehearsal_state import State, state_of
from nornir_kube_ha.cli.selection import find_inventory, open_inventory
from nornir_kube_ha.engine.story import Story
from nornir_kube_ha.errors import InventoryError, OutputError, UsageError
from nornir_kube_ha.inventory.lab_copy import StandIns
from nornir_kube_ha.inventory.load import load_intent
from nornir_kube_ha.inventory.recorded import as_seen, read_snapshot, with_secrets_of, write_recorded
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
        play(story, Wanted(*options, roll_out_of(parsed), parsed.snapshot), parsed.lab, keep=parsed.keep)
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
        snapshot: file of `kube-ha snapshot`: production is as it was seen
    """

    inventory: Path | None
    old: Path | None = None
    revision: str = ""
    control_plane: str | None = None
    faults: tuple[str, ...] = ()
    roll_out: RollOut = AS_USUAL
    snapshot: Path | None = None

    def __post_init__(self) -> None:
        """Refuse several old states.

        Raises:
            UsageError: several are given
        """
        if len([*filter(None, (self.old, self.revision, self.snapshot))]) > 1:
            raise UsageError("--from, --from-git and --from-snapshot exclude each other: each says what production has")


def states(wanted: Wanted, folder: Path, stand_ins: StandIns) -> tuple[State | None, State, AsSeen | None]:
    """Return the old state, if there is one, the new state, and what a snapshot saw, if the rehearsal starts from one.

    Arguments:
        wanted: what is rehearsed
        folder: the rehearsal's, which gets the copies
        stand_ins: values that stand for production's

    Raises:
        InventoryError, UsageError: one of them is invalid or does not exist
    """
    new = find_inventory(wanted.inventory)
    if wanted.snapshot:
        seen = _as_seen(wanted, wanted.snapshot, folder, stand_ins)
        return seen.old, seen.new, seen
    old = find_inventory(wanted.old) if wanted.old else None
    if wanted.revision:
        old = inventory_at(new, wanted.revision, folder / "git")
    plane = wanted.control_plane
    before = state_of(_valid(old), folder / "old", stand_ins, plane, is_first=True) if old else None
    return before, state_of(_valid(new), folder / "new", stand_ins, plane, is_first=old is None), None


def _as_seen(wanted: Wanted, path: Path, folder: Path, stand_ins: StandIns) -> AsSeen:
    production = read_snapshot(path)
    refuse_unseen(production, path)
    new = _valid(find_inventory(wanted.inventory))
    try:
        old = _valid(write_recorded(production, folder / "seen"))
    except InventoryError as error:
        raise UsageError(f"snapshot {path}: its inventory is invalid: {error.problems[0]}") from None
    with_secrets_of(old, new)
    as_seen(old, production, keeps_release=False)
    as_seen(new, production, keeps_release=True)
    before = state_of(old, folder / "old", stand_ins, wanted.control_plane, is_first=True)
    after = state_of(new, folder / "new", stand_ins, wanted.control_plane, is_first=False)
    return AsSeen(production, stand_ins, before, after)


def _valid(inventory: Path) -> Nornir:
    """Return production's inventory, whose errors are named as it has them."""
    production = open_inventory(inventory)
    load_intent(production, read_files=False)
    return production
