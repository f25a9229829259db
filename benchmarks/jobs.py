"""The jobs, which begin and end in the same state for every contestant."""

from enum import StrEnum


class Job(StrEnum):
    """A job, by its name on the command line."""

    NO_OP = "no-op"
    VERIFY = "verify"
    CHANGED = "changed"
    FRESH = "fresh"

    @property
    def words(self) -> str:
        """Its description, for the page."""
        return _WORDS[self]

    @property
    def changes(self) -> bool:
        """Whether every host's daemons read new files."""
        return self in {Job.CHANGED, Job.FRESH}


DEPLOYS = frozenset({Job.NO_OP, Job.CHANGED, Job.FRESH})
"""Jobs after which the hosts have the same files and the same units up."""

_WORDS = {
    Job.NO_OP: "Packages, files and units are in place already. A look, and no change.",
    Job.VERIFY: "A look, and no change. `ours` checks what it sees; the floors only fetch it.",
    Job.CHANGED: "One value of haproxy.cfg changes on all hosts; haproxy reads it by a reload.",
    Job.FRESH: "Bare hosts: install packages from the lab's own pool, write the files, start the units.",
}
