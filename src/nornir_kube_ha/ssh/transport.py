"""Open an SSH transport to a host with netmiko's parameters, retry while its sshd is overloaded, keep it alive."""

import contextlib
import random
import re
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import paramiko
from netmiko import BaseConnection
from paramiko.ssh_exception import IncompatiblePeer

from nornir_kube_ha.inventory.login_options import PATIENCE
from nornir_kube_ha.ssh.known_hosts import name_of, strict_client
from nornir_kube_ha.ssh.negotiation import AuthenticationTimeoutError, Transport, no_common_algorithm
from nornir_kube_ha.ssh.private_keys import with_key
from nornir_kube_ha.ssh.quick_socket import connect
from nornir_kube_ha.ssh.ssh_config import Jump, JumpError, connect_parameters

NETWORK = re.compile(
    "banner|time(d )?out|dropped|closed|shut down|no existing session|not active|negotiation failed", re.IGNORECASE
)
"""What paramiko's errors say if the network is to blame. A refusal has the same type of error."""
_HUNG_UP = re.compile("closed by|reset by peer", re.IGNORECASE)
"""What ssh says if the other side hangs up before authentication."""
ATTEMPTS = 3
BETWEEN_ATTEMPTS = (0.2, 0.6)  # seconds, at random, times the number of the attempt
QUICK_END = 2  # seconds; a slower failure is not retried
AT_A_JUMP_HOST = 8  # sshd lets 10 log in at one time by default (MaxStartups)
_TIMES = (("timeout", "conn_timeout"), ("banner_timeout", "banner_timeout"), ("auth_timeout", "auth_timeout"))
"""For each phase of a login, paramiko's and netmiko's name for its time-out."""
PROBES = {socket.TCP_KEEPIDLE: 5, socket.TCP_KEEPINTVL: 5, socket.TCP_KEEPCNT: 120}  # seconds, seconds, number


class LoginEndedError(paramiko.SSHException):
    """The server hung up during the login, after it had shown its key, as sshd does after too many refusals."""


class SlowLoginError(paramiko.SSHException):
    """The server speaks SSH, but the login did not finish in time."""


class _CrowdedError(Exception):
    """The server soon hung up, before it had shown its key, as sshd does at random while too many log in (MaxStartups).

    Arguments:
        error: paramiko's
    """

    def __init__(self, error: BaseException) -> None:
        self.error = error
        super().__init__(str(error))


@dataclass(frozen=True, slots=True)
class _Doors:
    """A limit, for each jump host, on the logins that go through it at one time."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    known: dict[tuple[str, ...], threading.BoundedSemaphore] = field(default_factory=dict)

    def of(self, command: tuple[str, ...], host: str) -> threading.BoundedSemaphore:
        """Return the semaphore of a command. Commands that differ only in the host behind the jump host share one."""
        with self.lock:
            way = tuple(word for word in command if host not in word)
            return self.known.setdefault(way, threading.BoundedSemaphore(AT_A_JUMP_HOST))


_DOORS = _Doors()


def open_transport(connection: BaseConnection) -> paramiko.SSHClient:
    """Log in as netmiko does (`auto_connect: false`), but without the interactive shell that it opens on top.

    An unused shell costs 30 % of a login, and leaves its history on a host that was only to be read. netmiko has no
    public way to log in without one. A test guards the two private names that this needs.

    Arguments:
        connection: netmiko's, not connected

    Raises:
        paramiko.SSHException, OSError, EOFError: the connection cannot be opened
        ValueError: its ssh_config file, or a known_hosts file, cannot be used
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            client = _connect_once(connection)
            break
        except _CrowdedError as crowded:
            if attempt == ATTEMPTS:
                raise crowded.error from None
        time.sleep(attempt * random.uniform(*BETWEEN_ATTEMPTS))  # noqa: S311 - only spreads the retries
    _keep_alive(client)
    connection.remote_conn_pre, connection.remote_conn = client, None  # netmiko's `disconnect` closes them
    return client


def _connect_once(connection: BaseConnection) -> paramiko.SSHClient:
    parameters = with_key(connect_parameters(connection))
    client = strict_client(connection, name_of(parameters["hostname"], parameters["port"]))
    try:
        with way_to(parameters) as sock:
            begun = time.monotonic()
            try:
                client.connect(**{**parameters, **_times(parameters), "sock": sock})
            except BaseException as error:
                if (told := _told(client, error, time.monotonic() - begun, parameters)) is error:
                    raise
                raise told from error
    except BaseException:
        client.close()
        raise
    return client


