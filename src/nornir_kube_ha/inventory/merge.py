"""The data of a host: sections merged from defaults, groups and host; and which hosts are nodes."""

from collections.abc import Mapping
from typing import Any

from nornir.core import Nornir
from nornir.core.inventory import Host

FOREIGN_KEYS = "foreign_keys"  # keys of `data` that belong to other automation


MARKS = frozenset({"cluster", "vip", "virtual_router_id", "apiservers"})  # keys that only a node's data have


def our_hosts(nornir: Nornir) -> tuple[Host, ...]:
    """Return the hosts whose data have one of kube-ha's keys.

    Arguments:
        nornir: an initialised Nornir; no connection is opened
    """
    return tuple(host for host in nornir.inventory.hosts.values() if _is_ours(merged_data(host)))


def merged_data(host: Host) -> dict[str, Any]:
    """Return a host's data with sections merged from defaults, groups and host; later levels win.

    Nornir itself takes a whole section from the nearest level. Here a host may set one key of a section and inherit
    the others. Lists and single values are replaced.
    """
    levels = [host.defaults.data, *(group.data for group in reversed(list(host.extended_groups()))), host.data]
    data: dict[str, Any] = {}
    for level in levels:
        data = _merge(data, level or {})
    return data


def _merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        inherited = merged.get(key)
        both = isinstance(value, Mapping) and isinstance(inherited, Mapping)
        merged[key] = _merge(inherited, value) if both else value  # type: ignore[arg-type]  # both are mappings
    return merged


def _is_ours(data: Mapping[str, Any]) -> bool:
    keys = set(data) - set(foreign_keys(data))
    return bool(MARKS & keys)


def foreign_keys(data: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the keys listed in `foreign_keys`; empty if that is not a list."""
    foreign = data.get(FOREIGN_KEYS)
    return tuple(map(str, foreign)) if isinstance(foreign, list | tuple) else ()
