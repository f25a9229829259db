"""One who does a job."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.jobs import Job
from benchmarks.site import Site


@dataclass(frozen=True, slots=True)
class Contestant:
    """One who does a job.

    Arguments:
        name: as a table shows it
        words: what it is, for the page, in one line
        jobs: what it does
        prepare: writes what its command reads, from what the site knows: its inventory, its settings. It is not timed
        command: what does a job there
        version: of what it is made of
        is_floor: whether nothing can take less that does the same
        restarts: whether it restarts the daemons though nothing has changed
    """

    name: str
    words: str
    jobs: frozenset[Job]
    prepare: Callable[[Site], None]
    command: Callable[[Site, Job], list[str]]
    version: Callable[[], str]
    is_floor: bool = False
    restarts: bool = False
