"""Run each task twice on hosts of a lab, and print what it says of a change: `-m tests.support.twice INVENTORY LAB`.

Prints a JSON object: by the task's name, what a dry run said, the first run, the second, and a dry run after it.
"""

import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from nornir.core import Nornir
from nornir.core.task import Result

from nornir_kube_ha import tasks
from nornir_kube_ha.cli.selection import open_inventory
from nornir_kube_ha.failover.faults import FAULTS
from nornir_kube_ha.intent import Intent
from nornir_kube_ha.inventory.load import load_intent
from nornir_kube_ha.lab.network import enter
from nornir_kube_ha.planning.lease import Lease, this_process
from nornir_kube_ha.trials.change_faults import commented

HOLDER, NEXT, OTHER = "lb-1", "lb-2", "lb-3"
RUN = "0123456789ab"
Task = Callable[..., Result]


class Hosts:
    """Hosts of a lab, and what tasks said there.

    Arguments:
        nornir: with the lab's inventory
    """

    def __init__(self, nornir: Nornir) -> None:
        self.nornir, self.intent = nornir, load_intent(nornir)
        self.said: dict[str, list[bool]] = {}

    def on(self, host: str, task: Task, **arguments: Any) -> Result:  # noqa: ANN401 - the task's own
        """Run a task on one host, and raise its error."""
        result = self.nornir.filter(name=host).run(task=task, **arguments)[host][0]
        if result.exception:
            raise result.exception
        return result

    def twice(
        self,
        host: str,
        task: Task,
        *,
        called: str = "",
        again: Callable[[], Mapping[str, Any]] = dict,
        **arguments: Any,  # noqa: ANN401 - the task's own
    ) -> None:
        """Run a task twice, between two dry runs.

        Arguments:
            host: its name
            task: takes `dry_run`
            called: what to call it; the task's name unless given
            again: makes arguments that say what is there now, before each run
            arguments: the others
        """
        dry = (True, False, False, True)
        said = [self.on(host, task, dry_run=each, **again(), **arguments).changed for each in dry]
        self.said[called or task.__name__] = said

    def plans(self, intent: Intent, host: str) -> dict[str, Any]:
        """What differs from an intent now."""
        return {"plans": {host: self.on(host, tasks.get_plan, intent=intent).result}}


def main(inventory: str, lab: str) -> None:
    enter(lab)
    hosts = Hosts(open_inventory(Path(inventory)))
    intent = hosts.intent
    _read(hosts, intent)
    _drain_and_move(hosts, intent)
    _change(hosts, intent)
    _remove(hosts, intent)
    hosts.nornir.close_connections()
    sys.stdout.write(json.dumps(hosts.said))


def _read(hosts: Hosts, intent: Intent) -> None:
    hosts.twice(NEXT, tasks.install_packages, intent=intent)
    hosts.twice(NEXT, tasks.upgrade_packages, upgrades={NEXT: ()})
    hosts.twice(NEXT, tasks.await_first_apiserver, intent=intent, why="told")
    lease = Lease(RUN, this_process())
    hosts.twice(NEXT, tasks.take_lease, lease=lease)
    hosts.twice(NEXT, tasks.release_lease, lease=lease, proven=())


def _drain_and_move(hosts: Hosts, intent: Intent) -> None:
    hosts.twice(NEXT, tasks.drain_apiserver, intent=intent, apiserver=OTHER, seconds=60)
    hosts.twice(NEXT, tasks.ready_apiserver, intent=intent, apiserver=OTHER)
    hosts.twice(NEXT, tasks.prefer_for_vip, intent=intent, preferred=NEXT)
    hosts.twice(NEXT, tasks.prefer_for_vip, called="prefer_for_vip back", intent=intent, preferred=None)
    holder = [intent.node(HOLDER).address]
    hosts.twice(NEXT, tasks.forward_connections, intent=intent, holder=holder, drain=20.0)
    hosts.twice(NEXT, tasks.forward_connections, called="forward_connections back", intent=intent, drain=0.0)
    hosts.twice(HOLDER, tasks.release_vip, intent=intent)


def _change(hosts: Hosts, intent: Intent) -> None:
    hosts.twice(OTHER, tasks.stop_keepalived, disable=True)
    hosts.twice(OTHER, tasks.start_keepalived)
    fault = FAULTS["vrrp-mute"]
    hosts.on(OTHER, tasks.inject_fault, intent=intent, fault=fault, run_id=RUN, seconds=60.0, port=0)
    while hosts.on(OTHER, tasks.get_fault_timeline).result.made is None:
        time.sleep(0.1)  # the test that reads this has a time-out
    hosts.twice(OTHER, tasks.heal_fault, run_id=RUN)
    hosts.twice(OTHER, tasks.restart_services)
    other = commented(intent)
    hosts.twice(OTHER, tasks.upload_config, intent=other)
    hosts.twice(OTHER, tasks.change_services, again=lambda: hosts.plans(other, OTHER), intent=other)
    hosts.twice(OTHER, tasks.change_firewall, again=lambda: hosts.plans(other, OTHER), step="open")
    plans = hosts.plans(intent, OTHER)
    hosts.twice(OTHER, tasks.stage_config, intent=intent, **plans)
    hosts.twice(OTHER, tasks.unstage_config, **plans)
    hosts.on(OTHER, tasks.stage_config, intent=intent, **plans)
    hosts.twice(OTHER, tasks.apply_config, again=lambda: hosts.plans(intent, OTHER), intent=intent)
    hosts.on(OTHER, tasks.stage_config, intent=other, **hosts.plans(other, OTHER))
    hosts.twice(OTHER, tasks.commit_config, again=lambda: hosts.plans(other, OTHER))


def _remove(hosts: Hosts, intent: Intent) -> None:
    vips = {OTHER: [str(vip.ip) for vip in intent.node(OTHER).vips]}
    hosts.twice(OTHER, tasks.remove_config, vips=vips)


if __name__ == "__main__":
    main(*sys.argv[1:])
