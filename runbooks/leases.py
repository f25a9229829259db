"""The leases of a run's hosts, from before its first change until it has ended."""

import contextlib
import time
from collections.abc import Iterator

from nornir_kube_ha.lease import LEASE_SECONDS, Lease, this_process
from nornir_kube_ha.runbooks.run import Run
from nornir_kube_ha.tasks import release_lease, take_lease


def look_first(run: Run, *, only_reads: bool = False, allow_unreachable: bool = False, ask_others: bool = True) -> None:
    """Look at the hosts of a run that means to change them, and go no further if another one is at work there.

    Arguments:
        run: has not looked yet
        only_reads: whether it changes nothing this time, as a dry run does
        allow_unreachable: whether it goes on without hosts that cannot be reached
        ask_others: whether anybody but the hosts themselves is asked, as `get_facts` has it

    Raises:
        StoppedError: another run holds a host's lease, or a host cannot be looked at
    """
    run.tell(f"looking at {', '.join(run.hosts)}")
    run.look(None if only_reads or run.dry_run else _lease_of(run), ask_others=ask_others)
    if allow_unreachable:
        run.tolerated.update(run.unreachable)
    run.stop_if_failed()


@contextlib.contextmanager
def leased(run: Run, proven: set[str]) -> Iterator[None]:
    """Hold the lease of every host, for as long as something is changed.

    Arguments:
        run: has looked at its hosts
        proven: filled by the work with the names of the hosts whose every check passed in the end

    Raises:
        StoppedError: another run holds one, or a host cannot be asked any more
    """
    hosts = [*run.plans]
    if run.dry_run:
        yield
        return
    run.lease = _lease_of(run)
    taken: dict[str, bool] = {}
    try:
        # One host alone first, the same one for all: of two runs that begin at once one gets it, and goes on.
        for names in (hosts[:1], hosts[1:]):
            taken |= run.each(take_lease, names, lease=run.lease, facts=run.facts)
            run.stop_if_failed()
        if any(taken.values()):
            run.tell("another run has been at work since: looking again")
            run.look()
            run.stop_if_failed()
        yield
    finally:
        run.each(release_lease, [*taken], lease=run.lease, proven=proven)
        run.lease = None


def keep_leases(run: Run, since: float, *, seconds: float = 0) -> float:
    """Prolong the leases of a run that may take longer than one lasts by itself, once it is time.

    Arguments:
        run: has them
        since: when they were last prolonged, by the monotonic clock
        seconds: how long a step on one host may take, while nothing is done on the others

    Returns:
        When they were last prolonged

    Raises:
        StoppedError: in each cluster, one is lost
    """
    if run.lease is None or time.monotonic() - since < LEASE_SECONDS / 4:
        return since
    run.each(take_lease, run.reached, lease=run.lease, seconds=seconds)
    run.end_failed_clusters()
    return time.monotonic()


def _lease_of(run: Run) -> Lease:
    return Lease(run.run_id, this_process())
