"""An apiserver's part in haproxy: taken out for a while, and put back."""

from nornir.core.task import Result, Task

from nornir_kube_ha.intent import Intent
from nornir_kube_ha.intent.names import DRAINED_FOLDER, LAST_RESORT, LISTENER
from nornir_kube_ha.planning.lease import Lease
from nornir_kube_ha.ssh.remote import assignments, load_script, run_script
from nornir_kube_ha.tasks.lease import guard

TIMEOUT = 20  # seconds; haproxy answers within one, systemd's timer is armed within one


def drain_apiserver(
    task: Task,
    intent: Intent,
    apiserver: str,
    *,
    seconds: float,
    dry_run: bool | None = None,
    lease: Lease | None = None,
) -> Result:
    """Have a node's haproxy send no new connection to an apiserver; those that are there go on.

    The node itself ends it in time, whatever becomes of the controller, and keeps to it when haproxy is reloaded.

    Arguments:
        intent: what should be
        apiserver: its name
        seconds: for how long
        dry_run: whether to do nothing; Nornir's own setting if not given
        lease: the run's: the host does nothing without it; None skips the check

    Returns:
        Result object with the following attributes set:
          * changed (``bool``): True

    Raises:
        LeaseLostError: another run has the host's lease by now
        RemoteCommandError: haproxy does not do it
    """
    return _run(task, intent, apiserver, "drain", seconds, dry_run=dry_run, lease=lease)


def ready_apiserver(
    task: Task, intent: Intent, apiserver: str, *, dry_run: bool | None = None, lease: Lease | None = None
) -> Result:
    """Have a node's haproxy send new connections to an apiserver again.

    Arguments:
        intent: what should be
        apiserver: its name
        dry_run: whether to do nothing; Nornir's own setting if not given
        lease: the run's: the host does nothing without it; None skips the check

    Returns:
        Result object with the following attributes set:
          * changed (``bool``): True

    Raises:
        LeaseLostError: another run has the host's lease by now
        RemoteCommandError: haproxy does not do it
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
    if not task.is_dry_run(dry_run):
        variables = assignments(
            server=apiserver,
            haproxy_socket=intent.node(task.host.name).haproxy.socket,
            listener=LISTENER,
            last_resort=LAST_RESORT,
            drained=DRAINED_FOLDER,
            seconds_to_last=f"{seconds:g}",
        )
        script = f"{variables}{load_script('drain.sh')}{call}\n"
        run_script(task, guard(lease, task.host.name, seconds=TIMEOUT) + script, timeout=TIMEOUT)
    return Result(host=task.host, changed=True)
