"""Move a VIP as planned: to a node that is fit for it, with the priorities put back if it does not arrive."""

import re
from contextlib import suppress
from typing import Any

from nornir_kube_ha.addresses import IPAddress
from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.engine.unseen import because_unseen
from nornir_kube_ha.errors import HostError, MoveError
from nornir_kube_ha.intent import Cluster, Router
from nornir_kube_ha.report import HostReport
from nornir_kube_ha.tasks import forward_connections, prefer_for_vip, release_vip, wait_for_vip
from nornir_kube_ha.tasks.move import DRAIN

ATTEMPTS = 3  # elections take milliseconds: on a busy machine a third node may claim the VIP first
# Checks that a node must pass before the VIP is sent to it.
HEALTH = ("haproxy.", "keepalived.", "host.interface", "host.sources")
RELATIVE = frozenset(
    {
        "haproxy.apiservers_up",
        "haproxy.config_accepted",
        "haproxy.enabled",
        "haproxy.stats",
        "haproxy.stats_password",
        "haproxy.up_to_date",
        "keepalived.config_accepted",
        "keepalived.enabled",
        "keepalived.up_to_date",
    }
)
"""Those of them that may fail on the target if they fail on the holder too: the move makes nothing worse."""


def move_vip(run: Run, cluster: Cluster, to: str, router: Router | None = None, *, drain: float = DRAIN) -> str:
    """Move a cluster's VIP to one of its nodes.

    Arguments:
        run: has just looked at the cluster
        cluster: whose VIP it is
        to: name of the target
        router: the virtual router to move; None: the cluster's own. Others stay where they are
        drain: seconds for which connections go on before they are reset, so that requests may end

    Returns:
        Name of the holder before the move

    Raises:
        MoveError: the target cannot take the VIP, or another node of the cluster has taken it
        HostError: a node does not answer
    """
    router = router or cluster.router()
    holder = _holder(run, cluster, router, to)
    if holder == to:
        _prefer(run, router, _cut_off(run, cluster, router, to), None)
        for name in _draining(run, cluster, router):
            _forward(run, router, name)
        return holder
    _refuse_unfit(run, router, to, holder)
    _refuse_stuck(run, router, holder, to)
    names = [node.name for node in cluster.nodes if node.name in run.facts]
    asked = [to, *(name for name in names if name not in (to, holder))]
    try:
        _prefer(run, router, asked, to)
        _hand_over(run, cluster, router, holder, to, drain)
    except BaseException:  # on an interruption, too
        for name in asked:
            with suppress(HostError):  # a node that no longer answers: put back the others, raise the first error
                _prefer(run, router, [name], None)
        raise
    # Where nodes preempt, the preference has to last, or the master would take the VIP back.
    settled = not cluster.node(to).keepalived.preempt or to == router.master
    if not settled:
        _prefer(run, router, [to], to, lasts=True)
    _prefer(run, router, [name for name in names if name != to or settled], None)
    return holder


def move_vips_away(run: Run, cluster: Cluster, name: str, to: str) -> None:
    """Move each VIP that a node holds to another node of its cluster.

    Arguments:
        run: has just looked at the cluster
        cluster: the node's
        name: name of the node
        to: name of the other node

    Raises:
        MoveError, HostError: as `move_vip` does
    """
    for router in cluster.routers:
        if run.facts[name].holds_any(router.vips):
            move_vip(run, cluster, to, router)


def _cut_off(run: Run, cluster: Cluster, router: Router, holder: str) -> list[str]:
    """Return the nodes whose priority an earlier, interrupted move has left changed."""
    lasting = {holder} if cluster.node(holder).keepalived.preempt else set()
    seen = {node.name: run.facts[node.name] for node in cluster.nodes if node.name in run.facts}
    return [name for name, facts in seen.items() if name not in lasting and facts.moves.wanted(router)]


def _prefer(run: Run, router: Router, names: list[str], preferred: str | None, *, lasts: bool = False) -> None:
    for name in names:
        run.one(
            prefer_for_vip,
            name,
            intent=run.intent,
            preferred=preferred,
            lasts=lasts,
            virtual_router_id=router.virtual_router_id,
            lease=run.lease,
        )


def _draining(run: Run, cluster: Cluster, router: Router) -> list[str]:
    """Return the nodes that still keep or forward connections after a move."""
    return [node.name for node in cluster.nodes if node.name in run.facts and run.facts[node.name].moves.drains(router)]


