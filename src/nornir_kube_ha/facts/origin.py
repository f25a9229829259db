"""What a host knows of where its live configuration comes from."""

from dataclasses import dataclass

OURS = frozenset({"written", "plain", "good", "kept"})


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a live file without our header comes from, by what the host has kept.

    Arguments:
        kind: `packaged`: as its package ships it; `before`: it was there before our first change; `written`: as a run
            of ours wrote it; `plain`: a run of ours wrote a file without our header there, and it was changed since;
            `good`: it was live when all checks last passed; `kept`: as in a generation; `unknown`
        cluster: that the run wrote it for, "" if the host does not know
    """

    kind: str
    cluster: str = ""

    @property
    def is_ours(self) -> bool:
        """Whether a run of ours wrote it."""
        return self.kind in OURS


UNKNOWN_ORIGIN = Origin("unknown")
