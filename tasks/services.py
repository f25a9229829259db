"""Services: enable, start and reload haproxy and keepalived where the plan says so."""

from collections.abc import Mapping

from nornir.core.task import Result, Task

from nornir_kube_ha.intent import Intent, Node
from nornir_kube_ha.intent.names import (
    DRAINED_FOLDER,
    KEEPALIVED_CONF,
    LAST_RESORT,
    LISTENER,
    TMPFILES,
    VRRP_MAC,
    WATCH,
)
from nornir_kube_ha.planning.lease import Lease
from nornir_kube_ha.planning.plan import HostPlan
from nornir_kube_ha.ssh.change import run_change
from nornir_kube_ha.ssh.remote import run_script
from nornir_kube_ha.ssh.script import Script
from nornir_kube_ha.tasks.lease import guard
from nornir_kube_ha.tasks.selinux import selinux

CHANGE = Script(
    ("interface.sh", "draft.sh", "selinux.sh", "watch.sh", "services.sh"),
    "changes keepalived_conf watch vrrp_mac interface address haproxy_socket run_folder listener last_resort drained "
    "scripts set_here",
)
TIMEOUT = 180  # seconds; systemd's default limit for a start is 90


def change_services(
    task: Task,
    intent: Intent,
    plans: Mapping[str, HostPlan],
    dry_run: bool | None = None,
    lease: Lease | None = None,
) -> Result:
    """Enable, start and reload units as the plan says. A running daemon is reloaded, never restarted.

    A reload of haproxy has succeeded when its new worker answers: systemd only passes the request on.

    Arguments:
        intent: desired state, from the inventory: it says where haproxy answers
        plans: by host name, from `get_plan` or `upload_config`
        dry_run: whether to report only; None: Nornir's own setting
        lease: abort if this run no longer holds it; None skips the check

    Returns:
        Result object with the following attributes set:
          * changed (``bool``): whether any unit was changed, or would be in a dry run
          * diff (``str``): what systemd was asked for

    Raises:
        RemoteCommandError: a unit failed; the message ends with its journal
    """
    change = plans[task.host.name]
    if change.units and not task.is_dry_run(dry_run):
        script = services_script(change, intent.node(task.host.name))
        run_script(task, guard(lease, task.host.name, seconds=TIMEOUT) + script, timeout=TIMEOUT)
    return Result(host=task.host, changed=bool(change.units), diff=change.units_diff)


def services_script(change: HostPlan, node: Node) -> str:
    """Return the script that changes a host's units as its plan says.

    Arguments:
        change: the host's plan
        node: desired state of the host
    """
    return CHANGE.render(
        changes="\n".join(map(str, change.units)),
        keepalived_conf=KEEPALIVED_CONF,
        watch=WATCH,
        vrrp_mac=VRRP_MAC,
        interface=node.interface,
        address=str(node.address),
        haproxy_socket=node.haproxy.socket,
        run_folder=TMPFILES,
        listener=LISTENER,
        last_resort=LAST_RESORT,
        drained=DRAINED_FOLDER,
        **selinux(),
    )


def restart_services(task: Task, dry_run: bool | None = None, lease: Lease | None = None) -> Result:
    """Restart haproxy, then keepalived, as an upgrade of their packages does.

    Arguments:
        dry_run: whether to do nothing; None: Nornir's own setting
        lease: abort if this run no longer holds it; None skips the check

    Returns:
        Result object with the following attributes set:
          * changed (``bool``): True: a restart is a change

    Raises:
        RemoteCommandError: a unit does not start
    """
    if not task.is_dry_run(dry_run):
        script = "systemctl restart haproxy && systemctl restart keepalived\n"
        run_script(task, guard(lease, task.host.name, seconds=TIMEOUT) + script, timeout=TIMEOUT)
    return Result(host=task.host, changed=True)


def stop_keepalived(task: Task, *, disable: bool, dry_run: bool | None = None, lease: Lease | None = None) -> Result:
    """Stop keepalived, so that the host releases the VIP.

    Arguments:
        disable: whether to disable its start at boot as well
        dry_run: whether to report only; None: Nornir's own setting
        lease: abort if this run no longer holds it; None skips the check

    Returns:
        Result object with the following attributes set:
          * changed (``bool``): whether it ran, or with `disable` started at boot

    Raises:
        RemoteCommandError: it does not stop
    """
    enabled = " || systemctl --quiet is-enabled keepalived" if disable else ""
    changed = run_change(
        task,
        "",
        f"systemctl {'disable --now' if disable else 'stop'} keepalived >&2",
        changes=f"systemctl --quiet is-active keepalived{enabled}",
        guard=guard(lease, task.host.name, seconds=TIMEOUT),
        dry_run=task.is_dry_run(dry_run),
        timeout=TIMEOUT,
    )
    return Result(host=task.host, changed=changed)
