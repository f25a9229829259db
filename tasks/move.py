"""A planned move of the VIP: the node that shall have it is put ahead of the others, and who has it lets go.

Nothing is restarted, and no time-out is waited for: the holder says goodbye, and the next one answers at once.
"""

from nornir.core.task import Result, Task

from nornir_kube_ha.config import VIP_RELEASED_FILE, VIP_WANTED_FILE
from nornir_kube_ha.errors import MoveError, RemoteCommandError
from nornir_kube_ha.intent import HINDMOST, Intent, Router
from nornir_kube_ha.lease import Lease
from nornir_kube_ha.tasks.lease import guard
from nornir_kube_ha.tasks.remote import assignments, load_script, run_script

TIMEOUT = 15  # seconds; the longest of these scripts waits for two
MOVE_SECONDS = 60  # after which a host ends its part by itself; a move takes some seconds, with every retry about 20
UNIT = "kube-ha-move"  # of the timer that does it


def prefer_for_vip(
    task: Task,
    intent: Intent,
    *,
    preferred: str | None,
    virtual_router_id: int | None = None,
    lasts: bool = False,
    dry_run: bool | None = None,
    lease: Lease | None = None,
) -> Result:
    """Put a node ahead of all others in the next election, behind all others, or back to its own priority.

    The host itself puts it back after a minute, whatever becomes of the controller.

    The lower its priority is, the longer a node waits before it takes the VIP over; who is just behind claims it too
    on a busy machine. The holder is to be left as it is, or it would lose the VIP where nodes preempt.

    Arguments:
        intent: what should be
        preferred: name of the node that shall have the VIP, the others are put behind; None: as configured
        virtual_router_id: of the virtual router whose VIP it is; the cluster's own if not given
        lasts: whether it stays until the next move, and the host does not put it back
        dry_run: whether to do nothing; Nornir's own setting if not given
        lease: the run's: the host does nothing without it; None skips the check

    Returns:
        Result object with the following attributes set:
          * changed (``bool``): True

    Raises:
        LeaseLostError: another run has the host's lease by now
        MoveError: the node is not made for planned moves
    """
    cluster, node = intent.cluster_of(task.host.name), intent.node(task.host.name)
    router = _router(task, intent, virtual_router_id)
    own = cluster.place(node, router).keepalived.priority
    wanted = own if preferred is None else cluster.preferred_priority if preferred == node.name else HINDMOST
    script = _script(router, "prefer", wanted - own, lasts=lasts)
    return _run(task, router, script, dry_run=dry_run, lease=lease)


def release_vip(
    task: Task,
    intent: Intent,
    *,
    virtual_router_id: int | None = None,
    dry_run: bool | None = None,
    lease: Lease | None = None,
) -> Result:
    """Have a node let the VIP go, if it holds it, and be ready for it again a moment later.

    Arguments:
        intent: what should be
        virtual_router_id: as for `prefer_for_vip`
        dry_run: whether to do nothing; Nornir's own setting if not given
        lease: as for `prefer_for_vip`

    Returns:
        Result object with the following attributes set:
          * changed (``bool``): True

    Raises:
        MoveError: its keepalived does not let it go
    """
    router = _router(task, intent, virtual_router_id)
    return _run(task, router, _script(router, "release"), dry_run=dry_run, lease=lease)


def get_vip_arrival(task: Task, intent: Intent, *, virtual_router_id: int | None = None) -> Result:
    """Wait until a node holds the VIP.

    Arguments:
        intent: what should be
        virtual_router_id: as for `prefer_for_vip`

    Returns:
        Result object with the following attributes set:
          * changed (``bool``): False

    Raises:
        MoveError: it does not come
    """
    router = _router(task, intent, virtual_router_id)
    _run(task, router, _script(router, "take"))
    return Result(host=task.host, changed=False)


def _router(task: Task, intent: Intent, virtual_router_id: int | None) -> Router:
    return intent.cluster_of(task.host.name).router(virtual_router_id)


def _script(router: Router, call: str, wanted: int = 0, *, lasts: bool = False) -> str:
    variables = assignments(
        vip=str(router.vip.ip),
        wanted=str(wanted),
        wanted_file=router.name(VIP_WANTED_FILE),
        released_file=router.name(VIP_RELEASED_FILE),
        unit=router.name(UNIT),
        seconds_to_last="" if lasts else str(MOVE_SECONDS),
    )
    return f"{variables}{load_script('move.sh')}{call}\n"


def _run(task: Task, router: Router, script: str, *, dry_run: bool | None = None, lease: Lease | None = None) -> Result:
    if task.is_dry_run(dry_run):
        return Result(host=task.host, changed=True)
    try:
        run_script(task, guard(lease, task.host.name, seconds=TIMEOUT) + script, timeout=TIMEOUT)
    except RemoteCommandError as error:
        words = f"{router.vip.ip} does not move: {error.message}; `journalctl -u keepalived` says why"
        raise MoveError(task.host.name, words) from error
    return Result(host=task.host, changed=True)
