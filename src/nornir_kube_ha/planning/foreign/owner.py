"""Who wrote a host's live configuration, and what ends when a deploy replaces it. Pure.

A file is ours if it has our header or the host has kept that a run of ours wrote it (an inventory's own templates need
no header). What was changed in it by hand is drift, which a deploy repairs. Anything else is foreign, and in use if its
unit runs or starts at boot. Two foreign files may be replaced without a question: the one that a package ships, since
nobody configured it, and the one of a unit that neither runs nor starts at boot, since nothing ends with it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from nornir_kube_ha.facts import Facts
from nornir_kube_ha.facts.origin import UNKNOWN_ORIGIN
from nornir_kube_ha.intent import Cluster
from nornir_kube_ha.intent.names import HAPROXY_CFG, KEEPALIVED_CONF
from nornir_kube_ha.planning.foreign.haproxy_cfg import haproxy_sections
from nornir_kube_ha.planning.foreign.keepalived_conf import parse_keepalived_conf
from nornir_kube_ha.planning.foreign.text import listed, text_of

HEADER = "Written by nornir-kube-ha for cluster "
_REST_OF_HEADER = ". Changes made here"
DAEMON_OF = {HAPROXY_CFG: "haproxy", KEEPALIVED_CONF: "keepalived"}


@dataclass(frozen=True, slots=True)
class ForeignFile:
    """A live file that was not written for the cluster, and that a daemon uses.

    Arguments:
        path: where it is
        daemon: that reads it
        runs: whether the daemon runs; else it starts at boot
        written_for: the cluster that a run of ours wrote it for, "" if none did
        does: what ends with it, each in a few words
    """

    path: str
    daemon: str
    runs: bool
    written_for: str
    does: tuple[str, ...]

    def __str__(self) -> str:
        """What ends, in one sentence."""
        whose = f"was written for cluster {self.written_for}" if self.written_for else "was not written by kube-ha"
        use = "runs with it" if self.runs else "starts with it at boot"
        return f"{self.path} {whose}, and {self.daemon} {use}: replacing it ends {listed(self.does)}"


def cluster_in_header(content: bytes) -> str | None:
    """Return the cluster that our header names in a file; None if the file has no such header.

    Arguments:
        content: the file's bytes; what is beyond the first 256 KiB is not read
    """
    before, found, rest = text_of(content).partition(HEADER)
    comment = before.rpartition("\n")[2].strip()
    if not found or not comment or comment.strip("#! "):
        return None
    line = rest.partition("\n")[0]
    return line.partition(_REST_OF_HEADER)[0].strip().removesuffix(".")


def is_ours(cluster: Cluster, facts: Facts, path: str) -> bool:
    """Return whether a live file was written for this cluster, perhaps under an earlier name of it.

    Arguments:
        cluster: the host's, as it should be
        facts: of the host
        path: of a file that it has
    """
    writer = written_for(facts, path)
    if writer is None:
        return False
    return writer in {"", cluster.name} or _is_renamed(cluster, facts, writer)


def written_for(facts: Facts, path: str) -> str | None:
    """Return the cluster that a run of ours wrote a live file for, "" if unknown; None if no run of ours wrote it.

    Arguments:
        facts: of the host
        path: of a file that it has
    """
    named = cluster_in_header(facts.files[path].content)
    if named is not None:
        return named
    origin = facts.origins.get(path, UNKNOWN_ORIGIN)
    return origin.cluster if origin.is_ours else None


def _is_renamed(cluster: Cluster, facts: Facts, writer: str) -> bool:
    """A cluster of another name that has one of this cluster's VIPs is the same one, renamed."""
    live = facts.files.get(KEEPALIVED_CONF)
    if live is None or written_for(facts, KEEPALIVED_CONF) != writer:
        return False
    ours = {vip.ip for vip in cluster.vips}
    return any(router.vips & ours for router in parse_keepalived_conf(live.content).routers)


def foreign_files(cluster: Cluster, facts: Facts, paths: frozenset[str]) -> tuple[ForeignFile, ...]:
    """Return the files in use that were not written for a cluster, of those that a change replaces.

    Arguments:
        cluster: the host's, as it should be
        facts: of the host
        paths: that the change writes or removes
    """
    return tuple(_foreign_files(cluster, facts, paths))


def _foreign_files(cluster: Cluster, facts: Facts, paths: frozenset[str]) -> Iterator[ForeignFile]:
    for path, daemon in DAEMON_OF.items():
        file, unit = facts.files.get(path), facts.units.get(daemon)
        if file is None or path not in paths or unit is None or not (unit.is_active or unit.enabled):
            continue
        if is_ours(cluster, facts, path) or facts.origins.get(path, UNKNOWN_ORIGIN).kind == "packaged":
            continue
        if does := _does(path, file.content):
            yield ForeignFile(path, daemon, unit.is_active, written_for(facts, path) or "", does)


def _does(path: str, content: bytes) -> tuple[str, ...]:
    """What a file has its daemon do: listeners first."""
    if path == KEEPALIVED_CONF:
        return parse_keepalived_conf(content).does
    sections = [section for section in haproxy_sections(content) if section.serves]
    return tuple(map(str, sorted(sections, key=lambda section: not section.binds)))
