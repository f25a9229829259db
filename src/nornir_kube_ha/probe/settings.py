"""What the client asks, and how often: the first line on its stdin."""

from __future__ import annotations

import json
from typing import NamedTuple

ADDRESS, READ, CACHED, WRITE, WATCH, CUT = "address", "read", "cached", "write", "watch", "cut"
"""Kinds of attempts. ADDRESS: `Config.path` was asked for. READ: from etcd. CACHED: from the apiserver's watch cache.
WATCH: from a write's acknowledgement until a watch heard of it. CUT: a watch ended, or could not be opened again ("not
opened: ...")."""

FINISHED = "finished"
"""How a watch ends that its apiserver ends, with a whole answer, as after 3 s without an etcd leader."""


class Kubernetes(NamedTuple):
    """What a client of the Kubernetes API does, beside asking whether the address answers.

    Arguments:
        ca: certificates in PEM that the apiserver's must lead to; none to verify nothing
        token: bearer token; "" without
        certificate: client certificate in PEM; "" without
        key: its key in PEM
        namespace: where its objects are; it is created, and deleted at the end
        rate: reads a second, and as many writes; half as many reads from the watch cache
        watches: how many listen to the object that changes, and how many to one that does not
        patience: seconds until a request, or a watch that hears nothing, is given up
    """

    ca: str | None = None
    token: str = ""
    certificate: str = ""
    key: str = ""
    namespace: str = "kube-ha-probe"
    rate: float = 20.0
    watches: int = 5
    patience: float = 10.0

    def __repr__(self) -> str:
        """Without the credential."""
        return f"Kubernetes(namespace={self.namespace!r}, rate={self.rate}, watches={self.watches})"


class Config(NamedTuple):
    """What is asked, and how often.

    Arguments:
        address: of the server, an IP address
        port: of the server
        server_name: what its certificate must name, and what it is called in each request
        ca: certificates in PEM that its own must lead to; none to verify nothing
        path: what is asked for
        rate: new connections a second
        connections: how many long-lived ones are kept beside them
        reuse_interval: seconds from one request to the next on each of these
        timeout: seconds until an attempt has failed that was not answered
        late_threshold: seconds of our own lateness from which on it is taken off the time of those who waited
        kubernetes: what is done through the Kubernetes API; none without a credential
    """

    address: str
    port: int
    server_name: str
    ca: str | None = None
    path: str = "/readyz"
    rate: float = 50.0
    connections: int = 10
    reuse_interval: float = 0.2
    timeout: float = 0.5
    late_threshold: float = 0.05
    kubernetes: Kubernetes | None = None

    def line(self) -> bytes:
        """As the client reads it."""
        kubernetes = self.kubernetes._asdict() if self.kubernetes else None
        return json.dumps({**self._asdict(), "kubernetes": kubernetes}).encode() + b"\n"


def parse_config(line: bytes) -> Config:
    """Read settings.

    Arguments:
        line: as `Config.line` writes it

    Raises:
        ValueError: it is no JSON
        TypeError: its fields are others
    """
    config = Config(**json.loads(line))
    return config._replace(kubernetes=Kubernetes(**config.kubernetes)) if config.kubernetes else config  # type: ignore[arg-type]
