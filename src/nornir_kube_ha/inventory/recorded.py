"""An inventory in a snapshot: each node's data without logins and secrets; and back, as an inventory of its own."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from nornir.core import Nornir
from nornir.core.inventory import Host

from nornir_kube_ha.errors import UsageError
from nornir_kube_ha.files import read_text, write_file
from nornir_kube_ha.intent.names import AUTO_INTERFACE
from nornir_kube_ha.inventory.lab_copy import LEFT_OUT, names_release, suite_of, write_inventory
from nornir_kube_ha.inventory.load import inventory_folder
from nornir_kube_ha.inventory.merge import foreign_keys, merged_data, our_hosts
from nornir_kube_ha.inventory.references import read_certificates
from nornir_kube_ha.snapshots import Hiding, Production, SeenHost, SeenNode, parse_snapshot

MOST_BYTES = 64 * 2**20  # of a snapshot; a host takes some 60 KiB
SECRETS = (("haproxy", "stats", "password"), ("keepalived", "auth_pass"))
"""Keys of secrets that a lab has stand-ins for. A snapshot lacks them."""
NOT_RECORDED = {"env": "KUBE_HA_NOT_RECORDED"}
"""Source of a secret in a snapshot's inventory."""
_LEFT_OUT = {*LEFT_OUT, "templates"}


def recorded_nodes(nornir: Nornir, hiding: Hiding, known: Mapping[str, str]) -> dict[str, SeenNode]:
    """Return each node of an inventory, by name.

    Arguments:
        nornir: with the whole, valid inventory
        hiding: hides secrets in lines that go into haproxy.cfg and keepalived.conf
        known: name of each secret of the inventory, by value
    """
    return {host.name: _recorded(host, inventory_folder(nornir), hiding, known) for host in our_hosts(nornir)}


def _recorded(host: Host, folder: Path, hiding: Hiding, known: Mapping[str, str]) -> SeenNode:
    data = merged_data(host)
    left_out = {*_LEFT_OUT, *foreign_keys(data)}
    data = {key: value for key, value in data.items() if key not in left_out}
    for path in SECRETS:
        data = _without(data, path)
    ca = data.pop("apiserver_ca", None)
    plain = _hidden(json.loads(json.dumps(data, default=str)), hiding, known)
    certificates = read_certificates(folder / ca) if isinstance(ca, str) else ""
    return SeenNode(hostname=host.hostname or host.name, platform=host.platform or "", data=plain, ca=certificates)


def _without(data: Mapping[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    """Return data with `NOT_RECORDED` for a key in a nested section, if it is there."""
    first, *rest = path
    inner = data.get(first)
    if not rest:
        return {**data, first: NOT_RECORDED} if inner is not None else dict(data)
    return {**data, first: _without(inner, tuple(rest))} if isinstance(inner, Mapping) else dict(data)


def _hidden(value: Any, hiding: Hiding, known: Mapping[str, str]) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, str):
        return hiding.hide(value, known)
    if isinstance(value, list):
        return [_hidden(each, hiding, known) for each in value]
    if isinstance(value, dict):
        return {key: _hidden(each, hiding, known) for key, each in value.items()}
    return value


def read_snapshot(path: Path) -> Production:
    """Return the snapshot in a file.

    Arguments:
        path: the file

    Raises:
        UsageError: it cannot be read, or is not a valid snapshot
    """
    try:
        text = read_text(path, MOST_BYTES)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(f"snapshot {path}: cannot be read: {reason}") from None
    return parse_snapshot(text, f"snapshot {path}")


def write_recorded(production: Production, folder: Path) -> Path:
    """Write a snapshot's inventory to a new folder, and return the folder. Each host has the release that was seen.

    Arguments:
        production: the snapshot
        folder: the folder, which does not exist yet
    """
    tree: dict[str, Any] = {}
    authorities: dict[str, str] = {}
    for name, node in production.inventory.items():
        data = {key: value for key, value in node.data.items() if key not in {*_LEFT_OUT, "apiserver_ca"}}
        if node.ca:
            data["apiserver_ca"] = authorities.setdefault(node.ca, f"ca-{len(authorities) + 1}.crt")
        tree[name] = {"hostname": node.hostname, "platform": node.platform or None, "data": data}
    write_inventory(tree, folder)
    for text, name in authorities.items():
        write_file(folder / name, text)
    return folder


def as_seen(nornir: Nornir, production: Production, *, keeps_release: bool) -> None:
    """Give the hosts of an inventory what a snapshot saw of the machine: its release, and its interface for `auto`.

    Arguments:
        nornir: an inventory; its hosts' data are changed in place
        production: the snapshot
        keeps_release: whether a release that the inventory names stays
    """
    for host in our_hosts(nornir):
        if seen := production.hosts.get(host.name):
            host.data |= dict(_machine(host, seen, keeps_release=keeps_release))


def _machine(host: Host, seen: SeenHost, *, keeps_release: bool) -> Iterator[tuple[str, str]]:
    data = merged_data(host)
    if not (keeps_release and ("lab_suite" in data or names_release(host.platform))):
        yield "lab_suite", suite_of(seen.os)
    if data.get("interface") == AUTO_INTERFACE:
        yield "interface", seen.interface


def with_secrets_of(old: Nornir, new: Nornir) -> None:
    """Give a snapshot's inventory the sources of the new inventory's secrets: they count as unchanged.

    Arguments:
        old: the snapshot's inventory; its hosts' data are changed in place
        new: the new state's
    """
    by_name = {host.name: host for host in our_hosts(new)}
    clusters = {str(merged_data(host).get("cluster")): host for host in by_name.values()}
    for host in our_hosts(old):
        source = by_name.get(host.name) or clusters.get(str(merged_data(host).get("cluster")))
        for path in SECRETS:
            if _at(host.data, path) is not None and source:
                _put(host, path, _at(merged_data(source), path) or NOT_RECORDED)


def _at(data: object, path: tuple[str, ...]) -> object:
    for key in path:
        data = data.get(key) if isinstance(data, Mapping) else None
    return data


def _put(host: Host, path: tuple[str, ...], value: object) -> None:
    section = host.data
    *sections, key = path
    for name in sections:
        inner = section.get(name)
        section[name] = section = dict(inner) if isinstance(inner, Mapping) else {}
    section[key] = value
