"""Check for planned moves that are in progress or were interrupted."""

from collections.abc import Iterator

from nornir_kube_ha.checks.model import HostView, Severity, Verdict
from nornir_kube_ha.intent import Router
from nornir_kube_ha.intent.names import KEEPALIVED_CONF, VIP_RELEASED_FILE, VIP_WANTED_FILE


def over(view: HostView) -> Verdict:
    """Check that no planned move is in progress or was interrupted on the host."""
    found = [words for router in view.routers for words in _left(view, router)]
    return Verdict(
        not found if KEEPALIVED_CONF in view.facts.files else None,
        f"{view.node.name} has its own priority, and may have the VIP",
        "; ".join(found) or "no move has left anything behind",
        "a move of the VIP is under way, or was cut off: the host itself puts this back within a minute. If it stays, "
        "move the VIP to the node that has it: `kube-ha vip move --to HOLDER` puts all nodes back",
        Severity.WARNING,
    )


def _left(view: HostView, router: Router) -> Iterator[str]:
    wanted, released = view.facts.moves.wanted(router), view.facts.moves.released(router)
    # With preempt, the new holder keeps its raised priority after a move; otherwise the master would take the VIP back.
    if wanted and not (view.node.keepalived.preempt and wanted.isdigit()):
        yield f"{router.name(VIP_WANTED_FILE)} adds {wanted} to its priority"
    if view.facts.moves.drains(router):
        yield f"connections of before a move of {router.vip.ip} are not left to themselves yet"
    if released:
        yield f"{router.name(VIP_RELEASED_FILE)} says {released}: it gives the VIP away"
