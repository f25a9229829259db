"""Who holds the VIPs of a cluster: its virtual routers, roles, priorities and states, as the hosts' files say them."""

from collections import Counter
from collections.abc import Iterable, Sequence
from ipaddress import ip_interface

from nornir_kube_ha.addresses import IPInterface
from nornir_kube_ha.adoption.draft import Said
from nornir_kube_ha.adoption.haproxy_cfg.listener import sockets_of
from nornir_kube_ha.adoption.host import HostSeen
from nornir_kube_ha.adoption.routers import RouterSeen
from nornir_kube_ha.errors import AdoptionError
from nornir_kube_ha.intent.keepalived import FOREMOST, HINDMOST

Found = list[tuple[HostSeen, RouterSeen]]
"""A virtual router on each host that has it."""


def with_same_vips(hosts: Iterable[HostSeen]) -> list[list[HostSeen]]:
    """Return the hosts of each cluster: those that share a VIP belong together, directly or by way of others."""
    clusters: list[list[HostSeen]] = []
    for host in hosts:
        own = frozenset[object]().union(*(router.addresses for router in host.routers))
        same = [each for each in clusters if any(own & router.addresses for other in each for router in other.routers)]
        joined = [*(other for each in same for other in each), host]
        clusters = [each for each in clusters if each not in same] + [joined]
    return clusters


def first_vrid(hosts: Sequence[HostSeen]) -> int:
    """Return the VRID of a cluster's first virtual router.

    Most hosts have it. Of several such, the listener binds its VIP, or else it is the first in the first host's file.
    """
    counts = Counter(router.vrid for host in hosts for router in host.routers)
    bound = {where.strip("[]") for host in hosts for where, _ in sockets_of(host.listener.front)}
    routers = [router for host in hosts for router in host.routers]
    return max(routers, key=lambda each: (counts[each.vrid], bool(bound & {*map(str, each.addresses)}))).vrid


def found_with(hosts: Iterable[HostSeen], vrid: int) -> Found:
    """Return a virtual router on each host that has it."""
    return [(host, router) for host in hosts if (router := host.router(vrid))]


def master_of(found: Found) -> HostSeen:
    """Return the host that holds a router's VIPs first: of the highest priority, the one that holds them now."""
    rank = ((each[1].priority, each[1].instance.value("state") == "MASTER", each[0].holds(each[1])) for each in found)
    return max(zip(rank, found, strict=True), key=lambda pair: pair[0])[1][0]


def say_election(found: Found, master: HostSeen) -> None:
    """Put role, priority and state of each host into its draft, as the first virtual router has them.

    Arguments:
        found: the cluster's first virtual router
        master: its master
    """
    own = next(router for host, router in found if host is master)
    preempts = own.is_preempting
    for host, router in found:
        rank = "the highest" if host is master else "a lower"
        words = f"{rank} priority, {router.where('priority')}"
        host.draft.say("role", "master" if host is master else "backup", router.place, words)
        host.draft.say("keepalived.preempt", preempts, own.where("nopreempt"), "no nopreempt" if preempts else "")
        state = router.instance.value("state") or "BACKUP"
        if router.is_preempting != preempts:
            host.draft.change(
                "`nopreempt` differs between nodes",
                f"preempt is {str(preempts).lower()} on all",
                router.where("nopreempt"),
            )
        elif not preempts and router.instance.value("state") == "MASTER":
            host.draft.change("state MASTER", "every node starts as BACKUP", router.where("state"))
        if host is master and preempts and state == "BACKUP":
            host.draft.say("keepalived.state", "BACKUP", router.where("state"))
        if host is not master and state == "MASTER":
            host.draft.change(
                "state MASTER on a backup",
                "it starts as BACKUP: two would take the VIP at each boot",
                router.where("state"),
            )
    _say_priorities(found, master, preempts=preempts)


def _say_priorities(found: Found, master: HostSeen, *, preempts: bool) -> None:
    """Put priorities into drafts: the master's above all others, and without preempt no two alike."""
    others = sorted((each for each in found if each[0] is not master), key=lambda each: -each[1].priority)
    own = next(router for host, router in found if host is master)
    top = max((router.priority for _, router in others), default=0)
    last = _say_priority(master, own, max(own.priority, top + 1) if own.priority < FOREMOST else FOREMOST)
    for number, (host, router) in enumerate(others):
        most = last if preempts and number else last - 1
        last = _say_priority(host, router, min(router.priority, most))


def _say_priority(host: HostSeen, router: RouterSeen, wanted: int) -> int:
    value = min(FOREMOST, max(HINDMOST, wanted))
    host.draft.say("keepalived.priority", value, router.where("priority"))
    if value != router.priority:
        words = f"it becomes {value}: the master's is above all others, and without preempt no two are alike"
        host.draft.change(f"priority {router.priority}", words, router.where("priority"))
    return value


