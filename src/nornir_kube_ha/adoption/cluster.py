"""Merge the drafts of a cluster's hosts: what they share, and what each has for itself."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from nornir_kube_ha.adoption.additions import note_additions
from nornir_kube_ha.adoption.draft import Said, refusal
from nornir_kube_ha.adoption.election import (
    first_vrid,
    found_with,
    master_of,
    refuse_lonely,
    say_election,
    say_routers,
)
from nornir_kube_ha.adoption.host import HostSeen
from nornir_kube_ha.adoption.keepalived import say_checks, say_keepalived
from nornir_kube_ha.intent import HAProxy, Stats

OWN = ("role", "address", "interface", "keepalived.router_id", "keepalived.priority", "keepalived.state")
"""Keys that each host may have for itself."""
OF_THE_MASTER = frozenset({"vip", "additional_vips", "virtual_router_id", "virtual_routers", "cluster"})
"""Keys that are found out once for the cluster."""
MOST_PORTS = 100  # after haproxy's default, until a free one is found
_URL = re.compile(r"https://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]{1,253}):(\d{1,5})/?")
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]{1,20000}-----END CERTIFICATE-----")


@dataclass(frozen=True, slots=True)
class Merged:
    """A cluster in the inventory's words.

    Arguments:
        name: of the cluster
        hosts: of it, the master first
        shared: settings of all, by dotted key
        ca: its apiservers' CA in PEM, "" if unknown
    """

    name: str
    hosts: tuple[HostSeen, ...]
    shared: Mapping[str, Said]
    ca: str


def merge(hosts: Sequence[HostSeen], number: int, count: int) -> Merged:
    """Return a cluster.

    Arguments:
        hosts: that share VIPs
        number: of the cluster, from 1
        count: of all clusters

    Raises:
        AdoptionError: the hosts do not form a cluster, or one has no interface for its VIPs
    """
    found = found_with(hosts, first_vrid(hosts))
    refuse_lonely(hosts, found)
    master = master_of(found)
    for host, router in found:
        say_keepalived(host.draft, host.conf, router)
        say_checks(host.draft, host.conf, host.routers, is_ours=host.cluster is not None)
    say_election(found, master)
    say_routers(hosts, found, master)
    _settle_router_ids(hosts)
    ordered = (master, *(host for host in hosts if host is not master))
    _note_missing_peers(ordered)
    shared = dict(_shared(ordered))
    shared["apiservers"] = _apiservers(ordered)
    shared |= _free_peers_port(ordered, shared)
    shared |= _endpoint(ordered, shared)
    for host in hosts:
        if host.cluster is None:
            said = shared.get("haproxy.peers_port")
            note_additions(host.draft, said.value if said else HAProxy.model_fields["peers_port"].default)
    ca, place = _ca(ordered)
    if ca:
        shared["apiserver_ca"] = Said(ca, None, place)
        _note_verified(ordered, shared)
    name = str(master.draft.value("cluster") or ("kube" if count == 1 else f"kube-{number}"))
    return Merged(name, ordered, shared, ca)


def _settle_router_ids(hosts: Sequence[HostSeen]) -> None:
    """Take a router_id out of the drafts where several hosts have the same."""
    seen: dict[str, list[HostSeen]] = {}
    for host in hosts:
        seen.setdefault(str(host.draft.value("keepalived.router_id", "")), []).append(host)
    for name, having in seen.items():
        for host in having if len(having) > 1 and name else []:
            said = host.draft.settings.pop("keepalived.router_id")
            host.draft.change(f"router_id {name} on several hosts", f"it becomes {host.name}", said.place)


def _note_missing_peers(hosts: Sequence[HostSeen]) -> None:
    known = {address.ip for host in hosts for _, address in host.running.addresses}
    own = {str(host.draft.value("address")) for host in hosts}
    for host in hosts:
        for peer in sorted(host.conf.whole.peers - known, key=str):
            if str(peer) not in own:
                words = "adopt it as well, or take it out of service: left out, it would hold the VIP beside the others"
                host.draft.to_do(f"unicast peer {peer} is not among the hosts", words)


def _shared(hosts: Sequence[HostSeen]) -> Iterator[tuple[str, Said]]:
    """Yield key and value of what hosts share: the master's value counts. Notes where another host differs."""
    keys = dict.fromkeys(key for host in hosts for key in host.draft.settings)
    for key in keys:
        said = [host.draft.settings.get(key) for host in hosts]
        if key == "apiservers" or (key in OWN and not _is_same(key, said)):
            continue
        chosen = said[0]
        for host, own in zip(hosts, said, strict=True):
            if key not in {*OF_THE_MASTER, *OWN} and (own and own.value) != (chosen and chosen.value):
                _note_difference(host, key, own, chosen)
        if chosen:
            yield key, chosen


def _is_same(key: str, said: Sequence[Said | None]) -> bool:
    return key == "interface" and len({each.value if each else None for each in said}) == 1


