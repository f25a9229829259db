"""The kubeconfigs on a host. Only their server URLs leave the host."""

from dataclasses import dataclass

UNREADABLE = "unreadable"
"""Stands for a URL that is not SCHEME://HOST[:PORT], since it may have a password in it."""


@dataclass(frozen=True, slots=True)
class Kubeconfig:
    """A kubeconfig on a host.

    Arguments:
        path: on the host
        servers: URL of each cluster's apiserver, without a path; or `UNREADABLE`; empty if no URL was found
    """

    path: str
    servers: tuple[str, ...]


def parse_kubeconfigs(text: str | None) -> tuple[Kubeconfig, ...] | None:
    """Parse section `kubeconfigs`: a line `file PATH`, then a line `server URL` for each cluster.

    Arguments:
        text: of the section; None if the host was not asked

    Returns:
        The kubeconfigs, in the host's order; None if the host was not asked
    """
    if text is None:
        return None
    found: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        kind, _, words = line.partition(" ")
        if kind == "file":
            found.append((words, []))
        elif kind == "server" and found:
            found[-1][1].append(words)
    return tuple(Kubeconfig(path, tuple(servers)) for path, servers in found)
