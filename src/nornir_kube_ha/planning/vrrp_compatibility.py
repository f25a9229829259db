"""The settings that all nodes of a virtual router must share.

Nodes that differ in them ignore each other's adverts, and each holds the VIP.
"""

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_interface

from nornir_kube_ha.daemons import KeepalivedConf, VRRPInstanceConf
from nornir_kube_ha.duration import Duration

VRRP_3 = "3"
ADVERT_INT = "1"  # seconds; keepalived's default
Setting = tuple[str, str, object]
"""A setting's keyword, its value as written, and what that means on the wire."""


def differences(old: KeepalivedConf, new: KeepalivedConf) -> tuple[str, ...]:
    """Return why nodes with the old and the new keepalived.conf ignore each other's adverts: `vrrp_version 3 -> 2`.

    The VRID identifies a virtual router on the wire; the name of its instance does not matter. A virtual router in only
    one of the files causes no conflict. Both virtual routers hold an address that moves between them until all nodes
    have changed.

    Arguments:
        old: the live file, possibly a foreign one
        new: the intended file
    """
    before, after = _by_vrid(old), _by_vrid(new)
    # Without a common VRID or address, the files describe different virtual routers, which need not agree.
    common = [(f"VRID {vrid}", before[vrid], after[vrid]) for vrid in sorted(before.keys() & after.keys())]
    moved = [*_moved(before, after)]
    told = [words for _, one, other in (*common, *moved) for words in _compared([_version(one)], [_version(other)])]
    named = max(len(before), len(after)) > 1
    for place, one, other in common:
        has_3 = VRRP_3 in {one.spoken_version, other.spoken_version}
        found = _compared(*(_settings(each, has_3=has_3) for each in (one, other)))
        told += (f"{place}: {words}" if named else words for words in found)
    for place, one, other in moved:
        found = _compared([_vrid(one)], [_vrid(other)])
        told += (f"{place}: {words}" if named else words for words in found)
    return tuple(dict.fromkeys(told))


def _compared(old: Iterable[Setting], new: Iterable[Setting]) -> Iterator[str]:
    for (word, was, meant), (_, becomes, means) in zip(old, new, strict=True):
        if meant != means:
            yield f"{word} {was or 'none'} -> {'another ' if was == becomes else ''}{becomes or 'none'}"


def _version(router: VRRPInstanceConf) -> Setting:
    return "vrrp_version", router.vrrp_version, router.spoken_version


def _vrid(router: VRRPInstanceConf) -> Setting:
    return "virtual_router_id", router.virtual_router_id, router.virtual_router_id


def _settings(router: VRRPInstanceConf, *, has_3: bool) -> Iterator[Setting]:
    """Yield what peers must share beside version and VRID.

    Arguments:
        router: the virtual router
        has_3: whether either side speaks version 3, whose adverts say their interval and have no authentication
    """
    interface = router.value("interface")
    yield "interface", interface, interface
    yield "unicast_peer", "some" if router.is_unicast else "", router.is_unicast
    # Adverts omit excluded addresses, and prefix lengths, which are local to each node.
    vips = router.advertised
    yield "virtual_ipaddress", ", ".join(sorted(vips)), sorted(map(_normal, vips))
    if not has_3:
        interval = router.value("advert_int")
        yield "advert_int", interval, _interval(interval)
        kind, password = router.authentication
        yield "authentication", kind, (kind, password[:8])  # keepalived ignores the rest


def _interval(written: str) -> object:
    """Return the interval that receivers expect, since they drop adverts of another one (RFC 3768, 7.1)."""
    try:
        return Duration.of_keepalived(written or ADVERT_INT)
    except ValueError:
        return written


def _by_vrid(conf: KeepalivedConf) -> Mapping[str, VRRPInstanceConf]:
    return {each.virtual_router_id: each for each in conf.vrrp_instances}


def _moved(
    before: Mapping[str, VRRPInstanceConf], after: Mapping[str, VRRPInstanceConf]
) -> Iterator[tuple[str, VRRPInstanceConf, VRRPInstanceConf]]:
    """Yield the addresses that moved to another virtual router, with the old and the new one."""
    old, new = _owners(before), _owners(after)
    for address in sorted(old.keys() & new.keys()):
        if old[address].virtual_router_id != new[address].virtual_router_id:
            yield address, old[address], new[address]


def _owners(routers: Mapping[str, VRRPInstanceConf]) -> dict[str, VRRPInstanceConf]:
    return {_normal(address): router for router in routers.values() for address in router.addresses}


def _normal(address: str) -> str:
    """Return an address in canonical form without its prefix length; other words unchanged."""
    try:
        return str(ip_interface(address).ip)
    except ValueError:
        return address
