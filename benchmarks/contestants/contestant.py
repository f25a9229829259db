"""A contestant: a tool that does a job."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.jobs import Job
from benchmarks.site import Site


@dataclass(frozen=True, slots=True)
class Contestant:
    """A tool that does a job.

    Arguments:
        name: name in a table
        words: description for the page, in one line
        jobs: the jobs that it does
        prepare: writes what its command reads, such as an inventory and settings; not timed
        command: returns the command that does a job
        version: returns the version of its program
        is_floor: whether nothing that does the same can take less
        restarts: whether it restarts the daemons even if nothing has changed
    """

    name: str
    words: str
    jobs: frozenset[Job]
    prepare: Callable[[Site], None]
    command: Callable[[Site, Job], list[str]]
    version: Callable[[], str]
    is_floor: bool = False
    restarts: bool = False
