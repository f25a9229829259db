"""The report of a run, as the value that all renderings share."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from nornir_kube_ha.checks import NO_APISERVER_YET, Finding, Status
from nornir_kube_ha.errors import INTERRUPTED, TERMINATED, KubeHaError
from nornir_kube_ha.failover.trial import FaultReport

SCHEMA = 1
"""Version of the machine-readable formats; raised by every incompatible change."""

INTERNAL_ERROR = 1
KEEPS_FROM_PASSING = {Status.FAIL, Status.UNKNOWN}
HOST_STATUSES = {"passed": Status.PASS, "failed": Status.FAIL, "unknown": Status.UNKNOWN}
"""Each status of a host, with the status of a check that is as bad."""

# Errors that prevented a look come before findings: "failed" must mean that the host was looked at.
_PRECEDENCE = (6, 5, 4, 2, 1)


@dataclass(frozen=True, slots=True)
class Failure:
    """An error that ended the work on a host or the run.

    Arguments:
        type: class of the error, `RefusedConfigError`
        message: what was expected, what was seen, what to do
        exit_code: exit code of a runbook that it ends
    """

    type: str
    message: str
    exit_code: int

    @classmethod
    def of(cls, error: BaseException) -> "Failure":
        """Return the failure for an exception that ended a task or a run."""
        if isinstance(error, KeyboardInterrupt | SystemExit):
            by_ctrl_c = isinstance(error, KeyboardInterrupt)
            words = "Ctrl-C" if by_ctrl_c else "SIGTERM"
            return cls("Interrupted", f"the run was interrupted by {words}", INTERRUPTED if by_ctrl_c else TERMINATED)
        message = getattr(error, "message", None) or str(error) or type(error).__name__
        exit_code = error.exit_code if isinstance(error, KubeHaError) else INTERNAL_ERROR
        return cls(type(error).__name__, message, exit_code)


@dataclass(frozen=True, slots=True)
class HostState:
    """The state of a host when it was last read.

    Arguments:
        vrrp: keepalived's state, `MASTER`; None if keepalived did not answer
        holds_vip: whether the VIP is on one of its interfaces
        apiservers: status of each apiserver in its haproxy, by name: `UP`; empty if haproxy did not answer
    """

    vrrp: str | None
    holds_vip: bool
    apiservers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class HostReport:
    """One host's part of the report.

    Arguments:
        cluster: name of its cluster
        role: `master` or `backup`
        changed: whether the run changed anything on it or, in a dry run, would have
        findings: its checks, in order
        failure: error that ended the work on it; None if there was none
        diff: what changed, with secrets masked
        plan: in a dry run, the steps in order, a few words each
        address: its address
        state: its state; None if it could not be read
    """

    cluster: str
    role: str
    changed: bool
    findings: tuple[Finding, ...]
    failure: Failure | None = None
    diff: str = ""
    plan: tuple[str, ...] = ()
    address: str = ""
    state: HostState | None = None

    @property
    def status(self) -> str:
        """`passed`, `failed`, or `unknown` if the host could not be looked at."""
        if self.failure:
            return "unknown" if self.failure.exit_code in {4, 6} else "failed"
        found = {finding.status for finding in self.findings}
        return "failed" if Status.FAIL in found else "unknown" if Status.UNKNOWN in found else "passed"

    def status_of(self, check: str) -> Status:
        """Return the status of a check; unknown if it was not made.

        Arguments:
            check: id of the check
        """
        return next((finding.status for finding in self.findings if finding.id == check), Status.UNKNOWN)


@dataclass(frozen=True, slots=True)
class ClusterReport:
    """One cluster's part of the report: what needs the facts of all its hosts.

    Arguments:
        findings: its checks, in order
        vip: the VIP without its prefix length
        port: port of the control-plane endpoint
        apiservers: address and port of each apiserver, by name
    """

    findings: tuple[Finding, ...]
    vip: str = ""
    port: int = 0
    apiservers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a report comes from.

    Arguments:
        version: version of nornir-kube-ha
        inventory: folder of the inventory, "" if it was not read from files
        operator: user who started the run
        controller: name of the machine that it ran on
    """

    version: str = ""
    inventory: str = ""
    operator: str = ""
    controller: str = ""

    def __str__(self) -> str:
        """Return it in words: `root@ops-1, nornir-kube-ha 0.1.0, inventory /srv/kube`."""
        who = f"{self.operator}@{self.controller}" if self.operator else ""
        named = {"nornir-kube-ha": self.version, "inventory": self.inventory}
        return ", ".join(filter(None, (who, *(f"{name} {value}" for name, value in named.items() if value))))


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a rehearsal.

    Arguments:
        name: what it does, in a few words
        status: `passed`, `failed`, or `unknown` if it was interrupted or not reached
        seconds: how long it took
        words: why it did not pass, or what to know about it; "" if nothing
        changes: what changed on each host that it changed, as a diff with secrets masked
    """

    name: str
    status: str
    seconds: float = 0.0
    words: str = ""
    changes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Report:
    """A run's report.

    Arguments:
        run_id: unique id of the run
        runbook: `deploy`, `verify`, `snapshot`, `failover_test`, `rehearse`, ...
        started: time with its time zone
        finished: time with its time zone
        hosts: hosts by name
        clusters: clusters by name
        dry_run: nothing was changed; `changed` means would have changed
        faults: injected faults and their cost
        error: why the run ended early: it was not confirmed, or was interrupted; None if it was completed
        origin: who made it, with what, and from which inventory
        steps: of a rehearsal, in order
    """

    run_id: str
    runbook: str
    started: datetime
    finished: datetime
    hosts: Mapping[str, HostReport]
    clusters: Mapping[str, ClusterReport]
    dry_run: bool = False
    faults: tuple[FaultReport, ...] = ()
    error: Failure | None = None
    origin: Origin = Origin()
    steps: tuple[Step, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether any host changed."""
        return any(host.changed for host in self.hosts.values())

    @property
    def cluster_names(self) -> tuple[str, ...]:
        """Names of the clusters of its hosts, then of those without hosts."""
        return tuple(dict.fromkeys([*(host.cluster for host in self.hosts.values()), *self.clusters]))

    def hosts_of(self, cluster: str) -> dict[str, HostReport]:
        """Return the hosts of a cluster by name.

        Arguments:
            cluster: name of the cluster
        """
        return {name: host for name, host in self.hosts.items() if host.cluster == cluster}

    def findings_of(self, cluster: str) -> tuple[Finding, ...]:
        """Return the cluster's own checks; empty if none was made.

        Arguments:
            cluster: name of the cluster
        """
        return self.clusters[cluster].findings if cluster in self.clusters else ()

    @property
    def findings(self) -> Iterator[tuple[str, Finding]]:
        """Every finding with its host or cluster, hosts first."""
        for name, host in self.hosts.items():
            yield from ((name, finding) for finding in host.findings)
        for name, cluster in self.clusters.items():
            yield from ((name, finding) for finding in cluster.findings)

    @property
    def counts(self) -> Mapping[Status, int]:
        """Number of checks by status, of hosts and clusters together."""
        found = Counter(finding.status for _, finding in self.findings)
        return {status: found[status] for status in Status}

    @property
    def host_counts(self) -> Mapping[str, int]:
        """Number of hosts by status."""
        found = Counter(host.status for host in self.hosts.values())
        return {status: found[status] for status in HOST_STATUSES}

    @property
    def ended_at(self) -> str:
        """Where a rehearsal ended: `failed at step 3 of 6: deploy the new state`; "" if it went to its end."""
        for number, step in enumerate(self.steps, start=1):
            if step.status != "passed":
                word = "failed" if step.status == "failed" else "ended"
                return f"{word} at step {number} of {len(self.steps)}: {step.name}"
        return ""

    @property
    def awaiting(self) -> tuple[str, ...]:
        """Clusters in which no apiserver has answered yet: before `kubeadm init`."""
        told = {where for where, each in self.findings if each.seen.startswith(NO_APISERVER_YET)}
        clusters = {name if name in self.clusters else self.hosts[name].cluster for name in told}
        return tuple(name for name in self.clusters if name in clusters)

    @property
    def seconds(self) -> float:
        """Duration of the run."""
        return (self.finished - self.started).total_seconds()

    @property
    def exit_code(self) -> int:
        """Exit code of the runbook: 0 only if the run was completed, every host was looked at and nothing failed."""
        if self.error:
            return self.error.exit_code
        codes = set(self._codes())
        return next((code for code in _PRECEDENCE if code in codes), 0)

    @property
    def passed(self) -> bool:
        """Whether the run was completed, every host was looked at and nothing failed."""
        return self.exit_code == 0

    def _codes(self) -> Iterator[int]:
        for host in self.hosts.values():
            if host.failure:
                yield host.failure.exit_code
            elif host.status != "passed":
                yield 1
        if any(each.status in KEEPS_FROM_PASSING for part in self.clusters.values() for each in part.findings):
            yield 1
        if not all(fault.passed for fault in self.faults):
            yield 1
        if not all(step.status == "passed" for step in self.steps):
            yield 1
