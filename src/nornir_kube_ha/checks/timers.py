"""Check of settings that delay fault detection or make the VIP flap."""

from collections.abc import Iterator

from nornir_kube_ha.checks.model import ClusterView, Skipped, Verdict
from nornir_kube_ha.duration import Duration
from nornir_kube_ha.intent import HAProxy, Node
from nornir_kube_ha.intent.keepalived import PROTOCOL_MISSES, QUICK
from nornir_kube_ha.versions import features

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
SLOW = 10.0  # seconds that clients notice as an outage; kubelet renews its lease every 10 s
FEW_MISSES = 5  # measured with 30 % packet loss and adverts every 0.1 s: 3 moved the VIP 12 times in 40 s, 8 never


def fit(view: ClusterView) -> Verdict | Skipped:
    """Check that faults are noticed in time and that nothing flaps."""
    odd = list(dict.fromkeys(words for node in view.cluster.nodes for words in _odd(view, node)))
    odd += _unlike(view)
    odd += _asks_each_etcd(view)
    expected = "faults are detected before clients time out, and neither a lost packet nor a slow check moves the VIP"
    if not odd and not view.seen:
        return view.unmade(expected)
    return Verdict(
        not odd,
        expected,
        "; ".join(odd) or "no problem found",
        "remove these settings from the inventory, since the defaults are measured, or see docs/departures.md",
    )


def _odd(view: ClusterView, node: Node) -> Iterator[str]:
    check = node.keepalived.check
    misses, interval = _adverts(view, node)
    if misses < FEW_MISSES and interval < QUICK:
        yield f"{misses} lost adverts of {interval:g} s move the VIP: {_remedy(view, node)}"
    if (down := misses * interval) > SLOW:
        yield f"a lost holder is noticed after {down:g} s (advert_int, down_timer_adverts)"
    if (hang := check.interval * check.fall + check.timeout) > SLOW:
        yield f"a hung haproxy is noticed after {hang} s (keepalived.check: interval, fall, timeout)"
    if check.timeout > check.interval:
        yield f"keepalived.check: timeout {check.timeout} s is longer than interval {check.interval} s"
    if check.rise < check.fall:
        yield (
            f"keepalived.check: rise {check.rise} below fall {check.fall} lets a node whose haproxy "
            "still fails now and then take the VIP back"
        )
    if (dead := _dead(node.haproxy)) > SLOW:
        yield f"a dead apiserver gets connections for {dead:g} s (haproxy: inter, fastinter, fall, timeouts.check)"


def _asks_each_etcd(view: ClusterView) -> Iterator[str]:
    """Yield a warning if apiservers use other nodes' etcd members too: they wait for a lost node's time-out."""
    found = [
        name
        for name, facts in view.seen.items()
        if len(facts.etcd_servers) > 1 and {*facts.etcd_servers} & {*_LOOPBACK, str(view.cluster.node(name).address)}
    ]
    if found:
        yield (
            f"the kube-apiserver of {', '.join(found)} also uses other nodes' etcd. When a node is lost, "
            "reads then wait 6 to 8 s instead of 1 to 2. Set --etcd-servers to its own member only, as "
            "kubeadm does"
        )


def _unlike(view: ClusterView) -> Iterator[str]:
    """Yield a warning if nodes count lost adverts differently.

    A backup multiplies the holder's interval (from its adverts, RFC 5798, 6.1) by its own count.
    """
    counts: dict[tuple[int, float], list[str]] = {}
    for node in view.cluster.nodes:
        if node.name in view.facts:
            counts.setdefault(_adverts(view, node), []).append(node.name)
    if len(counts) > 1:
        words = "; ".join(
            f"{', '.join(names)}: {misses} of {interval:g} s" for (misses, interval), names in counts.items()
        )
        misses, interval = min(counts)
        hint = f"advert_int: {interval:g} and down_timer_adverts: {misses}, until all have keepalived 2.2.4 or later"
        yield f"nodes count lost adverts differently ({words}): set {hint}"


def _adverts(view: ClusterView, node: Node) -> tuple[int, float]:
    """Return the lost adverts until a take-over and the seconds between two adverts, as keepalived.conf has them."""
    if _counts_as_told(view, node):
        return node.keepalived.down_timer_adverts, node.keepalived.advert_int
    return PROTOCOL_MISSES, node.keepalived.lengthened_advert_int


def _remedy(view: ClusterView, node: Node) -> str:
    if _counts_as_told(view, node):
        return "use a longer advert_int or more adverts"
    return "keepalived before 2.2.4 always counts 3, and longer intervals delay the take-over"


def _counts_as_told(view: ClusterView, node: Node) -> bool:
    """Return whether the node's keepalived has `down_timer_adverts` (2.2.4 or later)."""
    facts = view.facts.get(node.name)
    package = facts.packages.get("keepalived") if facts else None
    return features((), package.upstream if package else ()).down_timer_adverts


def _dead(haproxy: HAProxy) -> float:
    """Return the seconds until haproxy takes out an apiserver that hangs.

    haproxy's intervals run from the end of one health check to the start of the next.
    """
    times = (haproxy.inter, haproxy.fastinter, haproxy.timeouts.check)
    first, further, answer = (Duration.of_haproxy(each).seconds for each in times)
    return first + further * (haproxy.fall - 1) + answer * haproxy.fall
