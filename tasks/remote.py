"""The one door to a host: a POSIX sh script over an exec channel of nornir-netmiko's own login.

netmiko's shell channel guesses where a command's output ends, from what looks like a prompt, and knows no exit status.
The SSH client below it has exec channels: exit status, separate stderr, nothing to guess, and no second login.
"""

import select
import shlex
import time
from dataclasses import dataclass
from importlib import resources

import paramiko
from netmiko import BaseConnection
from netmiko.exceptions import NetmikoAuthenticationException, NetmikoBaseException
from nornir.core.task import Task
from nornir_netmiko.connections import CONNECTION_NAME

from nornir_kube_ha.errors import (
    HostUnreachableError,
    LoginRefusedError,
    RemoteCommandError,
    RemoteTimeoutError,
    UnexpectedReplyError,
)

MAX_OUTPUT = 8 * 1024 * 1024  # bytes; a host that says more than this is not running our script


@dataclass(frozen=True, slots=True)
class Completed:
    """A script that has ended.

    Arguments:
        status: its exit status
        stdout: what it printed
        stderr: what it complained about
    """

    status: int
    stdout: str
    stderr: str


def load_script(name: str) -> str:
    """A script of this package.

    Arguments:
        name: its file name, `facts.sh`
    """
    return resources.files("nornir_kube_ha.tasks").joinpath(name).read_text(encoding="utf-8")


def assignments(**variables: str) -> str:
    """Shell assignments, quoted, for the beginning of a script.

    Arguments:
        variables: by name in lower case; the shell sees upper case
    """
    return "".join(f"{name.upper()}={shlex.quote(value)}\n" for name, value in variables.items())


def run_script(task: Task, script: str, *, timeout: float, ok: frozenset[int] = frozenset({0})) -> Completed:
    """Run a script on the task's host: one round trip, on the one login that the run has there.

    The script goes through stdin, so nothing in it shows in the host's process list.

    Arguments:
        task: whose host it runs on
        script: POSIX sh
        timeout: seconds until it must have ended
        ok: exit statuses that are no failure

    Raises:
        HostUnreachableError: no SSH server answers
        LoginRefusedError: the host's key or our credentials are not accepted
        RemoteCommandError: it ended with another exit status
        RemoteTimeoutError: it did not end in time
    """
    channel = _open_channel(task)
    try:
        channel.exec_command("sh -s")
        completed = _talk(channel, script.encode(), time.monotonic() + timeout)
    except TimeoutError as error:
        raise RemoteTimeoutError(task.host.name, f"the script did not end within {timeout:g} s") from error
    except (paramiko.SSHException, OSError) as error:
        raise HostUnreachableError(task.host.name, f"the connection was lost: {error}") from error
    except OverflowError as error:
        raise UnexpectedReplyError(task.host.name, f"more than {MAX_OUTPUT} bytes of output") from error
    finally:
        channel.close()
    if completed.status not in ok:
        words = (completed.stderr or completed.stdout).strip()[-2000:]
        raise RemoteCommandError(task.host.name, f"{task.name} ended with exit status {completed.status}: {words}")
    return completed


def _open_channel(task: Task) -> paramiko.Channel:
    client = _login(task)
    transport = client.get_transport()
    if transport is None or not transport.is_active():
        raise HostUnreachableError(task.host.name, "the connection was lost")
    return transport.open_session(timeout=30)


def _login(task: Task) -> paramiko.SSHClient:
    host = task.host
    try:
        connection: BaseConnection = host.get_connection(CONNECTION_NAME, task.nornir.config)
        if getattr(connection, "remote_conn_pre", None) is None:  # `auto_connect: false`: nothing is open yet
            connection.establish_connection()
    except NetmikoAuthenticationException as error:
        message = f"login as {host.username} refused: {error.__context__ or error}; check user, key and agent"
        raise LoginRefusedError(host.name, message) from error
    except NetmikoBaseException as error:
        raise _connection_error(host.name, f"{host.hostname}:{host.port or 22}", error) from error
    client = connection.remote_conn_pre
    if client is None:
        raise HostUnreachableError(host.name, "the connection is not an SSH one; set platform: linux")
    return client


def _connection_error(host: str, address: str, error: NetmikoBaseException) -> HostUnreachableError | LoginRefusedError:
    """Netmiko says time-out for a refused port, a wrong host key and a real time-out alike: the cause tells."""
    cause = error.__context__
    if isinstance(cause, paramiko.BadHostKeyException):
        return LoginRefusedError(
            host, f"the host key of {address} has changed; if that was meant, remove the old one from known_hosts"
        )
    if cause is not None and "not found in known_hosts" in str(cause):
        return LoginRefusedError(
            host, f"the host key of {address} is not known; log in once by hand and compare its fingerprint"
        )
    if isinstance(cause, paramiko.SSHException) and not isinstance(cause, OSError):
        return LoginRefusedError(host, f"{address} accepts no login: {cause}")
    return HostUnreachableError(host, f"no SSH server answers on {address}: {cause or error}")


def _talk(channel: paramiko.Channel, stdin: bytes, deadline: float) -> Completed:
    """Send stdin and collect both outputs as they come, so that neither side waits for the other."""
    stdout, stderr = bytearray(), bytearray()
    channel.setblocking(0)
    while True:
        if stdin and channel.send_ready():
            stdin = stdin[channel.send(stdin) :]
            if not stdin:
                channel.shutdown_write()
        while channel.recv_ready():
            stdout += channel.recv(65536)
        while channel.recv_stderr_ready():
            stderr += channel.recv_stderr(65536)
        if len(stdout) + len(stderr) > MAX_OUTPUT:
            raise OverflowError
        if channel.exit_status_ready() and channel.eof_received and not channel.recv_ready():
            break
        if channel.closed:
            break
        if (left := deadline - time.monotonic()) <= 0:
            raise TimeoutError
        # The descriptor wakes for output only; while there is input to send, look again soon.
        select.select([channel], [], [], min(left, 0.01 if stdin else 0.25))
    return Completed(channel.recv_exit_status(), stdout.decode(errors="replace"), stderr.decode(errors="replace"))
