"""Nornir tasks that read or change a host. `get_*` and `render_config` only read; the others report what they changed.

Run them like any other task: `nr.run(task=get_facts, intent=load_intent(nr))`. A task takes the results of an earlier
one as a mapping by host name; without `facts`, it gathers them itself. Only `get_endpoint` is a plain function: it logs
in to no host.
"""

from nornir_kube_ha.tasks.apply import apply_config
from nornir_kube_ha.tasks.config import (
    commit_config,
    get_plan,
    render_config,
    stage_config,
    unstage_config,
    upload_config,
)
from nornir_kube_ha.tasks.drain import drain_apiserver, ready_apiserver
from nornir_kube_ha.tasks.facts import get_facts
from nornir_kube_ha.tasks.faults import get_fault_story, heal_fault, inject_fault
from nornir_kube_ha.tasks.firewall import change_firewall
from nornir_kube_ha.tasks.first_apiserver import await_first_apiserver
from nornir_kube_ha.tasks.former import get_former_peers
from nornir_kube_ha.tasks.generations import get_generation_files, get_generations
from nornir_kube_ha.tasks.holding import get_holding
from nornir_kube_ha.tasks.hostkeys import get_host_key
from nornir_kube_ha.tasks.lease import release_lease, take_lease
from nornir_kube_ha.tasks.move import forward_connections, get_vip_arrival, prefer_for_vip, release_vip
from nornir_kube_ha.tasks.packages import install_packages
from nornir_kube_ha.tasks.remove import remove_config, start_keepalived
from nornir_kube_ha.tasks.services import change_services, restart_services, stop_keepalived
from nornir_kube_ha.tasks.stream import get_spare_session, get_stream
from nornir_kube_ha.tasks.upgrade import get_upgrades, upgrade_packages
from nornir_kube_ha.tasks.vip import get_endpoint

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
    "get_fault_story",
    "get_former_peers",
    "get_generation_files",
    "get_generations",
    "get_holding",
    "get_host_key",
    "get_plan",
    "get_spare_session",
    "get_stream",
    "get_upgrades",
    "get_vip_arrival",
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
    "start_keepalived",
    "stop_keepalived",
    "take_lease",
    "unstage_config",
    "upgrade_packages",
    "upload_config",
]
