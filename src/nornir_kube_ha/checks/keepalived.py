"""Checks of keepalived: its state, and VRRP on the wire."""

from collections.abc import Iterable

from nornir_kube_ha.addresses import IPAddress, rank
from nornir_kube_ha.checks.model import HostView, Verdict
from nornir_kube_ha.facts import Advert, Heard, Scope
from nornir_kube_ha.intent import FOREMOST, Router
from nornir_kube_ha.intent.names import VRRP_INSTANCE

MOST_NAMED = 5  # addresses of each kind listed per message
MOST_FOREIGN = 10  # foreign routers listed per message


def state(view: HostView) -> Verdict:
    """Check that keepalived's state fits the role and the VIPs on the host, in each virtual router."""
    found = [_state(view, router) for router in view.routers]
    named = len(found) > 1
    places = [f"{router.addresses}: " if named else "" for router in view.routers]
    return Verdict(
        all(ok for ok, _expected, _seen in found),
        "; ".join(f"{place}{expected}" for place, (_ok, expected, _seen) in zip(places, found, strict=True))
        + ", holding the VIP only as MASTER",
        "; ".join(f"{place}{seen}" for place, (_ok, _expected, seen) in zip(places, found, strict=True)),
        "fix the master's other failed checks first: a node in FAULT releases the VIP, because haproxy, "
        "its interface or its address is missing. `journalctl -u keepalived` says when. If its address "
        "appeared after keepalived had started, run `systemctl reload keepalived`. If it cannot write "
        "its state file, remove what blocks that path and restart it",
    )


def _state(view: HostView, router: Router) -> tuple[bool, str, str]:
    """Return whether the state in a virtual router is right, the expected state, and the observed one."""
    held, instance = [vip for vip in router.vips if view.facts.holds(vip)], router.name(VRRP_INSTANCE)
    seen = view.facts.vrrp_state(instance)
    silence = view.facts.keepalived_silence or "keepalived does not answer"
    silence = f"keepalived has no {instance}" if view.facts.vrrp else silence
    expected = {"MASTER"} if view.node.name == router.master else {"BACKUP"}
    # Only adverts show that a planned move raised a node's priority, and a quick look does not listen.
    if not view.node.keepalived.preempt or view.scope < Scope.GATE or _is_preferred(view, router):
        expected = {"MASTER", "BACKUP"}
    wanted = router.vips if seen == "MASTER" else ()
    address = "holds the VIP" if held else "does not hold the VIP"
    if 0 < len(held) < len(router.vips):
        address = f"holds {', '.join(str(vip.ip) for vip in held)} only"
    return seen in expected and held == [*wanted], " or ".join(sorted(expected)), f"{seen or silence}, {address}"


def _is_preferred(view: HostView, router: Router) -> bool:
    """Return whether any node sends adverts with the priority of a planned move."""
    healthy = max(0, view.node.keepalived.check.weight)  # a passing check adds a positive weight to the priority
    preferred = min(FOREMOST, view.cluster.preferred_priority + healthy)
    return any(advert.priority == preferred for advert in _adverts(view, router))


def adverts(view: HostView) -> Verdict:
    """Check that exactly one node of the cluster sends adverts for each VRID."""
    names = {node.address: node.name for node in view.cluster.nodes}
    speakers = [
        # Priority 0 announces that the sender stops (RFC 5798, 5.2.4).
        sorted({names[each.source] for each in _adverts(view, router) if each.source in names and each.priority})
        for router in view.routers
    ]
    expected = f"exactly one node of the cluster sends adverts for VRID {_vrids(view.routers)} on {view.node.interface}"
    if not _can_hear(view):
        return _deaf(view, expected)
    return Verdict(
        all(len(each) == 1 for each in speakers),
        expected,
        "; ".join(", ".join(each) or "nobody" for each in speakers),
        "nobody: the holder sends none, or IP protocol 112 is dropped by a packet filter or the network. "
        "Several: they do not receive each other's adverts",
    )


