"""A host's change, live: its files, and the daemons that read them, at once.

One script does both. It has arrived as a whole before it begins, so that no controller that dies, and no connection
that is lost, leaves a host with new files and daemons that were never told.
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
NOT_TOLD = 77  # exit status where files are live, and a unit failed


def apply_config(
    task: Task,
    intent: Intent,
    plans: Mapping[str, HostPlan],
    dry_run: bool | None = None,
    lease: Lease | None = None,
) -> Result:
    """Put staged files in the place of the live ones, and have the daemons read them.

    `commit_config` and `change_services` in one: what they say holds here.

    Arguments:
        intent: what should be
        plans: by host name, what was staged
        dry_run: whether to only say what would change; Nornir's own setting if not given
        lease: the run's, without which nothing is done; none not to ask

    Returns:
        Result object with the following attributes set:
          * changed (``bool``): whether anything was, or in a dry run would be, changed
          * diff (``str``): from the old files to the new ones, without secrets, and what systemd was asked for
          * exception: a RemoteCommandError whose message ends with the unit's journal, where files are live and a unit
            failed; `diff` is of the files then

    Raises:
        RemoteCommandError: a staged file is gone, or the host could not put it in place
    """
    change = plans[task.host.name]
    if change.touches_live and not task.is_dry_run(dry_run):
        script = guard(lease, task.host.name, seconds=TIMEOUT)
        if change.touches_files:  # not behind `||`, which would make its `set -e` mean nothing
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
