"""The runbooks as functions that take the caller's Nornir object, for embedding in other automation.

Nothing here prints, prompts, handles signals or configures logging. A run opens and closes its own connections and
works on copies of the inventory's hosts. The caller's connections and set of failed hosts stay unchanged, so several
runs may be active at once. The caller's runner and processors are used.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from nornir.core import Nornir

from nornir_kube_ha.api_arguments import addresses, check_flag, check_number, chosen, names
from nornir_kube_ha.checks import ALL
from nornir_kube_ha.cli.exit_codes import hush_libraries
from nornir_kube_ha.cli.selection import choose_checks, needs_stats_password
from nornir_kube_ha.engine.former_hosts import add_former_hosts
from nornir_kube_ha.engine.isolated_copy import isolated_copy
from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.inventory.load import load_intent
from nornir_kube_ha.report import Report
from nornir_kube_ha.rollout.policy import AS_USUAL, RollOut
from nornir_kube_ha.runbooks import deploy as _deploy
from nornir_kube_ha.runbooks import failover_test as _failover_test
from nornir_kube_ha.runbooks import remove as _remove
from nornir_kube_ha.runbooks import rollback as _rollback
from nornir_kube_ha.runbooks import snapshot as _snapshot
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
    """Check hosts against the inventory without changing them.

    Arguments:
        nornir: must have the whole inventory, not a filtered one: a node's files name its peers
        hosts: names of the hosts to check, like `nr.filter(role="backup").inventory.hosts`; None checks all nodes
        check: ids or patterns of the checks to run, like `vip.*`; empty runs all
        skip: ids or patterns of the checks to leave out
        retry_timeout: seconds during which failing checks are repeated
        sleep: seconds between two attempts
        kubeconfig: file with the credential for asking each apiserver for its health; None uses the inventory's
        tell: called with each line of progress

    Returns:
        Every check of every host; checks of an unreachable host are `unknown`, and the report has not passed

    Raises:
        InventoryError: the inventory is invalid; nothing was sent
        UsageError: there is no such host or check, or the kubeconfig cannot be used
    """
    checks = choose_checks(names("check", check), names("skip", skip))
    check_number("retry_timeout", retry_timeout, least=0)
    check_number("sleep", sleep, least=0)
    with _run("verify", nornir, hosts, dry_run=False, tell=tell, checks=checks) as run:
        return _verify.verify(run, retry_timeout=retry_timeout, sleep=sleep, kubeconfig=kubeconfig)


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
    """Bring hosts to the state of the inventory, then check them.

    Arguments:
        nornir: as for `verify`
        hosts: as for `verify`
        dry_run: report what would change, and change nothing; None uses Nornir's own setting
        quick: if nothing differs, skip the checks that need answers from outside the host
        bootstrap: state that no apiserver has ever been up, in case a first deploy does not detect it
        roll_out: the steps in which a change goes over the hosts
        tell: called with each line of progress

    Returns:
        The changes and, unless it was a dry run, every check. If another run holds the lease of a host, nothing was
        changed and `exit_code` is 5

    Raises:
        InventoryError: the inventory is invalid; nothing was sent
        UsageError: there is no such host
    """
    with _run("deploy", nornir, hosts, dry_run=dry_run, tell=tell) as run:
        return _deploy.deploy(run, quick=quick, bootstrap=bootstrap, roll_out=roll_out)


def rollback(
    nornir: Nornir,
    *,
    hosts: Collection[str] | None = None,
    to_before: str = "",
    dry_run: bool | None = None,
    roll_out: RollOut = AS_USUAL,
    tell: Tell | None = None,
) -> Report:
    """Return hosts to an earlier generation of files.

    Arguments:
        nornir: as for `verify`
        hosts: as for `verify`
        to_before: id of the run whose change to undo; empty selects the last files that passed every check
        dry_run: as for `deploy`
        roll_out: as for `deploy`
        tell: as for `deploy`

    Returns:
        As `deploy` does

    Raises:
        InventoryError, UsageError: as `deploy` does
    """
    with _run("rollback", nornir, hosts, dry_run=dry_run, tell=tell) as run:
        return _rollback.rollback(run, to_before=to_before, roll_out=roll_out)


def upgrade(
    nornir: Nornir,
    *,
    hosts: Collection[str] | None = None,
    dry_run: bool | None = None,
    accept_outage: bool = False,
    allow_downgrade: bool = False,
    tell: Tell | None = None,
) -> Report:
    """Upgrade haproxy and keepalived to the pinned version, or else to the newest, without an outage.

    Arguments:
        nornir: as for `verify`
        hosts: as for `verify`
        dry_run: as for `deploy`
        accept_outage: restart the VIP holder's daemons even if the VIP cannot be moved away first
        allow_downgrade: install an older version if the inventory pins one
        tell: as for `deploy`

    Returns:
        As `deploy` does

    Raises:
        InventoryError, UsageError: as `deploy` does
    """
    with _run("upgrade", nornir, hosts, dry_run=dry_run, tell=tell) as run:
        return _upgrade.upgrade(run, accept_outage=accept_outage, allow_downgrade=allow_downgrade)


def remove(
    nornir: Nornir,
    *,
    hosts: Collection[str] | None = None,
    former: Collection[str] = (),
    dry_run: bool | None = None,
    tell: Tell | None = None,
) -> Report:
    """Remove everything that kube-ha put on hosts, the VIP holder last. Does not ask for confirmation.

    Arguments:
        nornir: as for `verify`
        hosts: as for `verify`
        former: addresses of former nodes. If given, only these are changed; `hosts` then selects their cluster if the
            inventory has several
        dry_run: as for `deploy`
        tell: as for `deploy`

    Returns:
        The changes

    Raises:
        InventoryError, UsageError: as `deploy` does
    """
    with _run("remove", nornir, hosts, dry_run=dry_run, tell=tell, former=former) as run:
        return _remove.remove(run, confirm=None)


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
    """Inject faults, and measure the outage that a client sees. Does not ask for confirmation.

    Arguments:
        nornir: as for `verify`
        faults: names or patterns of faults, like `haproxy-*`; `failover.faults.FAULTS` lists all
        hosts: as for `verify`, but whole clusters
        repeat: trials per fault
        hold: seconds that each fault lasts; None uses the fault's own
        limit: most seconds of outage for new connections; None uses the fault's own
        vantage: the host that the client runs on; the controller if empty
        rate: new connections per second
        connections: number of long-lived connections, each with a request now and then
        kubeconfig: file with the credential for measuring reads, writes and watches; None uses the inventory's
        tell: as for `deploy`

    Returns:
        Every check, as last made, and every trial

    Raises:
        InventoryError: as `deploy` does
        UsageError: there is no such host or fault, or the fault cannot be injected there
    """
    for name, value, least in (
        ("repeat", repeat, 1),
        ("rate", rate, 1),
        ("connections", connections, 1),
        ("hold", 0 if hold is None else hold, 0),
        ("limit", 0 if limit is None else limit, 0),
    ):
        check_number(name, value, least=least)
    meant = names("faults", faults)
    with _run("failover_test", nornir, hosts, dry_run=False, tell=tell) as run:
        return _failover_test.failover_test(
            run,
            meant,
            repeat=repeat,
            hold=hold,
            limit=limit,
            vantage=vantage,
            rate=rate,
            connections=connections,
            kubeconfig=kubeconfig,
            confirm=None,
        )


def snapshot(
    nornir: Nornir, path: Path | str, *, hosts: Collection[str] | None = None, tell: Tell | None = None
) -> Report:
    """Record what runs on hosts in one file, without secrets, for `rehearse`. Changes nothing on hosts.

    Arguments:
        nornir: as for `verify`
        path: the file, which is replaced if it exists; only its owner can read it
        hosts: as for `verify`
        tell: as for `deploy`

    Returns:
        As of a dry run of `deploy`: what differs on each host. The file names hosts that were not seen

    Raises:
        InventoryError, UsageError: as `deploy` does; also if the path cannot be a file's
        OutputError: the file cannot be written
    """
    with _run("snapshot", nornir, hosts, dry_run=True, tell=tell) as run:
        return _snapshot.snapshot(run, path=Path(path))


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
    """Yield a run on a copy of the caller's inventory, and close its connections at the end of the block."""
    given = None if hosts is None else names("hosts", hosts)
    own = isolated_copy(
        nornir, dry_run=bool(nornir.data.dry_run if check_flag("dry_run", dry_run) is None else dry_run)
    )
    intent = load_intent(own, stats_password=needs_stats_password(name, checks))
    meant = chosen(given, [node.name for node in intent.nodes])
    if former:
        meant = add_former_hosts(own, meant, addresses("former", former))
        intent = load_intent(own)
    run = Run(name, own, intent, meant, checks=checks, tell=tell or (lambda _: None))
    try:
        yield run
    finally:
        run.close()
