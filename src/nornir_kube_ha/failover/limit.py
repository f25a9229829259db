"""What a fault may cost clients."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ApiLimit:
    """What a fault may cost clients of the Kubernetes API; None allows any cost.

    Lost writes and missed events are never allowed.

    Arguments:
        read: seconds until a new read is answered
        cached: seconds until a new read from an apiserver's watch cache is answered
        write: seconds until a new write is acknowledged
        watch: seconds until a watch receives the event of a write
        failed: number of failed reads and writes
        cuts: number of watches that end, and not by their apiserver
    """

    read: float | None = None
    cached: float | None = None
    write: float | None = None
    watch: float | None = None
    failed: int | None = None
    cuts: int | None = None

    @property
    def words(self) -> str:
        """The limits in a line: `reads without answer for at most 0.3 s, no watches cut`."""
        return ", ".join(
            [
                *_at_most("reads without answer for", self.read, " s"),
                *_at_most("cached reads without answer for", self.cached, " s"),
                *_at_most("writes without answer for", self.write, " s"),
                *_at_most("watches silent for", self.watch, " s"),
                *_at_most("failed reads and writes", self.failed),
                *_at_most("watches cut", self.cuts),
            ]
        )


@dataclass(frozen=True, slots=True)
class Limit:
    """What a fault may cost; None allows any cost.

    Arguments:
        seconds: outage of new connections while the fault lasts
        failed: new connections that fail though they began after the fault
        lost: requests that fail on long-lived connections
        moves: moves of the VIP to another host
        two_holders: seconds in which two hosts hold the VIP while the fault lasts
        after: outage of new connections once the heal has begun
        two_after: seconds in which two hosts hold the VIP once the heal has begun
        api: cost for clients of the Kubernetes API, if that is measured
    """

    seconds: float | None = None
    failed: int | None = None
    lost: int | None = None
    moves: int | None = None
    two_holders: float | None = 0.0
    after: float | None = 0.0
    two_after: float | None = 0.0
    api: ApiLimit = field(default_factory=ApiLimit)

    @property
    def words(self) -> str:
        """The limits in a line: `outage at most 0.15 s, no two holders, no outage after the heal`."""
        return ", ".join(
            [
                *_at_most("outage", self.seconds, " s"),
                *_at_most("failed new connections", self.failed),
                *_at_most("failed requests on long-lived connections", self.lost),
                *_at_most("moves of the VIP", self.moves),
                *_at_most("two holders for", self.two_holders, " s"),
                *_at_most("outage after the heal", self.after, " s"),
                *_at_most("two holders after the heal for", self.two_after, " s"),
            ]
        )


def _at_most(what: str, limit: float | None, unit: str = "") -> list[str]:
    return (
        [] if limit is None else [f"no {what.removesuffix(' for')}" if not limit else f"{what} at most {limit:g}{unit}"]
    )
