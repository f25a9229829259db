"""The one login that a run has on a host: netmiko's own, with a known host key and without an interactive shell."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import paramiko
from netmiko import BaseConnection
from netmiko.exceptions import NetmikoAuthenticationException, NetmikoTimeoutException
from nornir.core.inventory import Host
from nornir.core.task import Task
from nornir_netmiko.connections import CONNECTION_NAME
from pydantic import SecretStr

from nornir_kube_ha.errors import (
    HostKeyChangedError,
    HostKeyUnknownError,
    HostUnreachableError,
    LoginRefusedError,
)
from nornir_kube_ha.inventory.load import inventory_folder, login_problems, login_site
from nornir_kube_ha.inventory.login_options import login_options
from nornir_kube_ha.inventory.login_words import LINUX
from nornir_kube_ha.inventory.merge import merged_data
from nornir_kube_ha.inventory.references import secret_at
from nornir_kube_ha.lab import door
from nornir_kube_ha.ssh.negotiation import NoCommonAlgorithmError
from nornir_kube_ha.ssh.ssh_config import JumpError
from nornir_kube_ha.ssh.transport import NETWORK, LoginEndedError, SlowLoginError, open_transport


@dataclass(frozen=True, slots=True)
class Login:
    """A login on a host.

    Arguments:
        client: of the SSH connection
        user: the account that is logged in
        sudo_password: the account's, for sudo; None if unknown
    """

    client: paramiko.SSHClient
    user: str
    sudo_password: SecretStr | None

    @property
    def is_root(self) -> bool:
        """Whether commands run as root without sudo."""
        return self.user == "root"


def login(task: Task) -> Login:
    """Return the login that the run has on the task's host. The first call logs in.

    Raises:
        HostUnreachableError: no SSH server answers
        LoginRefusedError: the host's key or our credentials are not accepted
    """
    with login_errors(task):
        connection = connection_to(task)
        client: paramiko.SSHClient | None = getattr(connection, "remote_conn_pre", None)
        client = client or open_transport(connection)
        transport, secret = client.get_transport(), connection.secret or connection.password
        user = (transport and transport.get_username()) or connection.username  # an ssh_config file may name the user
        return Login(client, user, SecretStr(secret) if secret else None)


def is_streaming(host: Host) -> bool:
    """Return whether the run has a login on a host on which a command keeps running."""
    plugin = host.connections.get(CONNECTION_NAME)
    client: paramiko.SSHClient | None = getattr(plugin.connection, "remote_conn_pre", None) if plugin else None
    return getattr(client.get_transport() if client else None, "is_streaming", False)


@contextmanager
def login_errors(task: Task) -> Iterator[None]:
    """Refuse a host whose login settings are not allowed, and convert errors of the login to kube-ha's.

    Raises:
        HostUnreachableError: no SSH server answers, or the host is in a lab and this thread is not
        LoginRefusedError: the host's key, our credentials or our settings are not accepted
    """
    host = task.host
    data = merged_data(host)
    refuse_outside_lab(host.name, data.get("lab"))
    for problem in login_problems(task.nornir, host, data):
        raise LoginRefusedError(host.name, f"{problem.key}: {problem.message}; nothing was sent")
    try:
        yield
    except (paramiko.SSHException, OSError, EOFError) as error:
        raise _login_error(host, error) from error
    except (KeyError, ValueError) as error:  # netmiko's, for invalid settings: no such platform, no such key file
        words = f"platform {host.platform}, {' '.join(str(error).split())}"
        raise LoginRefusedError(host.name, f"cannot log in with these settings: {words}") from error


def connection_to(task: Task, *, with_secrets: bool = True) -> BaseConnection:
    """Return nornir-netmiko's connection to the task's host. The first call makes one with our options.

    Arguments:
        with_secrets: whether to read passwords; False where nobody logs in

    Raises:
        KeyError: netmiko does not know the platform
        ValueError: netmiko cannot use these options, or a secret is missing
        OSError: a secret cannot be read
    """
    host, configuration = task.host, task.nornir.config
    if CONNECTION_NAME not in host.connections:
        data, folder = merged_data(host), inventory_folder(task.nornir)
        options = login_options(host, data, login_site(task.nornir))
        password = secret_at(data, ("login", "password"), folder) if with_secrets else None
        sudo = secret_at(data, ("login", "sudo_password"), folder) if with_secrets else None
        if sudo:
            options["secret"] = sudo.get_secret_value()  # netmiko's name for the sudo password
        _refuse_endless(options.get("key_file"))
        host.open_connection(
            CONNECTION_NAME,
            configuration,
            password=password.get_secret_value() if password else None,
            platform=LINUX,
            extras=options,
        )
    connection: BaseConnection = host.get_connection(CONNECTION_NAME, configuration)
    return connection


def _refuse_endless(key_file: str | None) -> None:
    """Refuse a key file that is not a regular file: to read a pipe or a device may never end."""
    file = Path(key_file).expanduser() if key_file else None
    if file and file.exists() and not file.is_file():
        raise ValueError(f"key_file {file}: expected a regular file")


def refuse_outside_lab(name: str, lab: object) -> None:
    """Refuse a host of a lab outside of that lab: there, its address may belong to a production host.

    Arguments:
        name: the host's, in the inventory
        lab: name of the host's lab; None if it is in none

    Raises:
        HostUnreachableError: this thread is not in that lab's network
    """
    if lab is not None and not door.is_inside(str(lab)):
        raise HostUnreachableError(
            name,
            f"is in lab {lab}, but this thread is outside the lab's network; nothing was sent. Runbooks "
            "enter the network themselves. Other code must call "
            f'nornir_kube_ha.lab.network.enter("{lab}") before it starts a thread',
        )


def _login_error(host: Host, error: Exception) -> HostUnreachableError | LoginRefusedError:
    """Return kube-ha's error for an error of the login.

    netmiko raises the same time-out for a refused port, a wrong host key and a real time-out. The cause tells them
    apart.
    """
    from_netmiko = isinstance(error, NetmikoTimeoutException | NetmikoAuthenticationException)
    cause = (error.__context__ if from_netmiko else None) or error
    address = f"{host.hostname}:{host.port or 22}"
    if isinstance(cause, JumpError):
        return _jump_error(host.name, f"the connection to {address}, by its ssh_config file, ended: {cause}")
    if isinstance(cause, paramiko.BadHostKeyException):
        words = (
            f"the host key of {address} has changed; nothing was sent. If the change is legitimate, "
            "remove the old key from"
        )
        return HostKeyChangedError(host.name, f"{words} known_hosts and enroll the new one: kube-ha hostkeys enroll")
    if "not found in known_hosts" in str(cause):
        known = "is unknown (certificates are not supported: @cert-authority)"
        words = f"the host key of {address} {known}; check its fingerprint and pin it: kube-ha hostkeys enroll"
        return HostKeyUnknownError(host.name, words)
    if isinstance(cause, SlowLoginError | NoCommonAlgorithmError):
        kind = HostUnreachableError if isinstance(cause, SlowLoginError) else LoginRefusedError
        return kind(host.name, f"{address} {cause}")
    told = isinstance(cause, LoginEndedError) or not NETWORK.search(str(cause))
    if isinstance(cause, paramiko.SSHException) and told:
        words = f"login as {host.username} on {address} was refused: {cause}; check user, key and agent"
        return LoginRefusedError(host.name, words)
    return HostUnreachableError(host.name, f"no SSH server answers on {address}: {cause}")


def _jump_error(name: str, words: str) -> HostUnreachableError | LoginRefusedError:
    """Return kube-ha's error for ssh's output about the jump host."""
    if "HOST IDENTIFICATION HAS CHANGED" in words:
        return HostKeyChangedError(name, words)
    if "Host key verification failed" in words:
        return HostKeyUnknownError(
            name, f"{words} Pin the jump host's key in ssh's own known_hosts file (UserKnownHostsFile)"
        )
    refused = "Permission denied" in words
    return LoginRefusedError(name, words) if refused else HostUnreachableError(name, words)
