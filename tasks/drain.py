"""Drain an apiserver in haproxy, and make it ready again."""

from nornir.core.task import Result, Task

from nornir_kube_ha.intent import Intent
from nornir_kube_ha.intent.names import DRAINED_FOLDER, LAST_RESORT, LISTENER
from nornir_kube_ha.planning.lease import Lease
from nornir_kube_ha.ssh.change import run_change
from nornir_kube_ha.ssh.script import Script
from nornir_kube_ha.tasks.lease import guard

DRAIN = Script(("drain.sh",), "server haproxy_socket listener last_resort drained seconds_to_last")
TIMEOUT = 20  # seconds; haproxy answers within one, and systemd arms its timer within one


def drain_apiserver(
    task: Task,
    intent: Intent,
    apiserver: str,
    *,
    seconds: float,
    dry_run: bool | None = None,
    lease: Lease | None = None,
) -> Result:
    """Drain an apiserver on a node: haproxy sends it no new connections, and existing ones go on.

    A timer on the node ends the drain, even if the controller is gone. The drain survives a reload of haproxy.

    Arguments:
        intent: desired state, from the inventory
        apiserver: its name
        seconds: how long the drain lasts
        dry_run: whether to report only; None: Nornir's own setting
        lease: abort if this run no longer holds it; None skips the check

    Returns:
        Result object with the following attributes set:
          * changed (``bool``): whether it was not drained, or would be in a dry run. To extend a drain is not a change

    Raises:
        LeaseLostError: another run holds the host's lease by now
        RemoteCommandError: haproxy rejects the drain, or the node cannot note it or arm its timer
    """
    return _run(task, intent, apiserver, "drain", seconds, dry_run=dry_run, lease=lease)


def ready_apiserver(
    task: Task, intent: Intent, apiserver: str, *, dry_run: bool | None = None, lease: Lease | None = None
) -> Result:
    """End the drain of an apiserver on a node: haproxy sends it new connections again.

    Arguments:
        intent: desired state, from the inventory
        apiserver: its name
        dry_run: whether to report only; None: Nornir's own setting
        lease: abort if this run no longer holds it; None skips the check

    Returns:
        Result object with the following attributes set:
          * changed (``bool``): whether it was drained

    Raises:
        LeaseLostError: another run holds the host's lease by now
        RemoteCommandError: haproxy rejects it
    """
    return _run(task, intent, apiserver, "ready", 0, dry_run=dry_run, lease=lease)


def _run(
    task: Task,
    intent: Intent,
    apiserver: str,
    call: str,
    seconds: float,
    *,
    dry_run: bool | None,
    lease: Lease | None,
) -> Result:
    functions = DRAIN.render(
        server=apiserver,
        haproxy_socket=intent.node(task.host.name).haproxy.socket,
        listener=LISTENER,
        last_resort=LAST_RESORT,
        drained=DRAINED_FOLDER,
        seconds_to_last=f"{seconds:g}",
    )
    changed = run_change(
        task,
        functions,
        call,
        changes=f"{call}_changes",
        guard=guard(lease, task.host.name, seconds=TIMEOUT),
        dry_run=task.is_dry_run(dry_run),
        timeout=TIMEOUT,
    )
    return Result(host=task.host, changed=changed)
