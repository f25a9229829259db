"""A planned move of the VIP: the node that shall have it is put ahead of the others, and who has it lets go.

Nothing is restarted, and no time-out is waited for: the holder says goodbye, and the next one answers at once.
"""

from nornir.core.task import Result, Task

from nornir_kube_ha.config import VIP_RELEASED_FILE, VIP_WANTED_FILE
from nornir_kube_ha.errors import MoveError, RemoteCommandError
from nornir_kube_ha.intent import HINDMOST, Intent
from nornir_kube_ha.tasks.remote import assignments, load_script, run_script

TIMEOUT = 15  # seconds; the longest of these scripts waits for two


def prefer_for_vip(task: Task, intent: Intent, *, preferred: str | None, dry_run: bool | None = None) -> Result:
    """Put a node ahead of all others in the next election, behind all others, or back to its own priority.

    The lower its priority is, the longer a node waits before it takes the VIP over; who is just behind claims it too
    on a busy machine. The holder is to be left as it is, or it would lose the VIP where nodes preempt.

    Arguments:
        intent: what should be
        preferred: name of the node that shall have the VIP, the others are put behind; None: as configured
        dry_run: whether to do nothing; Nornir's own setting if not given

    Returns:
        Result object with the following attributes set:
          * changed (``bool``): True

    Raises:
        MoveError: the node is not made for planned moves
    """
    own = intent.node(task.host.name).keepalived.priority
    ahead = intent.cluster_of(task.host.name).preferred_priority
    wanted = own if preferred is None else ahead if preferred == task.host.name else HINDMOST
    return _run(task, intent, "prefer", wanted - own, dry_run=dry_run)


def release_vip(task: Task, intent: Intent, dry_run: bool | None = None) -> Result:
    """Have a node let the VIP go, if it holds it, and be ready for it again a moment later.

    Arguments:
        intent: what should be
        dry_run: whether to do nothing; Nornir's own setting if not given

    Returns:
        Result object with the following attributes set:
          * changed (``bool``): True

    Raises:
        MoveError: its keepalived does not let it go
    """
    return _run(task, intent, "release", dry_run=dry_run)


def get_vip_arrival(task: Task, intent: Intent) -> Result:
    """Wait until a node holds the VIP.

    Arguments:
        intent: what should be

    Returns:
        Result object with the following attributes set:
          * changed (``bool``): False

    Raises:
        MoveError: it does not come
    """
    _run(task, intent, "take")
    return Result(host=task.host, changed=False)


def _run(task: Task, intent: Intent, call: str, wanted: int = 0, *, dry_run: bool | None = None) -> Result:
    if task.is_dry_run(dry_run):
        return Result(host=task.host, changed=True)
    node = intent.node(task.host.name)
    variables = assignments(
        vip=str(node.vip.ip), wanted=str(wanted), wanted_file=VIP_WANTED_FILE, released_file=VIP_RELEASED_FILE
    )
    try:
        run_script(task, f"{variables}{load_script('move.sh')}{call}\n", timeout=TIMEOUT)
    except RemoteCommandError as error:
        words = f"{node.vip.ip} does not move: {error.message}; `journalctl -u keepalived` says why"
        raise MoveError(task.host.name, words) from error
    return Result(host=task.host, changed=True)
