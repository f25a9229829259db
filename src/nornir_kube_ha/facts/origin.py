"""The origin of a live configuration file, by the records on the host."""

from dataclasses import dataclass

OURS = frozenset({"written", "plain", "good", "kept"})


@dataclass(frozen=True, slots=True)
class Origin:
    """The origin of a live file without kube-ha's header.

    Arguments:
        kind: `packaged`: as the package ships it. `before`: predates kube-ha's first change. `written`: as a run wrote
            it. `plain`: written by a run without a header, and changed since. `good`: live when all checks last passed.
            `kept`: equal to the file of a generation. Else `unknown`
        cluster: cluster that the run wrote it for; "" if unknown
    """

    kind: str
    cluster: str = ""

    @property
    def is_ours(self) -> bool:
        """Whether a kube-ha run wrote it."""
        return self.kind in OURS


UNKNOWN_ORIGIN = Origin("unknown")
