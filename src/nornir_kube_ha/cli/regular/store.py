"""The history as files of a folder, one for each cluster."""

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from nornir_kube_ha.cli.exit_codes import tell
from nornir_kube_ha.files import read_text, write_file
from nornir_kube_ha.report import Report
from nornir_kube_ha.report.history import (
    Change,
    History,
    history_text,
    parse_history,
    updated,
    with_history,
    without_sent,
)


@dataclass(frozen=True, slots=True)
class Kept:
    """A report with its history.

    Arguments:
        report: each finding has its history
        unsent: changes to report, by cluster
        written: whether the history could be written
    """

    report: Report
    unsent: Mapping[str, tuple[Change, ...]]
    written: bool


def keep(report: Report, folder: Path, *, notifies: bool) -> Kept:
    """Update the history by a run's report, and return the report with it.

    Arguments:
        report: the run's report
        folder: an existing folder
        notifies: whether changes will be sent
    """
    histories = {}
    written = True
    try:
        with _alone(folder):
            for cluster in report.cluster_names:
                histories[cluster] = updated(_read(folder, cluster), report, cluster, notifies=notifies)
                _write(folder, cluster, histories[cluster])
    except OSError as error:
        tell(f"error: the history in {folder} cannot be written: {error.strerror}")
        written = False
    unsent = {cluster: history.unsent for cluster, history in histories.items() if history.unsent}
    return Kept(with_history(report, histories), unsent, written)


def mark_sent(folder: Path, sent: Mapping[str, tuple[Change, ...]]) -> None:
    """Record that changes were sent.

    Arguments:
        folder: of the history
        sent: the changes, by cluster

    Raises:
        OSError: the history cannot be written; the changes are sent again by the next run
    """
    with _alone(folder):
        for cluster, changes in sent.items():
            _write(folder, cluster, without_sent(_read(folder, cluster), changes))


def _path(folder: Path, cluster: str) -> Path:
    return folder / f"{cluster}.json"


def _read(folder: Path, cluster: str) -> History:
    path = _path(folder, cluster)
    with suppress(FileNotFoundError):
        try:
            return parse_history(read_text(path))
        except ValueError as error:  # also pydantic's
            words = str(error).partition("\n")[0]
            tell(f"the history {path} cannot be read and starts over: {words}")
    return History()


def _write(folder: Path, cluster: str, history: History) -> None:
    write_file(_path(folder, cluster), history_text(history), 0o600)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let one run at a time update the folder."""
    descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
