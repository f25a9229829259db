"""SSH's transport to a host: opened by netmiko's own parameters, tried again where there is a crowd, kept alive."""

import contextlib
import random
import re
import socket
import threading
import time

import paramiko
from netmiko import BaseConnection

from nornir_kube_ha.tasks.known_hosts import name_of, strict_client
from nornir_kube_ha.tasks.quick_socket import connect
from nornir_kube_ha.tasks.ssh_config import Jump, JumpError, connect_parameters

NETWORK = re.compile(
    "banner|time(d )?out|dropped|closed|shut down|no existing session|not active|negotiation failed", re.IGNORECASE
)
"""What paramiko says, in errors of the same types as a refusal's, when the network is to blame."""
_HUNG_UP = re.compile("closed by|reset by peer", re.IGNORECASE)
"""What ssh says where the other side hangs up before anybody was asked for a key."""
ATTEMPTS = 3
BETWEEN_ATTEMPTS = (0.2, 0.6)  # seconds, at random; longer from one to the next
QUICK_END = 2  # seconds; what takes longer than that to fail is not tried again
_AT_JUMP_HOSTS = threading.BoundedSemaphore(8)  # by sshd's default, 10 may be on their way in at one time (MaxStartups)
PROBES = {socket.TCP_KEEPIDLE: 5, socket.TCP_KEEPINTVL: 5, socket.TCP_KEEPCNT: 120}  # seconds, seconds, number


def open_transport(connection: BaseConnection) -> paramiko.SSHClient:
    """Netmiko's own login (`auto_connect: false`), without the interactive shell that it opens on top.

    A shell that nobody types in still costs 30 % of a login, and leaves its history behind on a host that was only to
    be looked at. netmiko has no public way to log in without one; its two private names are held by a test.

    Arguments:
        connection: netmiko's, not connected

    Raises:
        paramiko.SSHException, OSError, EOFError: it cannot be opened
        ValueError: its ssh_config file cannot be used
    """
    for attempt in range(1, ATTEMPTS + 1):
        begun = time.monotonic()
        try:
            client = _connect_once(connection)
            break
        except (paramiko.SSHException, OSError, EOFError) as error:
            if attempt == ATTEMPTS or not _may_be_crowded(error, time.monotonic() - begun):
                raise
        time.sleep(attempt * random.uniform(*BETWEEN_ATTEMPTS))  # noqa: S311 - so that not all come back at once
    _keep_alive(client)
    connection.remote_conn_pre, connection.remote_conn = client, None  # what its own `disconnect` closes
    return client


def _connect_once(connection: BaseConnection) -> paramiko.SSHClient:
    parameters = connect_parameters(connection)
    client = strict_client(connection, name_of(parameters["hostname"], parameters["port"]))
    make_jump = parameters.pop("sock")
    try:
        with _AT_JUMP_HOSTS if make_jump else contextlib.nullcontext():
            sock = make_jump() if make_jump else connect(*(parameters[key] for key in ("hostname", "port", "timeout")))
            with contextlib.ExitStack() as unless_connected:
                unless_connected.callback(sock.close)
                client.connect(**parameters, sock=sock)
                unless_connected.pop_all()
    except BaseException:
        client.close()
        raise
    return client


def _may_be_crowded(error: Exception, took: float) -> bool:
    """Whether a server hung up because too many were at its door at once: sshd does, at random (MaxStartups)."""
    if took > QUICK_END:
        return False
    if isinstance(error, JumpError):
        return _HUNG_UP.search(str(error)) is not None
    return isinstance(error, ConnectionResetError | EOFError) or (
        type(error) is paramiko.SSHException and NETWORK.search(str(error)) is not None
    )


def _keep_alive(client: paramiko.SSHClient) -> None:
    """Have a host that was booted again say so at once; one that only says nothing for a while may still answer."""
    transport = client.get_transport()
    if transport and isinstance(transport.sock, Jump):
        transport.set_keepalive(PROBES[socket.TCP_KEEPIDLE])  # for the jump host to notice that the host has gone
    elif transport and isinstance(transport.sock, socket.socket):
        transport.sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in PROBES.items():
            transport.sock.setsockopt(socket.IPPROTO_TCP, option, value)
