"""The runbooks as functions on a Nornir of the caller's own, for automation that is not ours.

Nothing here prints, asks anybody, handles a signal or configures logging. A run logs in by itself and out again, works
on copies of the inventory's hosts, and leaves what the caller's Nornir knows as it was: its connections, and which of
its hosts have failed. So several may run at once. The caller's runner and processors are used.
"""

import argparse
import math
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from nornir.core import Nornir

from nornir_kube_ha.checks import ALL
from nornir_kube_ha.cli.exit_codes import hush_libraries
from nornir_kube_ha.cli.options.argument_types import ip_address
from nornir_kube_ha.cli.options.failover import FailoverOptions
from nornir_kube_ha.cli.options.runbook import AS_USUAL, Options
from nornir_kube_ha.cli.selection import choose_checks, needs_stats_password
from nornir_kube_ha.engine.former_hosts import add_former_hosts
from nornir_kube_ha.engine.isolated_copy import apart
from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.errors import UsageError
from nornir_kube_ha.inventory.load import load_intent
from nornir_kube_ha.report import Report
from nornir_kube_ha.rollout.policy import RollOut
from nornir_kube_ha.runbooks import deploy as _deploy
from nornir_kube_ha.runbooks import failover_test as _failover_test
from nornir_kube_ha.runbooks import remove as _remove
from nornir_kube_ha.runbooks import rollback as _rollback
from nornir_kube_ha.runbooks import upgrade as _upgrade
from nornir_kube_ha.runbooks import verify as _verify

Tell = Callable[[str], object]

hush_libraries()


def verify(
    nornir: Nornir,
    *,
    hosts: Collection[str] | None = None,
    check: Collection[str] = (),
    skip: Collection[str] = (),
    retry_timeout: float = 0,
    sleep: float = 1,
    kubeconfig: Path | None = None,
    tell: Tell | None = None,
) -> Report:
    """Look whether hosts are what the inventory says, and change nothing.

    Arguments:
        nornir: with the whole inventory, not a filtered one: a node's files name its peers
        hosts: names of those that are meant, as `nr.filter(role="backup").inventory.hosts`; all that are ours if none
        check: ids or patterns of the checks that are wanted, as `vip.*`; all if empty
        skip: ids or patterns of those that are not
        retry_timeout: seconds until which a look that does not pass is taken again
        sleep: seconds between two looks
        kubeconfig: a credential, by which each apiserver is asked for its health; the inventory's if none
        tell: is given a line of progress now and then

    Returns:
        Every check of every host; one that was not reached is unknown, and the report has not passed

    Raises:
        InventoryError: the inventory says what cannot be; nothing was sent
        UsageError: there is no such host or check, or the kubeconfig cannot be used
    """
    checks = choose_checks(Options(check=_names("check", check), skip=_names("skip", skip)))
    _check_number("retry_timeout", retry_timeout, least=0)
    _check_number("sleep", sleep, least=0)
    with _run("verify", nornir, hosts, dry_run=False, tell=tell, checks=checks) as run:
        return _verify.verify(run, Options(retry_timeout=retry_timeout, sleep=sleep, kubeconfig=kubeconfig))


def deploy(
    nornir: Nornir,
    *,
    hosts: Collection[str] | None = None,
    dry_run: bool | None = None,
    quick: bool = False,
    bootstrap: bool = False,
    roll_out: RollOut = AS_USUAL,
    tell: Tell | None = None,
) -> Report:
    """Make hosts what the inventory says, then look whether they are.

    Arguments:
        nornir: as for `verify`
        hosts: as for `verify`
        dry_run: whether to say only what would change; Nornir's own setting if none
        quick: where nothing differs, ask nobody but the hosts themselves, and skip the checks of what others answer
        bootstrap: no apiserver has ever been up, where a first deploy does not see that by itself
        roll_out: in which steps a change goes over hosts
        tell: is given a line of progress now and then

    Returns:
        What was changed and, unless it was a dry run, every check. Where another run is at work on one of the hosts,
        nothing was changed, and `exit_code` is 5

    Raises:
        InventoryError: the inventory says what cannot be; nothing was sent
        UsageError: there is no such host
    """
    with _run("deploy", nornir, hosts, dry_run=dry_run, tell=tell) as run:
        return _deploy.deploy(run, Options(roll_out=roll_out, quick=quick, bootstrap=bootstrap))


def rollback(
    nornir: Nornir,
    *,
    hosts: Collection[str] | None = None,
    to_before: str = "",
    dry_run: bool | None = None,
    roll_out: RollOut = AS_USUAL,
    tell: Tell | None = None,
) -> Report:
    """Put hosts back on files that they had before.

    Arguments:
        nornir: as for `verify`
        hosts: as for `verify`
        to_before: id of the run whose change is to be undone; the last files that passed every check if empty
        dry_run: as for `deploy`
        roll_out: as for `deploy`
        tell: as for `deploy`

    Returns:
        As `deploy` does

    Raises:
        InventoryError, UsageError: as `deploy` does
    """
    with _run("rollback", nornir, hosts, dry_run=dry_run, tell=tell) as run:
        return _rollback.rollback(run, Options(roll_out=roll_out, back_to=to_before))


