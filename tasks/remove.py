"""Taking everything off a host again."""

from nornir.core.task import Result, Task

from nornir_kube_ha.config import MANAGED_PATHS
from nornir_kube_ha.generations import FOLDER
from nornir_kube_ha.lease import Lease
from nornir_kube_ha.tasks.firewall import FIREWALL, marks
from nornir_kube_ha.tasks.lease import guard
from nornir_kube_ha.tasks.remote import assignments, load_script, run_script
from nornir_kube_ha.tasks.selinux import selinux

TIMEOUT = 120  # seconds; systemd's own limit for a stop is 90
STEPS = (
    "stop keepalived and haproxy, and start neither at boot",
    *(f"remove {path}" for path in MANAGED_PATHS),
    "close in the firewall what kube-ha opened",
)
"""What is done, a few words each."""


def remove_config(task: Task, dry_run: bool | None = None, lease: Lease | None = None) -> Result:
    """Stop and disable keepalived and haproxy, and take every file and firewall rule of ours away. Packages stay.

    What stood in the place of our files before the first of them, as the packages ship it, is put back.

    Arguments:
        dry_run: whether to only say so; Nornir's own setting if not given
        lease: the run's, without which nothing is done; none not to ask

    Returns:
        Result object with the following attributes set:
          * changed (``bool``): True
          * diff (``str``): what goes

    Raises:
        RemoteCommandError: a unit does not stop, or a file does not go
    """
    if not task.is_dry_run(dry_run):
        variables = assignments(managed=" ".join(MANAGED_PATHS), kept=FOLDER, **marks(), **selinux())
        scripts = map(load_script, ("draft.sh", *FIREWALL, "selinux.sh", "remove.sh"))
        run_script(task, "".join([guard(lease, seconds=TIMEOUT), variables, *scripts]), timeout=TIMEOUT)
    lines = ["- keepalived, haproxy: stopped, and not started at boot", *(f"- {path}" for path in MANAGED_PATHS)]
    lines.append("- firewall rules that kube-ha added")
    return Result(host=task.host, changed=True, diff="\n".join(lines))
