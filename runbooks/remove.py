#!/usr/bin/env python3
"""Remove everything that kube-ha put on the hosts: configuration, drop-ins of the units, and kept generations.

Backups come first, the VIP holder last. With it the VIP goes, and clients lose their address. The files that were there
before the first deploy come back. Packages stay installed, and their daemons are stopped.
"""

import sys
import time
from collections.abc import Collection, Iterator
from itertools import zip_longest

from nornir_kube_ha.cli.command import run_as_script
from nornir_kube_ha.cli.confirm import Ask, ask
from nornir_kube_ha.engine.leases import keep_leases, leased, look_first
from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.errors import DeclinedError
from nornir_kube_ha.report import Report
from nornir_kube_ha.tasks import remove_config, start_keepalived
from nornir_kube_ha.tasks.remove import STEPS
from nornir_kube_ha.text import named


def remove(run: Run, *, confirm: Ask | None = ask) -> Report:
    """Remove everything that kube-ha put on the hosts of a run.

    Arguments:
        run: the hosts; with `dry_run`, nothing is changed
        confirm: asks for confirmation; None: nobody is asked

    Returns:
        What was removed, without any checks

    Raises:
        DeclinedError: not confirmed
    """
    run.make_only(frozenset())
    with run.ledger.until_failure():
        look_first(run)
        run.ledger.steps.update(dict.fromkeys(run.reached, STEPS))
        if confirm and not run.dry_run and not confirm(_question(run)):
            raise DeclinedError("aborted before removing anything; pass --yes to skip the question")
        with leased(run, set()):
            prolonged, waiting = time.monotonic(), list[str]()
            for wave in zip_longest(*_in_turn(run)):
                prolonged = keep_leases(run, prolonged)
                names = [name for name in wave if name in run.going]
                if not names:
                    continue
                run.tell_of_change(f"removing kube-ha's files from {named(names)}")
                with run.defer_signals():
                    done = run.each(remove_config, names, lease=run.lease, vips=_vips(run))
                if run.dry_run:
                    run.ledger.steps.update({name: () for name in names if name not in run.ledger.changed})
                waiting += [name for name, waits in done.items() if waits]
                run.ledger.end_failed_clusters()
            _start_what_waits(run, waiting)
    return run.report()


def _vips(run: Run) -> dict[str, list[str]]:
    return {node.name: [str(vip.ip) for vip in cluster.vips] for cluster in run.clusters for node in cluster.nodes}


def _start_what_waits(run: Run, waiting: Collection[str]) -> None:
    """Start keepalived with an old file that has the cluster's VIP, once no node of the cluster holds the VIP."""
    for cluster in run.clusters:
        names = [node.name for node in cluster.nodes if node.name in waiting]
        if names and all(node.name in run.going for node in cluster.nodes):
            run.each(start_keepalived, names, lease=run.lease)
        elif names:
            run.tell(
                f"{', '.join(names)}: keepalived stays stopped: its restored file has a VIP that other "
                f"nodes of {cluster.name} still hold"
            )


def _in_turn(run: Run) -> Iterator[list[str]]:
    """Yield the names of each cluster's hosts, VIP holders last."""
    for cluster in run.clusters:
        names = [node.name for node in cluster.nodes if node.name in run.hosts]
        holding = [name for name in names if run.facts[name].holds_any(cluster.vips)]
        yield [*(name for name in names if name not in holding), *holding]


def _question(run: Run) -> str:
    """Return the question to confirm. Clients lose their address only if no node is left."""
    losing = [cluster for cluster in run.clusters if all(node.name in run.hosts for node in cluster.nodes)]
    vips = ", ".join(f"{cluster.name} ({cluster.addresses})" for cluster in losing or run.clusters)
    lost = f"Clients of {vips} lose their address." if losing else f"The other nodes of {vips} keep the address."
    return f"Remove everything of kube-ha from {', '.join(run.hosts)}? {lost} [y/N] "


def main(arguments: list[str] | None = None) -> int:
    """Run as a script.

    Arguments:
        arguments: command-line arguments; default: `sys.argv`

    Returns:
        The exit code
    """
    return run_as_script("remove", __doc__, remove, arguments)


if __name__ == "__main__":
    sys.exit(main())
