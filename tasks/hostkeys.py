"""A host's SSH key, asked for before anybody logs in: whether it is known, and where it would be pinned."""

import contextlib
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import paramiko
from nornir.core.task import Result, Task
from paramiko.ssh_exception import IncompatiblePeer

from nornir_kube_ha.ssh.known_hosts import SYSTEM_FILE, known_keys, name_of
from nornir_kube_ha.ssh.login import connection_to, login_errors
from nornir_kube_ha.ssh.negotiation import Transport, no_common_algorithm
from nornir_kube_ha.ssh.ssh_config import Jump, connect_parameters
from nornir_kube_ha.ssh.transport import way_to

RSA = "rsa-sha2-512"  # how a key that known_hosts calls ssh-rsa is asked for


class KeyState(Enum):
    """What is known of a host's key."""

    KNOWN = "known"
    NEW = "new"
    CHANGED = "CHANGED"


@dataclass(frozen=True, slots=True)
class HostKey:
    """The key that a host shows.

    Arguments:
        name: of the host in a file of known keys: `192.0.2.11`, `[192.0.2.11]:2222`
        kind: `ssh-ed25519`
        base64: the key itself, as such files write it
        fingerprint: `SHA256:...`, as `ssh-keygen -l` prints it
        state: whether it is the one that is known
        file: where it is pinned, and where a login looks for it
    """

    name: str
    kind: str
    base64: str
    fingerprint: str
    state: KeyState
    file: Path

    @property
    def line(self) -> str:
        """As a file of known keys holds it."""
        return f"{self.name} {self.kind} {self.base64}"


def get_host_key(task: Task) -> Result:
    """Ask a host for its SSH key. Nobody logs in, and no credential is sent.

    Returns:
        Result object with the following attributes set:
          * result (:obj:`HostKey`): the key, and what is known of it

    Raises:
        HostUnreachableError: no SSH server answers
        LoginRefusedError: the connection options cannot be used
    """
    with login_errors(task):
        connection = connection_to(task, with_secrets=False)
        parameters = connect_parameters(connection)
        name = name_of(parameters["hostname"], parameters["port"])
        known = {kind: key.get_base64() for kind, key in known_keys(connection, name).items()}
        with way_to(parameters) as sock:
            key = _ask(sock, known, parameters)
    kind, base64 = key.get_name(), key.get_base64()
    state = KeyState.NEW if not known else KeyState.KNOWN if known.get(kind) == base64 else KeyState.CHANGED
    file = Path(connection.alt_key_file) if connection.alt_host_keys else SYSTEM_FILE.expanduser()
    return Result(host=task.host, result=HostKey(name, kind, base64, key.fingerprint, state, file))


def _ask(sock: socket.socket | Jump, known: dict[str, str], parameters: Mapping[str, Any]) -> paramiko.PKey:
    patience, fewer = parameters["banner_timeout"], parameters["disabled_algorithms"]
    with contextlib.closing(sock), contextlib.closing(Transport(sock, disabled_algorithms=fewer)) as transport:
        transport.banner_timeout = transport.handshake_timeout = patience
        options = transport.get_security_options()
        first = [RSA if kind == "ssh-rsa" else kind for kind in known]
        options.key_types = sorted(options.key_types, key=lambda kind: kind not in first)  # as a login does
        try:
            transport.start_client(timeout=patience)
        except IncompatiblePeer as error:
            raise no_common_algorithm(transport, error) from error
        return transport.get_remote_server_key()
