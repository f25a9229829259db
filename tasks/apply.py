"""Put a host's staged files live and have the daemons read them, in one script.

The script has arrived as a whole before it starts. If the controller or the connection is lost, no host is left with
new files that its daemons have not read.
"""

from collections.abc import Mapping

from nornir.core.task import Result, Task

from nornir_kube_ha.errors import RemoteCommandError
from nornir_kube_ha.intent import Intent
from nornir_kube_ha.planning.lease import Lease
from nornir_kube_ha.planning.plan import HostPlan
from nornir_kube_ha.ssh.remote import run_script
from nornir_kube_ha.tasks import config, services
from nornir_kube_ha.tasks.lease import guard

TIMEOUT = config.TIMEOUT + services.TIMEOUT  # seconds
NOT_TOLD = 77  # exit status: the files are live, but a unit failed


def apply_config(
    task: Task,
    intent: Intent,
    plans: Mapping[str, HostPlan],
    dry_run: bool | None = None,
    lease: Lease | None = None,
) -> Result:
    """Put staged files live, and have the daemons read them: `commit_config` and `change_services` in one script.

    Arguments:
        intent: desired state, from the inventory
        plans: by host name, what was staged
        dry_run: whether to report only; None: Nornir's own setting
        lease: abort if this run no longer holds it; None skips the check

    Returns:
        Result object with the following attributes set:
          * changed (``bool``): whether anything changed, or would change in a dry run
          * diff (``str``): file changes without secrets, and what systemd was asked for
          * exception: a RemoteCommandError that ends with the unit's journal, if the files are live and a unit failed;
            `diff` then shows the files only

    Raises:
        RemoteCommandError: a staged file is missing, or the host could not put it live
    """
    change = plans[task.host.name]
    if change.touches_live and not task.is_dry_run(dry_run):
        script = guard(lease, task.host.name, seconds=TIMEOUT)
        if change.touches_files:  # not on the left of `||`, where POSIX sh ignores `set -e`
            commit = config.commit_script(change, lease, intent.cluster_of(task.host.name).name)
            script += f"(\n{commit})\ncommitted=$?\n[ $committed = 0 ] || exit $committed\n"
        if change.units:
            script += f"(\n{services.services_script(change, intent.node(task.host.name))}) || exit {NOT_TOLD}\n"
        try:
            run_script(task, script, timeout=TIMEOUT)
        except RemoteCommandError as error:
            if error.status != NOT_TOLD:
                raise
            half = Result(host=task.host, changed=True, diff=change.files_diff, result=str(error))
            half.failed, half.exception = True, error
            return half
    return Result(host=task.host, changed=change.touches_live, diff=change.live_diff)
