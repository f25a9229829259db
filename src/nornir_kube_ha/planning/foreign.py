"""Find out who wrote a host's live configuration, and what stops when a deploy replaces it. No I/O.

A file is ours if it has our header, or if the host has a record that a run wrote it. The record is for templates of the
inventory, which need no header. Manual edits of our files are drift, which a deploy repairs. Every other file is
foreign, and in use if its unit runs or starts at boot.

Two kinds of foreign file are replaced without a question. One is the file that the package ships, which nobody
configured. The other is the file of a unit that neither runs nor starts at boot, since nothing stops with it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from nornir_kube_ha.daemons import parse_haproxy_cfg, parse_keepalived_conf
from nornir_kube_ha.daemons.text import text_of
from nornir_kube_ha.facts import Facts
from nornir_kube_ha.facts.origin import UNKNOWN_ORIGIN
from nornir_kube_ha.intent import Cluster
from nornir_kube_ha.intent.names import HAPROXY_CFG, KEEPALIVED_CONF
from nornir_kube_ha.text import one_line, shortened

HEADER = "Written by nornir-kube-ha for cluster "
_REST_OF_HEADER = ". Changes made here"
MOST_NAMES = 8  # listeners or addresses named in a message
LONGEST_NAME = 60  # characters
DAEMON_OF = {HAPROXY_CFG: "haproxy", KEEPALIVED_CONF: "keepalived"}


@dataclass(frozen=True, slots=True)
class ForeignFile:
    """A foreign file that a daemon uses.

    Arguments:
        path: path of the file
        daemon: daemon that reads it
        runs: whether the daemon runs; otherwise it starts at boot
        written_for: the cluster that kube-ha wrote it for, "" if kube-ha did not write it
        does: what stops with it, in a few words each
    """

    path: str
    daemon: str
    runs: bool
    written_for: str
    does: tuple[str, ...]

    def __str__(self) -> str:
        """Return what stops when the file is replaced, as a sentence."""
        whose = f"was written for cluster {self.written_for}" if self.written_for else "was not written by kube-ha"
        use = "runs with it" if self.runs else "starts with it at boot"
        return f"{self.path} {whose}, and {self.daemon} {use}: replacing it ends {_listed(self.does)}"


def cluster_in_header(content: bytes) -> str | None:
    """Return the cluster named in a file's kube-ha header; None if the file has no such header.

    Arguments:
        content: the file; only the first 256 KiB are read
    """
    before, found, rest = text_of(content).partition(HEADER)
    comment = before.rpartition("\n")[2].strip()
    if not found or not comment or comment.strip("#! "):
        return None
    line = rest.partition("\n")[0]
    return line.partition(_REST_OF_HEADER)[0].strip().removesuffix(".")


def is_ours(cluster: Cluster, facts: Facts, path: str) -> bool:
    """Return whether kube-ha wrote a live file for this cluster, under its present name or an earlier one.

    Arguments:
        cluster: the host's cluster, from the inventory
        facts: facts of the host
        path: a file in these facts
    """
    writer = written_for(facts, path)
    if writer is None:
        return False
    return writer in {"", cluster.name} or _is_renamed(cluster, facts, writer)


def written_for(facts: Facts, path: str) -> str | None:
    """Return the cluster that kube-ha wrote a live file for, "" if unknown; None if kube-ha did not write it.

    Arguments:
        facts: facts of the host
        path: a file in these facts
    """
    named = cluster_in_header(facts.files[path].content)
    if named is not None:
        return named
    origin = facts.origins.get(path, UNKNOWN_ORIGIN)
    return origin.cluster if origin.is_ours else None


def _is_renamed(cluster: Cluster, facts: Facts, writer: str) -> bool:
    """Return whether the writer is this cluster under an earlier name: the live file has one of its VIPs."""
    if KEEPALIVED_CONF not in facts.files or written_for(facts, KEEPALIVED_CONF) != writer:
        return False
    ours = {vip.ip for vip in cluster.vips}
    return any(router.vips & ours for router in facts.keepalived_conf.vrrp_instances)


def foreign_files(cluster: Cluster, facts: Facts, paths: frozenset[str]) -> tuple[ForeignFile, ...]:
    """Return the foreign files in use that a change would replace.

    Arguments:
        cluster: the host's cluster, from the inventory
        facts: facts of the host
        paths: files that the change writes or removes
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
    """Return what the daemon does with a file, listeners first."""
    if path == KEEPALIVED_CONF:
        return parse_keepalived_conf(content).does
    sections = [section for section in parse_haproxy_cfg(content).sections if section.serves]
    return tuple(map(str, sorted(sections, key=lambda section: not section.binds)))


def _listed(names: tuple[str, ...]) -> str:
    """Return names for a message: the first few, shortened to one line each, and the number of the others.

    Arguments:
        names: untrusted text from a host
    """
    shown = ", ".join(shortened(one_line(name), LONGEST_NAME) for name in names[:MOST_NAMES])
    return f"{shown} and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else shown
