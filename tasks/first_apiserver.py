"""The time before `kubeadm init`: a host waits for the first apiserver that answers, and knows that none has yet."""

from typing import Literal

from nornir.core.task import Result, Task

from nornir_kube_ha.intent import Intent
from nornir_kube_ha.intent.names import LISTENER, SERVED_FILE, WAITS_FILE
from nornir_kube_ha.planning.lease import Lease
from nornir_kube_ha.ssh.remote import assignments, load_script, run_script
from nornir_kube_ha.tasks.lease import guard

TIMEOUT = 15  # seconds; systemd starts the process within one


def await_first_apiserver(
    task: Task,
    intent: Intent,
    why: Literal["told", "seen"],
    dry_run: bool | None = None,
    lease: Lease | None = None,
) -> Result:
    """Have a host wait for the first apiserver that answers. Until then, its checks say so and do not fail.

    Arguments:
        intent: what should be
        why: `told` by an operator, or `seen` by a first deploy
        dry_run: whether to do nothing; Nornir's own setting if not given
        lease: the run's: the host does nothing without it; None skips the check

    Returns:
        Result object with the following attributes set:
          * changed (``bool``): False: nothing of the host's configuration was touched

    Raises:
        RemoteCommandError: systemd does not start the process
    """
    if not task.is_dry_run(dry_run):
        variables = assignments(
            waits=WAITS_FILE,
            served=SERVED_FILE,
            why=why,
            haproxy_socket=intent.node(task.host.name).haproxy.socket,
            listener=LISTENER,
        )
        script = variables + load_script("first_apiserver.sh")
        run_script(task, guard(lease, task.host.name, seconds=TIMEOUT) + script, timeout=TIMEOUT)
    return Result(host=task.host, changed=False)
