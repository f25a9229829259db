"""Which checks fail because another one does: a report names the cause first, and what follows from it."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from nornir_kube_ha.checks.model import Finding, Status

_HAPROXY = "haproxy.active"
CAUSES: Mapping[str, tuple[str, ...]] = {
    "haproxy.listening": (_HAPROXY,),
    "haproxy.apiservers_up": ("packages.installed", _HAPROXY),
    "haproxy.stats": (_HAPROXY, "haproxy.stats_password"),
    "haproxy.reached_by_peers": (_HAPROXY, "haproxy.listening", "host.firewall", "apiserver.certificates"),
    "haproxy.peers": (_HAPROXY,),
    "haproxy.clients": (_HAPROXY, "haproxy.peers"),
    "keepalived.state": ("keepalived.active", _HAPROXY),
    "keepalived.able": ("keepalived.active",),
    "vrrp.adverts": ("keepalived.active",),
    "vip.readyz": ("apiserver.certificates",),
    "vip.version": ("apiserver.certificates",),
    "vip.stats": ("haproxy.stats_password",),
    "vip.from_controller": ("apiserver.certificates",),
    "vip.arp": ("vip.single_holder",),
}
"""By a check's id, the checks whose failure explains its own, on the same host or in the same cluster.

`haproxy.apiservers_up` explains nothing: it fails for one apiserver of three, too, behind which all is served.
"""
_RED = (Status.WARN, Status.FAIL)  # a warning explains no failure

Findings = tuple[Finding, ...]


def with_causes(hosts: Mapping[str, Findings], cluster: Findings, name: str) -> tuple[dict[str, Findings], Findings]:
    """Return findings of a cluster and of its hosts, each with its cause: `lb-2: haproxy.active`.

    A cause has none itself. The cause of a host's finding is on the same host or in the cluster, that of a cluster's
    finding anywhere in the cluster.

    Arguments:
        hosts: findings of each of its hosts, by name
        cluster: findings of the cluster
        name: name of the cluster
    """
    red = {
        (where, each.id): each
        for where, found in [*hosts.items(), (name, cluster)]
        for each in found
        if each.status in _RED
    }

    def causes(where: str, found: Finding) -> Iterator[tuple[str, str]]:
        places = (where, name) if where != name else (name, *hosts)
        for cause in CAUSES.get(found.id, ()):
            yield from (
                (place, cause)
                for place in places
                if (place, cause) in red and _RED.index(red[place, cause].status) >= _RED.index(found.status)
            )

    def root(where: str, found: Finding) -> str:
        if found.status not in _RED or not (nearest := next(causes(where, found), None)):
            return ""
        place, cause = nearest
        return root(place, red[nearest]) or f"{place}: {cause}"

    def explained(where: str, findings: Findings) -> Findings:
        return tuple(replace(each, cause=root(where, each)) for each in findings)

    return {where: explained(where, found) for where, found in hosts.items()}, explained(name, cluster)
