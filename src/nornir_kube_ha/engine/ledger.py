"""The record of what a run did and where it failed, by host and by cluster. It decides whether the run goes on."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from nornir_kube_ha.errors import HostUnreachableError, KubeHaError, LeaseHeldError
from nornir_kube_ha.facts import Facts
from nornir_kube_ha.failover.trial import FaultReport, Trial
from nornir_kube_ha.report import Failure


class StoppedError(Exception):
    """A host failed, so the run goes no further. Never leaves `Ledger.until_failure`."""


@dataclass(slots=True)
class Ledger:
    """The record of a run.

    Arguments:
        clusters: name of each node's cluster, by the node's name
        meant: names of the run's clusters
        failures: why work on a host ended, by its name
        changed: names of hosts where something changed, or may have
        diffs: what changed, by host name
        tolerated: names of hosts whose failure does not stop the run
        ended: why the change of a cluster stopped, by its name; the others go on
        steps: what a dry run would do, by host name, where its plan does not say it
        faults: that were injected
        aftermath: facts of a cluster's hosts after its change stopped early, by the cluster's name
        in_hand: names of hosts whose change has begun, and which have not passed their gates yet
        stopped: why the whole run stopped; "" if it did not
        error: what ended the run from outside
    """

    clusters: Mapping[str, str]
    meant: frozenset[str]
    failures: dict[str, Failure] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)
    diffs: dict[str, list[str]] = field(default_factory=dict)
    tolerated: set[str] = field(default_factory=set)
    ended: dict[str, str] = field(default_factory=dict)
    steps: dict[str, tuple[str, ...]] = field(default_factory=dict)
    faults: list[FaultReport] = field(default_factory=list)
    aftermath: dict[str, Mapping[str, Facts]] = field(default_factory=dict)
    in_hand: set[str] = field(default_factory=set)
    stopped: str = ""
    error: Failure | None = None

    def failure_of(self, name: str) -> Failure | None:
        """Return why the work on a host ended; None if it goes on."""
        return self.failures.get(name)

    def has_lost_lease(self, name: str) -> bool:
        """Return whether the work on a host ended because another run has its lease."""
        failure = self.failures.get(name)
        return failure is not None and failure.exit_code == LeaseHeldError.exit_code

    @property
    def unreachable(self) -> tuple[str, ...]:
        """Names of the hosts that could not be reached."""
        code = HostUnreachableError.exit_code
        return tuple(name for name, failure in self.failures.items() if failure.exit_code == code)

    def without_failed(self, hosts: Iterable[str]) -> tuple[str, ...]:
        """Return the hosts without a failure."""
        return tuple(name for name in hosts if name not in self.failures)

    def still_going(self, hosts: Iterable[str]) -> tuple[str, ...]:
        """Return the hosts without a failure, in clusters whose change goes on."""
        return tuple(name for name in self.without_failed(hosts) if self.clusters[name] not in self.ended)

    def note_change(self, name: str, diff: str) -> None:
        """Note that something changed on a host, or may have."""
        self.changed.add(name)
        self.diffs.setdefault(name, []).append(diff)

    def note_trial(self, place: int, trial: Trial) -> None:
        """Note one more trial of a fault. Only the worst one keeps its attempts, which the report draws.

        Arguments:
            place: the fault's, in `faults`
            trial: the latest
        """
        grown = replace(self.faults[place], trials=(*self.faults[place].trials, trial))
        kept = (each if each is grown.worst else replace(each, attempts=()) for each in grown.trials)
        self.faults[place] = replace(grown, trials=tuple(kept))

    def stop_if_failed(self) -> None:
        """Stop the run if a failure is not tolerated.

        Raises:
            StoppedError: one is not
        """
        if self._standing_failures():
            raise StoppedError

    def end_failed_clusters(self) -> None:
        """End the change of each cluster with a failure that is not tolerated.

        The others go on: clusters share no hosts.

        Raises:
            StoppedError: no cluster is left
        """
        failed = self._standing_failures()
        for name in dict.fromkeys(self.clusters[host] for host in failed):
            hosts = ", ".join(host for host in failed if self.clusters[host] == name)
            self.ended[name] = f"the change of cluster {name} stopped because {hosts} failed"
        if failed and self.meant <= self.ended.keys():
            raise StoppedError

    def _standing_failures(self) -> list[str]:
        """Return the hosts with a failure that is not tolerated, and has not ended their cluster's change yet."""
        failed = (name for name in self.failures if name not in self.tolerated)
        return [name for name in failed if self.clusters[name] not in self.ended]

    @contextmanager
    def until_failure(self) -> Iterator[None]:
        """Run a block until a host's failure stops it. The caller can still make a report."""
        try:
            yield
        except StoppedError:
            several = len(self.meant) > 1
            names = [f"{name} ({self.clusters[name]})" if several else name for name in self.failures]
            self.stopped = f"the run stopped because {', '.join(names)} failed"

    def interrupt(self, error: BaseException) -> None:
        """Note what ended the run from outside."""
        failure = Failure.of(error)
        self.error = replace(failure, message=str(error)) if isinstance(error, KubeHaError) else failure

    def start_over(self) -> None:
        """Forget all failures."""
        self.failures.clear()
        self.ended.clear()

    def why_ended(self, cluster: str) -> str:
        """Return why the run stopped in a cluster; "" if it did not."""
        return self.stopped if len(self.meant) == 1 else self.ended.get(cluster) or self.stopped

    def why_stopped(self, name: str, reason: str) -> str:
        """Return what such a stop means for one host."""
        if name not in self.changed:
            return f"left as it was: {reason}"
        missing = "not at its gate yet" if name in self.in_hand else "not verified"
        return f"changed, and {missing}: {reason}"
