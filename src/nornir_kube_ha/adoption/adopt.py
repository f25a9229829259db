"""Make an inventory of what runs on hosts. No I/O; time is linear in the length of their files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nornir_kube_ha.adoption.cluster import OWN, Merged, merge
from nornir_kube_ha.adoption.document import Commented, to_yaml
from nornir_kube_ha.adoption.draft import Said
from nornir_kube_ha.adoption.election import with_same_vips
from nornir_kube_ha.adoption.host import read_host
from nornir_kube_ha.adoption.note import Kind, Note
from nornir_kube_ha.adoption.running import Running

SECRET_FILES = {"haproxy.stats.password": "stats-password", "keepalived.auth_pass": "auth-pass"}
MOST_NOTES = 200  # of a host
HOSTS, GROUPS, DEFAULTS = "hosts.yaml", "groups.yaml", "defaults.yaml"


@dataclass(frozen=True, slots=True)
class Reached:
    """How a host is reached, for the inventory.

    Arguments:
        hostname: as the operator named it
        port: None for SSH's own
        username: "" if none was named
        extras: connection options of netmiko
        data: keys of the host's data that are about its login or its lab
    """

    hostname: str
    port: int | None = None
    username: str = ""
    extras: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Written:
    """A file of the adopted inventory.

    Arguments:
        text: kept out of `repr`, since it may be a password
        is_secret: whether nobody but its owner may read it
    """

    text: str = field(repr=False)
    is_secret: bool = False


@dataclass(frozen=True, slots=True)
class Adoption:
    """An inventory that says what runs on hosts.

    Arguments:
        files: by path relative to its folder
        clusters: names of hosts by cluster
        notes: what a deploy of it ends or changes, and what must be done before it, by host
    """

    files: Mapping[str, Written]
    clusters: Mapping[str, tuple[str, ...]]
    notes: Mapping[str, tuple[Note, ...]]

    def shared_notes(self) -> dict[tuple[str, ...], list[Note]]:
        """Return the notes by the hosts that they are about, what ends first."""
        hosts: dict[Note, list[str]] = {}
        for name, notes in self.notes.items():
            for note in dict.fromkeys(notes):
                hosts.setdefault(note, []).append(name)
        found: dict[tuple[str, ...], list[Note]] = {}
        order = list(Kind)
        for note in sorted(hosts, key=lambda each: order.index(each.kind)):
            found.setdefault(tuple(hosts[note]), []).append(note)
        return found


def adopt(running: Sequence[Running], reached: Mapping[str, Reached]) -> Adoption:
    """Return the inventory that says what runs on hosts.

    Arguments:
        running: what runs on each
        reached: how each is reached, by its name

    Raises:
        AdoptionError: what runs on a host cannot be turned into an inventory
    """
    groups = with_same_vips(map(read_host, running))
    clusters = [merge(hosts, number, len(groups)) for number, hosts in enumerate(groups, 1)]
    clusters = _with_names(clusters)
    files = {HOSTS: Written(_hosts(clusters, reached)), GROUPS: Written(_groups(clusters, reached))}
    files[DEFAULTS] = Written(to_yaml("Adopted by kube-ha.", {"platform": "linux"}))
    for cluster in clusters:
        files |= _further_files(cluster)
    notes = {host.name: _most(host.draft.notes) for cluster in clusters for host in cluster.hosts}
    return Adoption(files, {each.name: tuple(host.name for host in each.hosts) for each in clusters}, notes)


def _most(notes: Sequence[Note]) -> tuple[Note, ...]:
    """Return notes, as many as a person can read."""
    if len(notes) <= MOST_NOTES:
        return tuple(notes)
    return (
        *notes[:MOST_NOTES],
        Note(Kind.TO_DO, f"{len(notes) - MOST_NOTES} notes more", "look at the files themselves"),
    )


def _with_names(clusters: list[Merged]) -> list[Merged]:
    """Return the clusters, each with a name that no other has."""
    names: set[str] = set()
    found = []
    for number, each in enumerate(clusters, 1):
        name = each.name if each.name not in names else f"kube-{number}"
        names.add(name)
        found.append(Merged(name, each.hosts, each.shared, each.ca))
    return found


def _hosts(clusters: Sequence[Merged], reached: Mapping[str, Reached]) -> str:
    tree: dict[str, object] = {}
    for cluster in clusters:
        for host in cluster.hosts:
            way = reached[host.name]
            level: dict[str, object] = {"hostname": way.hostname}
            level |= {"port": way.port} if way.port else {}
            level |= _login(way) if not _same_way(cluster, reached) else {}
            level["groups"] = [cluster.name]
            settings = {
                key: said for key in OWN if key not in cluster.shared and (said := host.draft.settings.get(key))
            }
            if "address" in settings and settings["address"].value == way.hostname:
                del settings["address"]
            level["data"] = dict(way.data) | _tree(settings, host.name)
            tree[host.name] = level
    return to_yaml("Adopted by kube-ha. Behind each value stands where it was found on that host.", tree)


def _login(way: Reached) -> dict[str, object]:
    level: dict[str, object] = {"username": way.username} if way.username else {}
    if way.extras:
        level["connection_options"] = {"netmiko": {"extras": dict(way.extras)}}
    return level


def _same_way(cluster: Merged, reached: Mapping[str, Reached]) -> bool:
    ways = [reached[host.name] for host in cluster.hosts]
    return all((way.username, way.extras) == (ways[0].username, ways[0].extras) for way in ways)


def _groups(clusters: Sequence[Merged], reached: Mapping[str, Reached]) -> str:
    tree: dict[str, object] = {}
    for cluster in clusters:
        level = _login(reached[cluster.hosts[0].name]) if _same_way(cluster, reached) else {}
        shared = dict(cluster.shared)
        shared.pop("cluster", None)
        master = cluster.hosts[0].name
        first = (
            "vip",
            "additional_vips",
            "interface",
            "virtual_router_id",
            "virtual_routers",
            "control_plane_endpoint",
        )
        ordered = {key: shared.pop(key) for key in (*first, "apiserver_ca", "apiservers") if key in shared}
        for key, name in SECRET_FILES.items():
            if key in shared and key in cluster.hosts[0].draft.secrets:
                shared[key] = Said({"file": f"secrets/{cluster.name}-{name}"}, shared[key].place, shared[key].words)
        if "apiserver_ca" in ordered:
            ordered["apiserver_ca"] = Said(_ca_file(cluster), None, ordered["apiserver_ca"].words)
        level["data"] = {"cluster": cluster.name} | _tree(ordered | shared, master)
        tree[cluster.name] = level
    return to_yaml("Adopted by kube-ha. Behind each value stands the host and where it was found there.", tree)


def _ca_file(cluster: Merged) -> str:
    return f"pki/{cluster.name}-ca.crt"


def _tree(settings: Mapping[str, Said], host: str) -> dict[str, object]:
    """Return settings as nested mappings, each value with its comment."""
    tree: dict[str, object] = {}
    for key, said in settings.items():
        *sections, name = key.split(".")
        level = tree
        for section in sections:
            level = level.setdefault(section, {})  # type: ignore[assignment]  # sections hold mappings only
        level[name] = _commented(said, host)
    return tree


def _commented(said: Said, host: str) -> Commented:
    value = said.value
    if isinstance(value, tuple):
        value = [_commented(each, host) if isinstance(each, Said) else each for each in value]
    return Commented(value, f"{said.host or host}: {said.where}" if said.where else "")


def _further_files(cluster: Merged) -> dict[str, Written]:
    """Return the files that a cluster's group refers to: passwords and the CA."""
    files: dict[str, Written] = {}
    for key, name in SECRET_FILES.items():
        if key in cluster.shared and (secret := cluster.hosts[0].draft.secrets.get(key)):
            files[f"secrets/{cluster.name}-{name}"] = Written(f"{secret.get_secret_value()}\n", is_secret=True)
    if cluster.ca:
        files[_ca_file(cluster)] = Written(cluster.ca)
    return files
