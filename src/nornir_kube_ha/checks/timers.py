"""Whether settings fit each other: what is noticed late, what waits long, and what flaps."""

import re
from collections.abc import Iterator

from nornir_kube_ha.checks.model import ClusterView, Skipped, Verdict
from nornir_kube_ha.intent import HAProxy, Node
from nornir_kube_ha.intent.keepalived import PROTOCOL_MISSES, QUICK
from nornir_kube_ha.versions import features

SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
SLOW = 10.0  # seconds: what clients take for an outage; kubelet renews its lease every 10
FEW_MISSES = 5  # with 3 of them at 0.1 s, 30 % loss moved the VIP 12 times in 40 s; with 8 never


def fit(view: ClusterView) -> Verdict | Skipped:
    """Faults are noticed in time, and nothing flaps."""
    odd = list(dict.fromkeys(words for node in view.cluster.nodes for words in _odd(view, node)))
    odd += _unlike(view)
    odd += _asks_each_etcd(view)
    expected = "faults are noticed before clients give up, and no lost packet or slow check moves the VIP"
    if not odd and not view.seen:
        return view.unmade(expected)
    return Verdict(
        not odd,
        expected,
        "; ".join(odd) or "they fit",
        "the defaults are measured: leave these settings out of the inventory, or see docs/departures.md",
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
        yield f"keepalived.check: a timeout of {check.timeout} s outlasts the interval of {check.interval} s"
    if check.rise < check.fall:
        yield f"keepalived.check: rise {check.rise} below fall {check.fall} lets a haproxy that limps take the VIP back"
    if (dead := _dead(node.haproxy)) > SLOW:
        yield f"a dead apiserver gets connections for {dead:g} s (haproxy: inter, fastinter, fall, timeouts.check)"


def _asks_each_etcd(view: ClusterView) -> Iterator[str]:
    """Apiservers that ask the etcd of other nodes beside their own: of a node that is lost they wait for an answer."""
    found = [
        name
        for name, facts in view.seen.items()
        if len(facts.etcd_servers) > 1 and {*facts.etcd_servers} & {*_LOOPBACK, str(view.cluster.node(name).address)}
    ]
    if found:
        yield (
            f"the kube-apiserver of {', '.join(found)} asks other nodes' etcd beside its own: when a node is lost, "
            "reads wait 6 to 8 s instead of 1 to 2 (--etcd-servers with its own member only, as kubeadm sets it)"
        )


def _unlike(view: ClusterView) -> Iterator[str]:
    """Nodes that count otherwise than the others: a backup goes by the holder's interval, times its own count."""
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
        yield f"nodes count lost adverts unlike each other ({words}): take {hint}"


def _adverts(view: ClusterView, node: Node) -> tuple[int, float]:
    """How many lost adverts move the VIP, and the seconds between two of them, as keepalived.conf has them."""
    if _counts_as_told(view, node):
        return node.keepalived.down_timer_adverts, node.keepalived.advert_int
    return PROTOCOL_MISSES, node.keepalived.lengthened_advert_int


def _remedy(view: ClusterView, node: Node) -> str:
    if _counts_as_told(view, node):
        return "take a longer advert_int, or more adverts"
    return "keepalived before 2.2.4 counts no more, and longer intervals hand over later"


def _counts_as_told(view: ClusterView, node: Node) -> bool:
    """Whether the node's keepalived knows `down_timer_adverts`."""
    facts = view.facts.get(node.name)
    package = facts.packages.get("keepalived") if facts else None
    return features((), package.upstream if package else ()).down_timer_adverts


def _dead(haproxy: HAProxy) -> float:
    """Seconds until an apiserver that hangs is out: haproxy counts from the end of a check to the next one's start."""
    between = _seconds(haproxy.inter) + _seconds(haproxy.fastinter) * (haproxy.fall - 1)
    return between + _seconds(haproxy.timeouts.check) * haproxy.fall


def _seconds(duration: str) -> float:
    """A time of haproxy's; milliseconds without a unit."""
    number, unit = re.fullmatch(r"(\d+)(\w*)", duration).groups()  # type: ignore[union-attr] # checked when parsed
    return int(number) * SECONDS[unit or "ms"]
