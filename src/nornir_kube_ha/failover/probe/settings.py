"""Settings of the probe client: the first line on its stdin."""

from __future__ import annotations

import json
from typing import NamedTuple

ADDRESS, READ, CACHED, WRITE, WATCH, CUT = "address", "read", "cached", "write", "watch", "cut"
"""Kinds of attempts. ADDRESS: a request for `Config.path`. READ: from etcd. CACHED: from the apiserver's watch cache.
WATCH: from a write's acknowledgement to its event. CUT: the end of a watch, or a failure to reopen it ("not opened:
...")."""

FINISHED = "finished"
"""How a watch ends that the apiserver ends with a complete answer, as after 3 s without an etcd leader."""


class Kubernetes(NamedTuple):
    """Settings of the Kubernetes API client.

    Arguments:
        ca: CA certificates in PEM to verify the apiserver with; None to verify nothing
        token: bearer token, "" for none
        certificate: client certificate in PEM, "" for none
        key: its key in PEM
        namespace: namespace of the objects; it is created, and deleted at the end
        rate: reads a second, and as many writes; half as many reads from the watch cache
        watches: number of watches on each object, the changing one and the idle one
        patience: seconds after which a request, or a watch without events, is given up
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
        """Return a text without the credential."""
        return f"Kubernetes(namespace={self.namespace!r}, rate={self.rate}, watches={self.watches})"


class Config(NamedTuple):
    """What to request, and how often.

    Arguments:
        address: IP address of the server
        port: port of the server
        server_name: name that its certificate must have, also sent in `Host`
        ca: CA certificates in PEM to verify the server with; None to verify nothing
        path: path of the request
        rate: new connections a second
        connections: number of long-lived connections
        reuse_interval: seconds from one request to the next on each long-lived connection
        timeout: seconds after which an unanswered attempt has failed
        late_threshold: seconds of the client's own lateness above which it extends the time limits of waiting attempts
        kubernetes: settings of the Kubernetes API client; None without a credential
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
        """Return the settings as a line for the client's stdin."""
        kubernetes = self.kubernetes._asdict() if self.kubernetes else None
        return json.dumps({**self._asdict(), "kubernetes": kubernetes}).encode() + b"\n"


def parse_config(line: bytes) -> Config:
    """Parse the settings.

    Arguments:
        line: a line as written by `Config.line`

    Raises:
        ValueError: the line is not JSON
        TypeError: the fields do not match
    """
    config = Config(**json.loads(line))
    return config._replace(kubernetes=Kubernetes(**config.kubernetes)) if config.kubernetes else config  # type: ignore[arg-type]