def no_foreign_router(view: HostView) -> Verdict:
    """Check that no foreign router uses one of the cluster's VRIDs."""
    foreign = foreign_routers(view)
    expected = f"no router outside the cluster uses VRID {_vrids(view.cluster.routers)} on {view.node.interface}"
    if not foreign and not _can_hear(view):
        return _deaf(view, expected)
    more = len(foreign) - MOST_FOREIGN
    return Verdict(
        not foreign,
        expected,
        "; ".join(foreign[:MOST_FOREIGN]) + (f"; {more} more" if more > 0 else "") or _no_other(view),
        f"remove a former node: {_removals(former)}"
        if (former := former_speakers(view))
        else "find it by its hardware address, or give this cluster another virtual_router_id on all nodes at once",
    )


def _removals(former: Iterable[IPAddress]) -> str:
    return "; ".join(f"kube-ha remove --host {address}" for address in former)


def _no_other(view: HostView) -> str:
    silent = sorted(_former_peers(view), key=rank)[:MOST_NAMED]
    return f"none; silent former peer: {', '.join(map(str, silent))}" if silent else "none"


def _former_peers(view: HostView) -> frozenset[IPAddress]:
    """Return the host's unicast peers, live or in earlier generations, that are not nodes of the cluster."""
    return (view.facts.kept_peers | view.facts.keepalived_conf.peers) - {node.address for node in view.cluster.nodes}


def former_speakers(view: HostView) -> tuple[IPAddress, ...]:
    """Return the host's former peers that still send adverts with one of the cluster's VRIDs."""
    heard = {advert.source for router in view.cluster.routers for advert in _adverts(view, router)}
    return tuple(sorted(heard & _former_peers(view), key=rank))


def foreign_routers(view: HostView) -> tuple[str, ...]:
    """Return a description of each foreign router that the host heard with one of the cluster's VRIDs."""
    ours, named = {node.address for node in view.cluster.nodes}, len(view.cluster.routers) > 1
    return tuple(
        f"{advert.source} ({advert.mac}{_forged(view, advert)}, "
        f"{f'VRID {router.virtual_router_id}, ' if named else ''}{_priority(advert)})"
        for router in view.cluster.routers
        for advert in sorted(_adverts(view, router), key=lambda each: (rank(each.source), each.priority or 0, each.mac))
        if advert.source not in ours or _forged(view, advert)
    )


def _priority(advert: Advert) -> str:
    return "heard within the last ten seconds" if advert.priority is None else f"priority {advert.priority}"


def _forged(view: HostView, advert: Advert) -> str:
    """Return a note if a node's address is advertised from a hardware address that is not the node's; else ""."""
    known = view.macs.get(advert.source, frozenset())
    if not known or advert.mac in known:
        return ""
    owner = next((node.name for node in view.cluster.nodes if node.address == advert.source), "its node")
    return f", while {owner} has {', '.join(sorted(known)[:MOST_NAMED])}"


def _vrids(routers: Iterable[Router]) -> str:
    return " and ".join(str(router.virtual_router_id) for router in routers)


def _adverts(view: HostView, router: Router) -> frozenset[Advert]:
    if view.facts.heard is None:
        return frozenset()
    vrid = router.virtual_router_id
    return frozenset(advert for advert in view.facts.heard.adverts if advert.virtual_router_id == vrid)


def _can_hear(view: HostView) -> bool:
    return view.facts.heard is not None and view.facts.heard.is_whole


def _deaf(view: HostView, expected: str) -> Verdict:
    """Return the verdict of a check that needs adverts, on a host whose listening failed or was incomplete."""
    if view.facts.heard is None:
        words = "cannot listen: tcpdump, arping or socat is missing"
        return Verdict(None, expected, words, "run deploy, which installs them", because=view.missing)
    if view.facts.heard.excess:
        words = f"too much traffic on {view.node.interface}: {view.facts.heard.excess}: {_speakers(view.facts.heard)}"
        hint = "find what floods the network by these hardware addresses, then verify again"
        return Verdict(None, expected, words, hint)
    because = "" if view.node.interface in view.facts.links else "host.interface"
    words = f"cannot listen: {view.facts.heard.trouble}"
    return Verdict(None, expected, words, "run tcpdump on the host to see why", because=because)


def _speakers(heard: Heard) -> str:
    """Return a list of some of the routers and address owners that were heard."""
    routers = sorted({f"VRRP of {each.source} from {each.mac}" for each in heard.adverts})
    owners = sorted({f"{each.mac} claims {each.address}" for each in heard.answers})
    return "; ".join([*routers[:MOST_NAMED], *owners[:MOST_NAMED]]) or "nothing readable"
