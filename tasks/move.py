"""A planned move of the VIP: raise the priority of the next holder, then have the present holder release the VIP.

No daemon restarts, and no time-out passes: the holder sends an advert of priority 0, and the next one takes over at
once.
"""

from collections.abc import Sequence

from nornir.core.task import Result, Task

from nornir_kube_ha.addresses import IPAddress
from nornir_kube_ha.errors import MoveError, RemoteCommandError
from nornir_kube_ha.intent import HINDMOST, Intent, Node, Router
from nornir_kube_ha.intent.names import CLIENTS, FORWARDS_FILE, KEEPS_FILE, VIP_RELEASED_FILE, VIP_WANTED_FILE
from nornir_kube_ha.planning.lease import Lease
from nornir_kube_ha.ssh.change import run_change
from nornir_kube_ha.ssh.script import Script
from nornir_kube_ha.tasks.lease import guard

MOVE = Script(
    ("connections.sh", "move.sh"),
    "vip vips port drain rest holder holder_mac tell unit table forwards keeps wanted wanted_file released_file "
    "seconds_to_last",
)
TIMEOUT = 15  # seconds; the longest of these scripts waits for two, besides its drain
DRAIN = 0.5  # seconds in which requests in flight may end
SETTLED = 0.5  # seconds until the other nodes have elected the holder
MOVE_SECONDS = 60  # until a host undoes its part by itself; a move takes some seconds, with every retry about 20
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
    """Put a node first or last in the next election, or back to its own priority.

    A timer on the host puts it back after a minute, even if the controller is gone.

    The lower a node's priority, the longer it waits before a take-over. On a busy machine, a node just below the first
    may claim the VIP too. Do not run this on the holder: where nodes preempt, it would lose the VIP.

    Arguments:
        intent: desired state, from the inventory
        preferred: name of the node to put first, while all others go last; None: the configured priority
        virtual_router_id: of the virtual router that moves; None: the cluster's own
        lasts: whether the preference stays until the next move, without a timer
        dry_run: whether to report only; None: Nornir's own setting
        lease: abort if this run no longer holds it; None skips the check

    Returns:
        Result object with the following attributes set:
          * changed (``bool``): whether it had another priority

    Raises:
        LeaseLostError: another run holds the host's lease by now
        MoveError: the node cannot do it, for example because it is not set up for planned moves
    """
    cluster, node = intent.cluster_of(task.host.name), intent.node(task.host.name)
    router = _router(task, intent, virtual_router_id)
    own = cluster.place(node, router).keepalived.priority
    wanted = own if preferred is None else cluster.preferred_priority if preferred == node.name else HINDMOST
    functions = _functions(router, node, wanted=wanted - own, lasts=lasts)
    return _run(task, router, functions, "prefer", dry_run=dry_run, lease=lease)


def forward_connections(
    task: Task,
    intent: Intent,
    *,
    holder: Sequence[IPAddress] = (),
    mac: str = "",
    virtual_router_id: int | None = None,
    drain: float = DRAIN,
    dry_run: bool | None = None,
    lease: Lease | None = None,
) -> Result:
    """Have the next holder forward packets of connections that stay with the present holder.

    A timer on the host ends that, even if the controller is gone. Without `keepalived.tickle` nothing is forwarded.

    Arguments:
        intent: desired state, from the inventory
        holder: addresses of the VIP holder, at most one of each family
        mac: the holder's hardware address
        virtual_router_id: as for `prefer_for_vip`
        drain: seconds for which connections stay there; 0 ends the forwarding, undoes what any move left, and notifies
            clients
        dry_run: whether to report only; None: Nornir's own setting
        lease: as for `prefer_for_vip`

    Returns:
        Result object with the following attributes set:
          * changed (``bool``): whether it begins or ends to forward
    """
    router, node = _router(task, intent, virtual_router_id), intent.node(task.host.name)
    call = "forward" if drain else "stop_forwarding"
    functions = _functions(router, node, drain=drain or DRAIN, holder=holder, mac=mac)
    return _run(task, router, functions, call, dry_run=dry_run, lease=lease)


