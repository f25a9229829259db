"""Nornir tasks that read or change a host. `get_*`, `watch_*`, `wait_for_*` and `render_config` only read.

Run them like any other task: `nr.run(task=get_facts, intent=load_intent(nr))`. A task takes the results of an earlier
one as a mapping by host name; without `facts`, it gathers them itself. Only `get_endpoint` is a plain function: it logs
in to no host.
"""

import warnings
from typing import TYPE_CHECKING, Any

from nornir_kube_ha.tasks.apply import apply_config
from nornir_kube_ha.tasks.config import commit_config, get_plan, stage_config, unstage_config, upload_config
from nornir_kube_ha.tasks.drain import drain_apiserver, ready_apiserver
from nornir_kube_ha.tasks.facts import get_facts
from nornir_kube_ha.tasks.faults import get_fault_timeline, heal_fault, inject_fault
from nornir_kube_ha.tasks.firewall import change_firewall
from nornir_kube_ha.tasks.first_apiserver import await_first_apiserver
from nornir_kube_ha.tasks.former import get_former_peers
from nornir_kube_ha.tasks.generations import get_generation_files, get_generations
from nornir_kube_ha.tasks.hostkeys import get_host_key
from nornir_kube_ha.tasks.lease import release_lease, take_lease
from nornir_kube_ha.tasks.move import forward_connections, prefer_for_vip, release_vip, wait_for_vip
from nornir_kube_ha.tasks.packages import install_packages
from nornir_kube_ha.tasks.remove import remove_config, start_keepalived
from nornir_kube_ha.tasks.render import render_config
from nornir_kube_ha.tasks.running import get_resolved, get_running
from nornir_kube_ha.tasks.services import change_services, restart_services, stop_keepalived
from nornir_kube_ha.tasks.stream import get_spare_session, start_command
from nornir_kube_ha.tasks.upgrade import get_upgrades, upgrade_packages
from nornir_kube_ha.tasks.vip import get_endpoint
from nornir_kube_ha.tasks.vip_watch import watch_vip

__all__ = [
    "apply_config",
    "await_first_apiserver",
    "change_firewall",
    "change_services",
    "commit_config",
    "drain_apiserver",
    "forward_connections",
    "get_endpoint",
    "get_facts",
    "get_fault_timeline",
    "get_former_peers",
    "get_generation_files",
    "get_generations",
    "get_host_key",
    "get_plan",
    "get_resolved",
    "get_running",
    "get_spare_session",
    "get_upgrades",
    "heal_fault",
    "inject_fault",
    "install_packages",
    "prefer_for_vip",
    "ready_apiserver",
    "release_lease",
    "release_vip",
    "remove_config",
    "render_config",
    "restart_services",
    "stage_config",
    "start_command",
    "start_keepalived",
    "stop_keepalived",
    "take_lease",
    "unstage_config",
    "upgrade_packages",
    "upload_config",
    "wait_for_vip",
    "watch_vip",
]

FORMER = {
    "get_fault_story": "get_fault_timeline",
    "get_holding": "watch_vip",
    "get_stream": "start_command",
    "get_vip_arrival": "wait_for_vip",
}
"""Former names of tasks, and what they are called now."""

if not TYPE_CHECKING:  # with a module __getattr__, type checkers accept any attribute name

    def __getattr__(name: str) -> Any:  # noqa: ANN401 - a task of that name
        if name not in FORMER:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        warnings.warn(f"{name} is called {FORMER[name]} now", DeprecationWarning, stacklevel=2)
        return globals()[FORMER[name]]