def _forward(run: Run, router: Router, name: str, holder: str = "", drain: float = 0.0) -> None:
    """Have a node forward packets of the holder's connections, or undo what it has set for that."""
    vrid = router.virtual_router_id
    options: dict[str, Any] = {"virtual_router_id": vrid, "drain": drain, "lease": run.lease}
    if holder:
        link = run.facts[holder].links.get(run.intent.node(holder).interface)
        is_ethernet = link and re.fullmatch("([0-9a-f]{2}:){5}[0-9a-f]{2}", link.mac)
        options |= {"holder": _addresses(run, holder), "mac": link.mac if link and is_ethernet else ""}
    run.one(forward_connections, name, intent=run.intent, **options)


def _addresses(run: Run, name: str) -> tuple[IPAddress, ...]:
    """Return the addresses by which others on a node's network reach it, one of each family."""
    node = run.intent.node(name)
    vips = {vip.ip for vip in node.vips}
    found = {
        each.version: each.ip
        for interface, each in run.facts[name].addresses
        if interface == node.interface and not each.is_link_local and each.ip not in vips
    }
    return tuple({**found, node.address.version: node.address}.values())


def _hand_over(  # noqa: PLR0917 - who and where
    run: Run, cluster: Cluster, router: Router, holder: str, to: str, drain: float
) -> None:
    vrid = router.virtual_router_id
    drain = drain if run.intent.node(to).keepalived.tickle else 0.0
    for left in reversed(range(ATTEMPTS)):
        try:
            if drain:
                _forward(run, router, to, holder, drain)
            run.one(release_vip, holder, intent=run.intent, virtual_router_id=vrid, drain=drain, lease=run.lease)
            arrived = _arrives(run, router, to, is_last=not left)
        finally:
            if drain:
                with suppress(HostError):  # a timer on the host ends it
                    _forward(run, router, to)
            drain = 0.0  # if another node took the VIP first, it has hardly any connections
        if arrived:
            return
        run.look()
        holder = _holder(run, cluster, router, to)
        if holder == to:  # the VIP was only late
            return


def _arrives(run: Run, router: Router, to: str, *, is_last: bool) -> bool:
    try:
        run.one(wait_for_vip, to, intent=run.intent, virtual_router_id=router.virtual_router_id)
    except MoveError:
        if is_last:
            raise
        return False
    return True


def _holder(run: Run, cluster: Cluster, router: Router, to: str) -> str:
    if not cluster.nodes[0].keepalived.events:
        raise MoveError(to, "planned moves need keepalived.events, which is false for this cluster")
    holders = [name for name, facts in run.facts.items() if facts.holds(router.vip)]
    if len(holders) != 1:
        unseen = [node.name for node in cluster.nodes if node.name not in run.facts]
        missing = f"; no answer from {', '.join(unseen)}" if unseen else ""
        seen = f"expected one holder, got {' and '.join(holders) or 'none'}"
        raise MoveError(to, f"{router.vip.ip}: {seen}{missing}; see `verify`")
    return holders[0]


def _refuse_unfit(run: Run, router: Router, to: str, holder: str) -> None:
    """Refuse a target that fails more checks than the holder, or that cannot take the VIP at all."""
    if failure := run.ledger.failure_of(to):
        raise because_unseen(run, MoveError(to, f"cannot gather facts: {failure.message}"))
    hosts = run.report().hosts
    failed, suffered = _failed(hosts[to]), _failed(hosts[holder])
    worse = [each for each in failed if each not in RELATIVE or each not in suffered]
    if "haproxy.apiservers_up" in failed and "haproxy.apiservers_up" not in worse:
        there, here = _apiservers_up(run, to), _apiservers_up(run, holder)
        if there < here:
            words = f"it sees {there} apiservers up, while the holder {holder} sees {here}"
            raise MoveError(to, f"cannot take {router.vip.ip}: {words}; see `verify`. The VIP was not moved")
    if worse:
        raise MoveError(to, f"cannot take {router.vip.ip}: {', '.join(worse)}; see `verify`. The VIP was not moved")


def _failed(host: HostReport) -> list[str]:
    return [each.id for each in host.findings if each.status in {"fail", "unknown"} and each.id.startswith(HEALTH)]


def _apiservers_up(run: Run, name: str) -> int:
    return sum(server.is_up for server in run.facts[name].servers or ())


def _refuse_stuck(run: Run, router: Router, holder: str, to: str) -> None:
    """Refuse a move from a holder that cannot release the VIP."""
    for finding in run.report().hosts[holder].findings:
        if finding.id == "keepalived.able" and finding.status in {"fail", "unknown"}:
            words = f"{holder} cannot release {router.vip.ip}: {finding.seen}; {finding.next}"
            raise MoveError(to, f"{words}. The VIP was not moved")
