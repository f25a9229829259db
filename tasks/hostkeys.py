"""Read a host's SSH key before any login: whether it is known, and in which file it would be pinned."""

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

RSA = "rsa-sha2-512"  # signature algorithm to ask for where known_hosts has an ssh-rsa key (RFC 8332)


class KeyState(Enum):
    """Whether a host's key is the known one."""

    KNOWN = "known"
    NEW = "new"
    CHANGED = "CHANGED"


@dataclass(frozen=True, slots=True)
class HostKey:
    """The key that a host presents.

    Arguments:
        name: of the host in known_hosts: `192.0.2.11`, `[192.0.2.11]:2222`
        kind: type of the key: `ssh-ed25519`
        base64: the key itself, as known_hosts has it
        fingerprint: `SHA256:...`, as `ssh-keygen -l` prints it
        state: whether it is the known key
        file: the known_hosts file that a login reads, and in which the key would be pinned
    """

    name: str
    kind: str
    base64: str
    fingerprint: str
    state: KeyState
    file: Path

    @property
    def line(self) -> str:
        """The key's line for known_hosts."""
        return f"{self.name} {self.kind} {self.base64}"


def get_host_key(task: Task) -> Result:
    """Ask a host for its SSH key, without a login. No credential is sent.

    Returns:
        Result object with the following attributes set:
          * result (:obj:`HostKey`): the key, and whether it is known

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
        options.key_types = sorted(options.key_types, key=lambda kind: kind not in first)  # as paramiko's `connect`
        try:
            transport.start_client(timeout=patience)
        except IncompatiblePeer as error:
            raise no_common_algorithm(transport, error) from error
        return transport.get_remote_server_key()