def upgrade(
    nornir: Nornir,
    *,
    hosts: Collection[str] | None = None,
    dry_run: bool | None = None,
    accept_outage: bool = False,
    allow_downgrade: bool = False,
    tell: Tell | None = None,
) -> Report:
    """Bring hosts to the pinned haproxy and keepalived, or else to the newest, without an outage.

    Arguments:
        nornir: as for `verify`
        hosts: as for `verify`
        dry_run: as for `deploy`
        accept_outage: the holder's daemons are restarted though the VIP cannot be moved away first
        allow_downgrade: a package may go back to an older version, where the inventory pins one
        tell: as for `deploy`

    Returns:
        As `deploy` does

    Raises:
        InventoryError, UsageError: as `deploy` does
    """
    options = Options(roll_out=RollOut(accept_outage=accept_outage, allow_downgrade=allow_downgrade))
    with _run("upgrade", nornir, hosts, dry_run=dry_run, tell=tell) as run:
        return _upgrade.upgrade(run, options)


def remove(
    nornir: Nornir,
    *,
    hosts: Collection[str] | None = None,
    former: Collection[str] = (),
    dry_run: bool | None = None,
    tell: Tell | None = None,
) -> Report:
    """Take everything off hosts again, the VIP's holder last. Whoever calls this has been asked.

    Arguments:
        nornir: as for `verify`
        hosts: as for `verify`
        former: addresses of machines that were nodes and are not in the inventory any more: only they are meant then,
            and `hosts` names nodes of the cluster that they were of, if there are several
        dry_run: as for `deploy`
        tell: as for `deploy`

    Returns:
        What was changed

    Raises:
        InventoryError, UsageError: as `deploy` does
    """
    with _run("remove", nornir, hosts, dry_run=dry_run, tell=tell, former=former) as run:
        return _remove.remove(run, Options(yes=True))


def failover_test(
    nornir: Nornir,
    faults: Collection[str],
    *,
    hosts: Collection[str] | None = None,
    repeat: int = 1,
    hold: float | None = None,
    limit: float | None = None,
    vantage: str = "",
    rate: int = 50,
    connections: int = 10,
    kubeconfig: Path | None = None,
    tell: Tell | None = None,
) -> Report:
    """Break things on purpose, and measure how long a client is without service. Whoever calls this has been asked.

    Arguments:
        nornir: as for `verify`
        faults: names or patterns of what is broken, as `haproxy-*`; `failover.faults.FAULTS` has them all
        hosts: as for `verify`, of clusters as a whole
        repeat: how often each
        hold: seconds that each lasts; its own unless given
        limit: seconds of outage that new connections may see; each fault's own unless given
        vantage: the host that the client runs on; here if empty
        rate: new connections a second
        connections: how many last, with a request each now and then
        kubeconfig: a credential, by which reads, writes and watches are measured; the inventory's if none
        tell: as for `deploy`

    Returns:
        Every check, as the last look found it, and every trial

    Raises:
        InventoryError: as `deploy` does
        UsageError: there is no such host or fault, or it cannot be made there
    """
    for name, value, least in (
        ("repeat", repeat, 1),
        ("rate", rate, 1),
        ("connections", connections, 1),
        ("hold", 0 if hold is None else hold, 0),
        ("limit", 0 if limit is None else limit, 0),
    ):
        _check_number(name, value, least=least)
    own = FailoverOptions(
        faults=_names("faults", faults),
        repeat=repeat,
        hold=hold,
        limit=limit,
        yes=True,
        vantage=vantage,
        rate=rate,
        connections=connections,
    )
    with _run("failover_test", nornir, hosts, dry_run=False, tell=tell) as run:
        return _failover_test.failover_test(run, Options(failover=own, kubeconfig=kubeconfig))


@contextmanager
def _run(
    name: str,
    nornir: Nornir,
    hosts: Collection[str] | None,
    *,
    dry_run: bool | None,
    tell: Tell | None,
    checks: Collection[str] = ALL,
    former: Collection[str] = (),
) -> Iterator[Run]:
    """A run of its own on the caller's inventory; its logins end with the block."""
    meant = None if hosts is None else _names("hosts", hosts)
    if not isinstance(dry_run, bool | None):
        raise UsageError(f"dry_run is True, False or None, and not {dry_run!r}")
    own = apart(nornir, dry_run=bool(nornir.data.dry_run if dry_run is None else dry_run))
    intent = load_intent(own, stats_password=needs_stats_password(name, checks))
    ours = [node.name for node in intent.nodes]
    if unknown := sorted({*(meant or ())} - {*ours}):
        raise UsageError(f"no host called {', '.join(unknown)}; there are {', '.join(ours)}")
    if meant == ():
        raise UsageError(f"no host is meant; there are {', '.join(ours)}")
    meant = tuple(ours) if meant is None else meant
    if former:
        meant = add_former_hosts(own, meant, _addresses("former", former))
        intent = load_intent(own)
    run = Run(name, own, intent, meant, checks=checks, tell=tell or (lambda _: None))
    try:
        yield run
    finally:
        run.close()


def _names(argument: str, given: Collection[str]) -> tuple[str, ...]:
    """Names that are given; a text would be a collection, too, of its letters.

    Raises:
        UsageError: they are none
    """
    hint = f"{argument} is a list of names, as `nr.filter(...).inventory.hosts` has them, and not"
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise UsageError(f"{hint} {given!r}")
    names = tuple(given)
    if strange := [name for name in names if not isinstance(name, str)]:
        raise UsageError(f"{hint} of {type(strange[0]).__name__}")
    return names


def _addresses(argument: str, given: Collection[str]) -> tuple[str, ...]:
    """Addresses that are given, as Python writes them.

    Raises:
        UsageError: one is none
    """
    try:
        return tuple(map(ip_address, _names(argument, given)))
    except argparse.ArgumentTypeError as error:
        raise UsageError(f"{argument}: {error}") from None


def _check_number(argument: str, value: float, *, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value < math.inf:
        raise UsageError(f"{argument} is a number, {least} at least, and not {value!r}")
