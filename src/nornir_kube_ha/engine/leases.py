"""The leases of a run's hosts, from before its first change until its end."""

import contextlib
import time
from collections.abc import Collection, Iterator

from nornir_kube_ha.engine.ledger import StoppedError
from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.errors import HostError, KubeHaError, LeaseHeldError
from nornir_kube_ha.facts import Scope
from nornir_kube_ha.planning.lease import LEASE_SECONDS, Lease, this_process
from nornir_kube_ha.tasks import release_lease, take_lease
from nornir_kube_ha.text import named


def look_first(
    run: Run, *, only_reads: bool = False, allow_unreachable: bool = False, scope: Scope = Scope.ALL
) -> None:
    """Look at the hosts of a run that will change them. Stop if another run is changing one.

    Arguments:
        run: has not looked yet
        only_reads: whether it changes nothing this time, as in a dry run
        allow_unreachable: whether it goes on without hosts that cannot be reached
        scope: which other machines hosts ask, as for `get_facts`

    Raises:
        StoppedError: another run holds a host's lease, or a host cannot be looked at
    """
    run.tell(f"looking at {named(run.hosts)}")
    run.look(None if only_reads or run.dry_run else lease_of(run), scope=scope)
    if allow_unreachable:
        run.ledger.tolerated.update(run.ledger.unreachable)
    run.ledger.stop_if_failed()


@contextlib.contextmanager
def leased(run: Run, proven: set[str]) -> Iterator[None]:
    """Hold the lease of every host while the block changes them.

    Arguments:
        run: has looked at its hosts
        proven: the block adds the names of hosts where every check passed in the end

    Raises:
        StoppedError: another run holds a lease, or a host no longer answers
    """
    hosts = [*run.plans]
    if run.dry_run:
        yield
        return
    taken: dict[str, bool] = {}
    with run.using_lease(lease_of(run)):
        try:
            # One host alone first, the same one for every run: of two runs that start at once, one gets its lease and
            # goes on.
            for names in (hosts[:1], hosts[1:]):
                taken |= run.each(take_lease, names, lease=run.lease, facts=run.facts)
                run.ledger.stop_if_failed()
            if any(taken.values()):
                run.tell("another run has changed a host in the meantime: looking again")
                run.look()
                run.ledger.stop_if_failed()
            yield
        finally:
            run.each(release_lease, [*taken], lease=run.lease, proven=proven)


@contextlib.contextmanager
def held(run: Run) -> Iterator[None]:
    """Look at the hosts of a command that makes no report, and hold the leases of those that answer.

    The command itself handles hosts that cannot be looked at: `Ledger.failure_of` says why.

    Arguments:
        run: has not looked yet

    Raises:
        HostError: another run holds a host's lease, or has held it before the command ended; with LeaseHeldError's exit
            code
    """
    run.look(lease_of(run))
    _raise_if_held(run)
    run.ledger.tolerated.update(set(run.hosts) - set(run.reached))
    try:
        with leased(run, set()):
            yield
    except StoppedError:
        raise _failure_of(run) from None
    _raise_if_held(run)


def _raise_if_held(run: Run) -> None:
    if any(run.ledger.has_lost_lease(name) for name in run.hosts):
        raise _failure_of(run)


def _failure_of(run: Run) -> HostError:
    """Return the error of a run's first failure. A lost lease comes first, a tolerated failure last."""
    failed = [name for name in run.hosts if run.ledger.failure_of(name)]
    name = min(failed, key=lambda name: (not run.ledger.has_lost_lease(name), name in run.ledger.tolerated))
    failure = run.ledger.failure_of(name)
    error = HostError(name, failure.message if failure else "failed")
    error.exit_code = failure.exit_code if failure else error.exit_code
    return error


def check_leases(run: Run, hosts: Collection[str]) -> dict[str, KubeHaError]:
    """Prolong the leases of some hosts. Return the error of each host whose lease another run has taken.

    A host that does not answer is left out: that is a different failure.

    Arguments:
        run: holds their leases; without leases, as in a dry run, no host is asked
        hosts: their names
    """
    if run.lease is None or not hosts:
        return {}
    failed = run.try_each(take_lease, hosts, lease=run.lease)
    return {name: error for name, error in failed.items() if isinstance(error, LeaseHeldError)}


def keep_leases(run: Run, since: float, *, seconds: float = 0) -> float:
    """Prolong the leases of a run once a quarter of their time is over.

    Arguments:
        run: holds them
        since: when they were last prolonged, by the monotonic clock
        seconds: how long a step on one host may take, while nothing is done on the others

    Returns:
        When they were last prolonged

    Raises:
        StoppedError: a lease is lost in each cluster
    """
    if run.lease is None or time.monotonic() - since < LEASE_SECONDS / 4:
        return since
    run.each(take_lease, run.reached, lease=run.lease, seconds=seconds)
    run.ledger.end_failed_clusters()
    return time.monotonic()


def lease_of(run: Run) -> Lease:
    """Return the lease that a run asks its hosts for."""
    return Lease(run.run_id, this_process())
