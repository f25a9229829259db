"""Checks that clients of a lost VIP holder would be notified of the take-over."""

from collections.abc import Iterator

from nornir_kube_ha.checks.model import ClusterView, HostView, Skipped, Verdict
from nornir_kube_ha.facts import CONNECTED, Facts
from nornir_kube_ha.intent.names import CLIENTS

NEW = 15  # seconds that a new haproxy needs to connect to its peers and fetch the table of clients
FEW = 20  # connections that may have opened or closed since the table was written
LEFT_OUT = "keepalived.tickle is false"
EARLY = f"fewer than two haproxies have run for {NEW} s"


def able(view: HostView) -> Verdict | Skipped:
    """Check that the node could notify clients of a move of the VIP."""
    expected = f"{CLIENTS} can read haproxy's table, list connections and send from a VIP"
    if not view.node.keepalived.tickle:
        return Skipped(expected, LEFT_OUT)
    cause = "files.intended" if CLIENTS not in view.facts.files else ""
    if view.facts.servers is None:  # a haproxy that does not answer has its own check
        cause = "haproxy.apiservers_up"
    found = view.facts.clients
    if found is None or cause:
        return Verdict(None, expected, "not checked: kube-ha-clients is missing or did not run", "", because=cause)
    return Verdict(
        not found.problems,
        expected,
        "; ".join(found.problems) or "it can",
        "until this is fixed, clients that only listen wait up to 45 s after the VIP has moved. Run "
        "deploy, which writes the file and installs python3. If it persists, read `journalctl -t "
        "kube-ha-clients -u keepalived`",
    )


def peers(view: ClusterView) -> Verdict | Skipped:
    """Check that each node's haproxy is connected to each other node's haproxy."""
    expected = f"haproxies that have run for {NEW} s are connected to each other and share the table of clients"
    if not view.cluster.nodes[0].keepalived.tickle:
        return Skipped(expected, LEFT_OUT)
    ways = [
        (f"{name} -> {peer.name}", facts.clients.peers.get(peer.name, "unknown"))
        for name, facts in view.seen.items()
        for peer in view.cluster.peers(view.cluster.node(name))
        if _tells(facts) and (peer.name not in view.seen or _tells(view.seen[peer.name]))
        if facts.clients and not facts.clients.problems  # keepalived.tickle reports nodes with problems
    ]
    wrong = [f"{way}: {word}" for way, word in ways if word != CONNECTED]
    verdict = Verdict(
        not wrong,
        expected,
        "; ".join(wrong) or (f"{len(ways)} connections" if ways else EARLY),
        f"open port {view.cluster.nodes[0].haproxy.peers_port} between the nodes (`firewall: open` lets deploy do it), "
        "and run deploy on nodes of an earlier release",
    )
    return view.unmade(expected) if verdict.ok and view.unseen else verdict


def known(view: ClusterView) -> Verdict | Skipped:
    """Check that the other nodes know the clients of each VIP holder."""
    expected = f"the tables of haproxies that have run for {NEW} s list the clients connected to the VIP holder"
    if not view.cluster.nodes[0].keepalived.tickle:
        return Skipped(expected, LEFT_OUT)
    counts = [*_counts(view)]
    unknown = [
        f"{holder} or {other} does not report its number of clients"
        for holder, other, *numbers in counts
        if None in numbers
    ]
    told = [view.seen[name] for holder, other, *_ in counts for name in (holder, other)]
    wrong = [
        f"{holder} has {connected} connections, {other} knows {known}"
        for holder, other, connected, known in counts
        if connected is not None and known is not None and known < connected - max(FEW, connected // 10)
    ]
    verdict = Verdict(
        False if wrong else None if unknown else True,
        expected,
        "; ".join(wrong or unknown)
        or ", ".join(f"{holder} has {connected}" for holder, _, connected, _ in counts[:1])
        or EARLY,
        "after a take-over, a node notifies only the clients that it knows: see haproxy.peers and the "
        "holder's keepalived.tickle, which writes the table every 20 s",
        because="keepalived.tickle" if any(not facts.clients or facts.clients.problems for facts in told) else "",
    )
    return view.unmade(expected) if verdict.ok and view.unseen else verdict


def _counts(view: ClusterView) -> Iterator[tuple[str, str, int | None, int | None]]:
    """Yield holder, other node, the holder's connections, and the number of clients that the other node knows."""
    for holder, facts in view.seen.items():
        if facts.holds_any(view.cluster.node(holder).vips) and _tells(facts):
            connected = facts.clients.connected if facts.clients else None
            for other, its in view.seen.items():
                if other != holder and _tells(its):
                    yield holder, other, connected, its.clients.known if its.clients else None


def _tells(facts: Facts) -> bool:
    """Return whether haproxy answers and has run long enough; other checks report a haproxy that does not answer."""
    is_new = facts.worker_started is not None and facts.clock.now - facts.worker_started < NEW
    return facts.servers is not None and not is_new
