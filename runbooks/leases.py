"""The leases of a run's hosts, from before its first change until it has ended."""

import contextlib
from collections.abc import Iterator

from nornir_kube_ha.lease import Lease, this_process
from nornir_kube_ha.runbooks.run import Run
from nornir_kube_ha.tasks import release_lease, take_lease


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
    run.lease = Lease(run.run_id, this_process())
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