def say_routers(hosts: Sequence[HostSeen], found: Found, master: HostSeen) -> None:
    """Put VIPs, VRID and further virtual routers into the master's draft.

    Arguments:
        hosts: of the cluster
        found: its first virtual router
        master: its master
    """
    own = next(router for host, router in found if host is master)
    vips = [with_prefix(master, own, vip) for vip in own.vips]
    master.draft.settings["virtual_router_id"] = Said(own.vrid, own.where("virtual_router_id"))
    further: list[Said] = []
    for vrid in dict.fromkeys(router.vrid for host in hosts for router in host.routers if router.vrid != own.vrid):
        others = found_with(hosts, vrid)
        first, router = others[0]
        if _is_elsewhere(master, others):
            continue
        if router.vips[0].version != own.vips[0].version:
            vips += [with_prefix(first, router, vip) for vip in router.vips]
            words = f"its VIPs move with {own.vips[0].ip} from now on, and VRID {vrid} is free"
            _note_all(others, f"vrrp_instance {router.instance.name} of the other IP family", words)
            continue
        further.append(Said(_further(others, found, master), router.place))
    vip, *more = vips
    place = own.where("virtual_ipaddress")
    master.draft.say("vip", str(vip), place)
    if more:
        master.draft.say("additional_vips", tuple(map(str, more)), place)
    if further:
        master.draft.settings["virtual_routers"] = Said(tuple(further), further[0].place)


def _is_elsewhere(master: HostSeen, others: Found) -> bool:
    """Return whether a router is on another interface than the cluster's, and note that."""
    _, router = others[0]
    interface = router.instance.value("interface")
    if interface in {"", str(master.draft.value("interface"))}:
        return False
    vips = ", ".join(str(each.ip) for each in router.vips)
    words = f"all VIPs of a cluster are on one interface: VRID {router.vrid} ends, and {vips} answers nobody any more"
    for host, each in others:
        host.draft.end(f"vrrp_instance {each.instance.name} on {interface}", words, each.place)
    return True


def _further(others: Found, found: Found, master: HostSeen) -> dict[str, object]:
    """Return an item of `virtual_routers`, and note where the election differs from the file."""
    first, router = others[0]
    own = master_of(others)
    place = {own.name: master.name, master.name: own.name}
    priorities = {host.name: host.draft.value("keepalived.priority") for host, _ in found}
    for host, each in others:
        becomes = priorities.get(place.get(host.name, host.name))
        if becomes != each.priority:
            words = f"it becomes {becomes}: further virtual routers have the first one's, master and {own.name} swapped"
            host.draft.change(f"priority {each.priority} of vrrp_instance {each.instance.name}", words, each.place)
    own_first = next(each for host, each in found if host is master)
    if own_first.group and own_first.instance.name in router.group:
        words = "each router is elected by itself from now on; a node whose haproxy ends gives all of them up"
        _note_all(others, f"vrrp_sync_group with vrrp_instance {router.instance.name}", words)
    for keyword in ("advert_int", "garp_master_refresh"):
        if router.instance.value(keyword) != own_first.instance.value(keyword):
            value = own_first.instance.value(keyword) or "the first one's"
            _note_all(others, f"`{keyword}` of vrrp_instance {router.instance.name}", f"it becomes {value}")
    vip, *more = (str(with_prefix(first, router, each)) for each in router.vips)
    item: dict[str, object] = {"virtual_router_id": router.vrid, "vip": vip, "master": own.name}
    return item | ({"additional_vips": more} if more else {})


def _note_all(found: Found, what: str, effect: str) -> None:
    for host, router in found:
        host.draft.change(what, effect, router.place)


def with_prefix(host: HostSeen, router: RouterSeen, vip: IPInterface) -> IPInterface:
    """Return a VIP with the prefix length of its network: that of the interface, where the file has a single address.

    Arguments:
        host: that has the router
        router: of the VIP
        vip: as written
    """
    if vip.network.prefixlen < vip.max_prefixlen:
        return vip
    interface = router.instance.value("interface")
    networks = [
        each.network
        for name, each in host.running.addresses
        if name == interface and each.version == vip.version and each.network.prefixlen < each.max_prefixlen
    ]
    around = [each for each in networks if vip.ip in each]
    return ip_interface(f"{vip.ip}/{around[0].prefixlen}") if around else vip


def refuse_lonely(hosts: Sequence[HostSeen], found: Found) -> None:
    """Refuse a cluster of one host, or with a host that lacks the first virtual router.

    Raises:
        AdoptionError: with the peers to name
    """
    lacking = [host for host in hosts if all(host is not other for other, _ in found)]
    if lacking:
        vrid = found[0][1].vrid
        raise AdoptionError(
            lacking[0].name, f"expected a vrrp_instance with VRID {vrid}, as on {found[0][0].name}; got none"
        )
    if len(hosts) == 1:
        peers = sorted(map(str, hosts[0].conf.whole.peers)) or ["the other nodes with this VIP"]
        words = f"no other host has its VIP {found[0][1].vips[0].ip}: adopt all nodes of a cluster together"
        raise AdoptionError(hosts[0].name, f"{words}: {', '.join(peers)}")