def _note_difference(host: HostSeen, key: str, own: Said | None, chosen: Said | None) -> None:
    place = own.place if own else chosen.place if chosen else None
    if key.rpartition(".")[2] in {"password", "auth_pass"}:
        host.draft.change(f"{key} differs from the master's", "it becomes the master's", place)
    else:
        host.draft.change(f"{key}: {_shown(own)}", f"it becomes as on the master: {_shown(chosen)}", place)


def _shown(said: Said | None) -> str:
    if said is None:
        return "not set"
    return ", ".join(map(str, said.value)) if isinstance(said.value, tuple) else str(said.value)


def _apiservers(hosts: Sequence[HostSeen]) -> Said:
    """Return the apiservers of all hosts together."""
    found: dict[tuple[object, object], Said] = {}
    lists = []
    for host in hosts:
        items = {(each.value["address"], each.value["port"]): each for each in host.draft.settings["apiservers"].value}
        lists.append((host, items))
        for key, each in items.items():
            found.setdefault(key, replace(each, host=host.name))
    for host, items in lists:
        for key, each in found.items():
            if key not in items:
                host.draft.change(f"no server {key[0]}:{key[1]}", "it gets it, as other hosts have it", each.place)
            elif items[key].value != each.value:
                host.draft.change(f"server {key[0]}:{key[1]}", "its name and weight become those of the first host")
    return Said(tuple(_with_names(found.values())))


def _with_names(items: Any) -> Iterator[Said]:  # noqa: ANN401 - an iterable
    """Yield apiservers; a name that was used already is left out."""
    names: set[object] = set()
    for each in items:
        item = dict(each.value)
        if item.get("name") in names:
            item.pop("name")
        names.add(item.get("name"))
        yield replace(each, value=item)


def _free_peers_port(hosts: Sequence[HostSeen], shared: Mapping[str, Said]) -> Mapping[str, Said]:
    """Return a port for `haproxy.peers_port`, where another thing uses the default one."""
    if "haproxy.peers_port" in shared:
        return {}
    default = HAProxy.model_fields["peers_port"].default
    own = {port for host in hosts for each in host.proxies if each.name != "kube-ha" for port in each_port(each)}
    taken = {
        *own,
        *(each.value["port"] for each in shared["apiservers"].value),
        *(shared[key].value for key in ("haproxy.port", "haproxy.stats.port") if key in shared),
        Stats.model_fields["port"].default,
    }
    free = next(port for port in range(default, default + MOST_PORTS + len(taken)) if port not in taken)
    seen = {port for host in hosts for each in host.proxies if each.name == "kube-ha" for port in each_port(each)}
    if len(seen) == 1:
        return {"haproxy.peers_port": Said(seen.pop(), None, "section peers kube-ha")}
    return {} if free == default else {"haproxy.peers_port": Said(free, None, f"{default} is in use")}


def each_port(proxy: Any) -> list[int]:  # noqa: ANN401 - a `Proxy`
    """Return the ports that a section binds."""
    words = (word.rpartition(":")[2] for bind in proxy.section.binds for word in bind.split(","))
    return [int(word) for word in words if word.isdecimal() and len(word) <= 5]


def _endpoint(hosts: Sequence[HostSeen], shared: Mapping[str, Said]) -> Mapping[str, Said]:
    """Return `control_plane_endpoint`, where the kubelets of all hosts say it and it is the listener."""
    urls = {_URL.fullmatch(host.running.server) for host in hosts if host.running.server}
    names = {(found[1], found[2]) for found in urls if found}
    if len(names) != 1 or None in urls:
        return {}
    [(name, port)] = names
    vips = {str(said.value).partition("/")[0] for key, said in shared.items() if key == "vip"}
    is_vip = name.strip("[]") in vips
    is_name = re.search(r"[A-Za-z]", name) is not None and ":" not in name
    endpoint = f"{name}:{port}"
    if (
        int(port) != shared["haproxy.port"].value
        or not (is_vip or is_name)
        or refusal("control_plane_endpoint", endpoint)
    ):
        return {}
    return {"control_plane_endpoint": Said(endpoint, None, "/etc/kubernetes/kubelet.conf")}


def _ca(hosts: Sequence[HostSeen]) -> tuple[str, str]:
    """Return the apiservers' CA in PEM and where it was found; both "" if hosts have none or differ."""
    found = {
        "\n".join(_CERTIFICATE.findall(host.running.ca)): host.running.ca_path for host in hosts if host.running.ca
    }
    if len(found) > 1:
        for host in hosts:
            host.draft.to_do("hosts have different CAs", "set apiserver_ca: without it certificates are not verified")
    [(text, place), *others] = found.items() or [("", "")]
    return (f"{text}\n", place) if text and not others else ("", "")


def _note_verified(hosts: Sequence[HostSeen], shared: Mapping[str, Said]) -> None:
    if shared["haproxy.check"].value == "tcp":
        return
    for host in hosts:
        server = host.listener.servers[0]
        if server.parameters.get("verify", "none") != "required":
            words = "an apiserver whose certificate is not the CA's, or has expired, gets no connections"
            host.draft.change("health checks without `verify required`", words, server.line.place)
