"""What kube-ha does that a set-up by hand does not: noted, so that nothing comes as a surprise."""

from nornir_kube_ha.adoption.draft import Draft

ADDITIONS = {
    "haproxy.fastinter": (
        "no `fastinter`",
        "it becomes 200ms: an apiserver that fails a check is asked again soon, and is out or back sooner",
    ),
    "haproxy.hard_stop_after": (
        "no `hard-stop-after`",
        "it becomes 30m: a connection may outlive a reload of haproxy by that time, and is then closed",
    ),
    "haproxy.shutdown_sessions": (
        "connections to an apiserver that is down",
        "they are closed once another is ready: the client goes there at once",
    ),
    "keepalived.tickle": (
        "clients of a node that loses the VIP",
        "they hear of it at once, instead of waiting for a time-out; for that the nodes' haproxies use port {port}",
    ),
    "keepalived.events": (
        "the units of haproxy and keepalived",
        "they get drop-ins: the end of haproxy moves the VIP at once, and a killed keepalived leaves no second holder",
    ),
    "keepalived.yield_when_blind": (
        "a node whose haproxy sees no apiserver",
        "it gives the VIP up to one whose haproxy does",
    ),
    "keepalived.garp_master_refresh": (
        "no `garp_master_refresh`",
        "it becomes 60: stale ARP caches are corrected each minute",
    ),
}
"""What and effect, by the key that turns it off."""


def note_additions(draft: Draft, peers_port: int) -> None:
    """Note what kube-ha's defaults add to a host's set-up.

    Arguments:
        draft: of the host
        peers_port: port between the nodes' haproxies
    """
    for key, (what, effect) in ADDITIONS.items():
        if key not in draft.settings:
            draft.change(what, f"{effect.format(port=peers_port)} ({key})")
    draft.change("prefix length of IPv4 VIPs", "it becomes /32: no connection of the holder's own starts from the VIP")
