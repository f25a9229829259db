"""Whether the numbers fit each other: what is noticed late, and what flaps. Pure intent, and the daemons' versions."""

import re
from collections.abc import Iterator

from nornir_kube_ha.checks.model import ClusterView, Verdict
from nornir_kube_ha.intent import Node
from nornir_kube_ha.intent.keepalived import PROTOCOL_MISSES, QUICK
from nornir_kube_ha.versions import features

SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
SLOW = 10.0  # seconds: what clients take for an outage; kubelet renews its lease every 10
FEW_MISSES = 5  # with 3 of them at 0.1 s, 30 % loss moved the VIP 12 times in 40 s; with 8 never


def fit(view: ClusterView) -> Verdict:
    """Faults are noticed in time, and nothing flaps."""
    odd = list(dict.fromkeys(words for node in view.cluster.nodes for words in _odd(view, node)))
    return Verdict(
        False if odd else True if view.seen else None,
        "faults are noticed before clients give up, and no lost packet or slow check moves the VIP",
        "; ".join(odd) or ("they fit" if view.seen else f"not seen: {', '.join(view.unseen)}"),
        "the defaults are measured: leave these settings out of the inventory, or see docs/departures.md",
    )


def _odd(view: ClusterView, node: Node) -> Iterator[str]:
    check, keepalived, haproxy = node.keepalived.check, node.keepalived, node.haproxy
    misses = _misses(view, node)
    if misses < FEW_MISSES and keepalived.advert_int < QUICK:
        yield f"{misses} lost adverts of {keepalived.advert_int:g} s move the VIP: take 5, or a longer advert_int"
    if (down := misses * keepalived.advert_int) > SLOW:
        yield f"a lost holder is noticed after {down:g} s (advert_int, down_timer_adverts)"
    if (hang := check.interval * check.fall + check.timeout) > SLOW:
        yield f"a hung haproxy is noticed after {hang} s (keepalived.check: interval, fall, timeout)"
    if check.timeout > check.interval:
        yield f"keepalived.check: a timeout of {check.timeout} s outlasts the interval of {check.interval} s"
    if check.rise < check.fall:
        yield f"keepalived.check: rise {check.rise} below fall {check.fall} lets a haproxy that limps take the VIP back"
    dead = _seconds(haproxy.inter) * haproxy.fall + _seconds(haproxy.timeouts.check)
    if dead > SLOW:
        yield f"a dead apiserver gets connections for {dead:g} s (haproxy: inter, fall, timeouts.check)"


def _misses(view: ClusterView, node: Node) -> int:
    facts = view.facts.get(node.name)
    package = facts.packages.get("keepalived") if facts else None
    knows = features((), package.upstream if package else ()).down_timer_adverts
    return node.keepalived.down_timer_adverts if knows else PROTOCOL_MISSES


def _seconds(duration: str) -> float:
    """A time of haproxy's; milliseconds without a unit."""
    number, unit = re.fullmatch(r"(\d+)(\w*)", duration).groups()  # type: ignore[union-attr] # checked when parsed
    return int(number) * SECONDS[unit or "ms"]