def _times(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return options that give the server `banner_timeout` to identify itself. paramiko would use the connection's."""
    patience = parameters.get("banner_timeout", PATIENCE["banner_timeout"])

    def factory(*arguments: Any, **named: Any) -> paramiko.Transport:  # noqa: ANN401 - the transport's own
        transport = authenticating_first(*arguments, **named)
        transport.handshake_timeout = patience
        return transport

    return {"timeout": patience, "transport_factory": factory}


def authenticating_first(*arguments: Any, **named: Any) -> paramiko.Transport:  # noqa: ANN401 - the transport's own
    """Return a transport that prefers AES-GCM among the same ciphers.

    With the others, paramiko compares the MAC of each packet byte by byte, in Python.
    """
    transport = Transport(*arguments, **named)
    options = transport.get_security_options()
    options.ciphers = sorted(options.ciphers, key=lambda name: "-gcm@" not in name)
    return transport


@contextlib.contextmanager
def way_to(parameters: Mapping[str, Any]) -> Iterator[socket.socket | Jump]:
    """Open a connection to a host, on which nothing was sent yet. It is closed if the block fails.

    Through a jump host, at most `AT_A_JUMP_HOST` such blocks run at one time.

    Arguments:
        parameters: from `connect_parameters`

    Raises:
        OSError: nothing answers
    """
    make_jump, host = parameters["sock"], parameters["hostname"]
    with _DOORS.of(make_jump.args, host) if make_jump else contextlib.nullcontext():
        sock = make_jump() if make_jump else connect(host, parameters["port"], parameters["timeout"])
        try:
            yield sock
        except BaseException:
            sock.close()
            raise


def _told(
    client: paramiko.SSHClient, error: BaseException, took: float, parameters: Mapping[str, Any]
) -> BaseException:
    """Return what an error means, by how far the login had come. Only a `_CrowdedError` is worth a retry.

    paramiko tries a key file as each type of key. Its error says of which type the file is not, even if the host had
    refused the key.
    """
    refusal = getattr(client.get_transport(), "refusal", None)
    error = refusal if refusal and isinstance(error, paramiko.SSHException) else error
    if isinstance(error, IncompatiblePeer):
        return no_common_algorithm(client.get_transport(), error)
    if words := _too_slow(client.get_transport(), error, took, parameters):
        return SlowLoginError(words)
    hung_up = isinstance(error, ConnectionResetError | EOFError) or (
        type(error) in {paramiko.SSHException, paramiko.AuthenticationException}
        and NETWORK.search(str(error)) is not None
    )
    jump = isinstance(error, JumpError)
    transport = client.get_transport()
    if transport and transport.initial_kex_done:
        return (
            LoginEndedError(f"the server closed the connection during the login ({error})")
            if hung_up and not jump
            else error
        )
    crowded = _HUNG_UP.search(str(error)) is not None if jump else hung_up and "known_hosts" not in str(error)
    return _CrowdedError(error) if crowded and took <= QUICK_END else error


def _too_slow(
    transport: paramiko.Transport | None, error: BaseException, took: float, parameters: Mapping[str, Any]
) -> str:
    """Return what the server did not do in time; "" if the login failed for another reason, or nothing was received."""
    connect, banner, auth = (parameters.get(key, PATIENCE[name]) for key, name in _TIMES)
    if isinstance(error, AuthenticationTimeoutError):
        seconds = auth
    elif isinstance(error, paramiko.SSHException | EOFError) and _has_spoken(transport) and took >= banner * 0.95:
        seconds = banner
    else:
        return ""
    return (
        f"did not finish the login within {seconds:g} s. If it is only slow (PAM, UseDNS, load), raise "
        f"auth_timeout ({auth:g} s), banner_timeout ({banner:g} s) or conn_timeout ({connect:g} s) in "
        "connection_options.netmiko.extras"
    )


def _has_spoken(transport: paramiko.Transport | None) -> bool:
    """Return whether the server has sent its SSH banner, and has not finished its key exchange."""
    return transport is not None and bool(transport.remote_version) and not transport.initial_kex_done


def _keep_alive(client: paramiko.SSHClient) -> None:
    """Enable keepalive: a host that was booted again answers with a reset. One that is only silent may still answer."""
    transport = client.get_transport()
    if transport and isinstance(transport.sock, Jump):
        transport.set_keepalive(PROBES[socket.TCP_KEEPIDLE])  # lets the jump host notice that the host is gone
    elif transport and isinstance(transport.sock, socket.socket):
        transport.sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in PROBES.items():
            transport.sock.setsockopt(socket.IPPROTO_TCP, option, value)