def release_vip(
    task: Task,
    intent: Intent,
    *,
    virtual_router_id: int | None = None,
    drain: float = 0.0,
    dry_run: bool | None = None,
    lease: Lease | None = None,
) -> Result:
    """Have a node release the VIP, if it holds it. A moment later the node can take it again.

    Arguments:
        intent: desired state, from the inventory
        virtual_router_id: as for `prefer_for_vip`
        drain: seconds for which its connections go on before they are reset; needs `forward_connections` on the next
            holder
        dry_run: whether to report only; None: Nornir's own setting
        lease: as for `prefer_for_vip`

    Returns:
        Result object with the following attributes set:
          * changed (``bool``): whether it held the VIP

    Raises:
        MoveError: its keepalived does not release the VIP
    """
    router, node = _router(task, intent, virtual_router_id), intent.node(task.host.name)
    functions = _functions(router, node, drain=drain)
    return _run(task, router, functions, "release", seconds=TIMEOUT + drain, dry_run=dry_run, lease=lease)


def wait_for_vip(task: Task, intent: Intent, *, virtual_router_id: int | None = None) -> Result:
    """Wait until a node holds the VIP.

    Arguments:
        intent: desired state, from the inventory
        virtual_router_id: as for `prefer_for_vip`

    Returns:
        Result object with the following attributes set:
          * changed (``bool``): False

    Raises:
        MoveError: the VIP does not arrive within two seconds
    """
    router = _router(task, intent, virtual_router_id)
    return _run(task, router, _functions(router, intent.node(task.host.name)), "take", changes="false", dry_run=False)


def _router(task: Task, intent: Intent, virtual_router_id: int | None) -> Router:
    return intent.cluster_of(task.host.name).router(virtual_router_id)


def _functions(
    router: Router,
    node: Node,
    *,
    wanted: int = 0,
    lasts: bool = False,
    drain: float = 0.0,
    holder: Sequence[IPAddress] = (),
    mac: str = "",
) -> str:
    drain = drain if node.keepalived.tickle else 0.0
    vips = " ".join(str(vip.ip) for vip in router.vips)
    return MOVE.render(
        vip=str(router.vip.ip),
        wanted=str(wanted),
        wanted_file=router.name(VIP_WANTED_FILE),
        released_file=router.name(VIP_RELEASED_FILE),
        unit=router.name(UNIT),
        seconds_to_last="" if lasts else str(MOVE_SECONDS),
        vips=vips,
        port=str(node.haproxy.port),
        drain=f"{drain:.3f}" if drain else "",
        rest=f"{max(0.0, SETTLED - drain):.3f}",
        holder=" ".join(map(str, holder)),
        holder_mac=mac,
        table=f"kube_ha_move_{router.virtual_router_id}",
        forwards=f"{FORWARDS_FILE}{router.vip.ip}",
        keeps=f"{KEEPS_FILE}{router.vip.ip}",
        tell=f"{CLIENTS} notify {node.haproxy.socket} {node.haproxy.port} {vips} INSTANCE move MASTER 0",
    )


def _run(
    task: Task,
    router: Router,
    functions: str,
    call: str,
    *,
    changes: str = "",
    seconds: float = TIMEOUT,
    dry_run: bool | None = None,
    lease: Lease | None = None,
) -> Result:
    try:
        changed = run_change(
            task,
            functions,
            call,
            changes=changes or f"{call}_changes",
            guard=guard(lease, task.host.name, seconds=seconds),
            dry_run=task.is_dry_run(dry_run),
            timeout=seconds,
        )
    except RemoteCommandError as error:
        words = f"{router.vip.ip} did not move: {error.message}; `journalctl -u keepalived` says why"
        raise MoveError(task.host.name, words) from error
    return Result(host=task.host, changed=changed)
