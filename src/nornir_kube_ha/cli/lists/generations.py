"""`rollback --list`: list the generations that each host can go back to."""

from collections.abc import Iterator, Mapping

from nornir_kube_ha.cli.showing import show
from nornir_kube_ha.engine.leases import look_first
from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.planning.generations import Generation
from nornir_kube_ha.report import Report
from nornir_kube_ha.tasks import get_generations
from nornir_kube_ha.text import one_line


def list_generations(run: Run, *, allow_unreachable: bool) -> Report:
    """Print the generations on each host of a run.

    Arguments:
        run: the hosts
        allow_unreachable: whether to go on without hosts that cannot be reached

    Returns:
        What could not be read, without any checks
    """
    run.make_only(frozenset())
    with run.ledger.until_failure():
        look_first(run, only_reads=True, allow_unreachable=allow_unreachable)
        show(_lines(run.each_or_stop(get_generations, run.reached)))
    return run.report()


def _lines(kept: Mapping[str, tuple[Generation, ...]]) -> Iterator[str]:
    for name, generations in kept.items():
        yield name
        yield from (f"  {one_line(str(each))}" for each in reversed(generations))
