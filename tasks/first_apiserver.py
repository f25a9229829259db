"""Before `kubeadm init`: a process on the host waits for the first apiserver that answers."""

from typing import Literal

from nornir.core.task import Result, Task

from nornir_kube_ha.intent import Intent
from nornir_kube_ha.intent.names import LISTENER, SERVED_FILE, WAITS_FILE
from nornir_kube_ha.planning.lease import Lease
from nornir_kube_ha.ssh.remote import run_script
from nornir_kube_ha.ssh.script import Script
from nornir_kube_ha.tasks.lease import guard

AWAIT = Script(("first_apiserver.sh",), "waits served why haproxy_socket listener")
TIMEOUT = 15  # seconds; systemd starts the process within one


def await_first_apiserver(
    task: Task,
    intent: Intent,
    why: Literal["told", "seen"],
    dry_run: bool | None = None,
    lease: Lease | None = None,
) -> Result:
    """Have a host wait for the first apiserver that answers. Until then, its checks say so instead of failing.

    Arguments:
        intent: desired state, from the inventory
        why: `told` if an operator said that none has answered yet, `seen` if a first deploy found so
        dry_run: whether to do nothing; None: Nornir's own setting
        lease: abort if this run no longer holds it; None skips the check

    Returns:
        Result object with the following attributes set:
          * changed (``bool``): False: the host's configuration is not touched

    Raises:
        RemoteCommandError: systemd does not start the process
    """
    if not task.is_dry_run(dry_run):
        script = AWAIT.render(
            waits=WAITS_FILE,
            served=SERVED_FILE,
            why=why,
            haproxy_socket=intent.node(task.host.name).haproxy.socket,
            listener=LISTENER,
        )
        run_script(task, guard(lease, task.host.name, seconds=TIMEOUT) + script, timeout=TIMEOUT)
    return Result(host=task.host, changed=False)
