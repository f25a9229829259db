"""Run POSIX sh scripts on a host, over an exec channel of nornir-netmiko's own login.

netmiko's shell channel guesses where a command's output ends, from what looks like a prompt, and has no exit status. An
exec channel of the SSH client below it has an exit status and a separate stderr, and needs no second login.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import paramiko
from nornir.core.task import Task

from nornir_kube_ha.errors import (
    HostUnreachableError,
    PasswordExpiredError,
    RemoteCommandError,
    RemoteTimeoutError,
    SudoRefusedError,
    UnexpectedReplyError,
    lost_lease,
)
from nornir_kube_ha.planning.lease import LOST, lost_to
from nornir_kube_ha.ssh.departure import DEPARTURE
from nornir_kube_ha.ssh.login import Login, login
from nornir_kube_ha.ssh.poll import is_readable
from nornir_kube_ha.ssh.script import whole
from nornir_kube_ha.ssh.shell import ROOT, Completed, Shell, sudo

OPEN_TIMEOUT = 30  # seconds to open a channel on an established login
SLACK = 1.0  # seconds for a wait's own time-out to come first: the login survives that one
LEFT = "the run was interrupted and no longer waits; the step in progress may still be running there"
NO_STATUS = -1  # paramiko's value for a channel that was closed without an exit status
EXPIRED = "Password change required but no TTY available"  # sshd prints this instead of running a script
MAX_OUTPUT = 8 * 1024 * 1024  # bytes; a host that prints more is not running our script


def run_script(task: Task, script: str, *, timeout: float) -> Completed:
    """Run a script on the task's host in one round trip, on the login that the run has there.

    The script goes through stdin, so nothing in it shows in the host's process list.

    Arguments:
        task: whose host it runs on
        script: POSIX sh
        timeout: seconds until it must have ended

    Raises:
        HostUnreachableError: no SSH server answers, the connection was lost, or the run was interrupted
        LoginRefusedError: the host's key or our credentials are not accepted
        PasswordExpiredError: the host demands a new password first
        SudoRefusedError: the user is not root, and may not become root
        LeaseLostError: another run holds the host's lease by now; the script did nothing
        RemoteCommandError: the script ended with another exit status
        RemoteTimeoutError: the script did not end in time
        UnexpectedReplyError: the script printed more than `MAX_OUTPUT`
    """
    if DEPARTURE.is_due:
        raise HostUnreachableError(task.host.name, LEFT)
    own = login(task)
    shell = ROOT if own.is_root else sudo(own.sudo_password)
    try:
        completed = _execute(own.client, script, timeout, shell)
    except InterruptedError as error:
        raise HostUnreachableError(task.host.name, LEFT) from error
    except TimeoutError as error:
        raise RemoteTimeoutError(task.host.name, f"the script did not end within {timeout:g} s") from error
    except paramiko.ChannelException as error:
        raise RemoteCommandError(
            task.host.name, f"the SSH server runs no command for this login: {error.text}"
        ) from error
    except (paramiko.SSHException, OSError, EOFError) as error:
        raise HostUnreachableError(task.host.name, f"the connection was lost: {error}") from error
    except OverflowError as error:
        raise UnexpectedReplyError(task.host.name, f"expected at most {MAX_OUTPUT} bytes of output") from error
    if completed.status:
        _refuse_if_not_run(task.host.name, own, shell, completed)
        if completed.status == LOST and (holder := lost_to(completed.stderr)):
            raise lost_lease(task.host.name, holder)
        words = (completed.stderr or completed.stdout).strip()[-2000:]
        message = f"{task.name} ended with exit status {completed.status}: {words}"
        raise RemoteCommandError(task.host.name, message, completed.status)
    return completed


@contextmanager
def reading(task: Task) -> Iterator[None]:
    """Raise an error of the host if its answer cannot be parsed in this context.

    Arguments:
        task: that got the answer

    Raises:
        UnexpectedReplyError: the answer is truncated or malformed
    """
    try:
        yield
    except ValueError as error:
        raise UnexpectedReplyError(task.host.name, f"cannot parse the host's answer: {error}") from error


def _refuse_if_not_run(host: str, own: Login, shell: Shell, completed: Completed) -> None:
    """Raise an error if the script never ran, because the password has expired or sudo refuses."""
    if EXPIRED in completed.stderr:
        raise PasswordExpiredError(host, f"the password of {own.user} has expired; log in once by hand to change it")
    if (words := shell.refusal(completed)) is not None:
        needed = (
            "check login.sudo_password" if own.sudo_password else ("set login.sudo_password, or NOPASSWD in sudoers")
        )
        raise SudoRefusedError(host, f"sudo does not let {own.user} run sh as root: {words or 'no output'}; {needed}")


def _execute(client: paramiko.SSHClient, script: str, timeout: float, shell: Shell) -> Completed:
    transport = client.get_transport()
    if transport is None or not transport.is_active():
        raise EOFError("the transport is closed")
    deadline = time.monotonic() + timeout
    with ended_by(transport, timeout), transport.open_session(timeout=min(OPEN_TIMEOUT, timeout)) as channel:
        channel.exec_command(shell.command)
        completed = _talk(channel, f"{shell.before}{whole(script)}".encode(), deadline)
    if completed.status == NO_STATUS:
        raise EOFError("the script ended without an exit status")
    return completed


@contextmanager
def ended_by(transport: paramiko.Transport, seconds: float) -> Iterator[None]:
    """Close a login if the server does not answer in time: paramiko waits for some answers without limit.

    Arguments:
        transport: the login's
        seconds: until the server must have answered

    Raises:
        TimeoutError: it has not
    """
    over = threading.Event()

    def end() -> None:
        over.set()
        transport.close()

    timer = threading.Timer(seconds + SLACK, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    except (paramiko.SSHException, OSError, EOFError) as error:
        if over.is_set():
            raise TimeoutError from error
        raise
    finally:
        timer.cancel()


def _sent(channel: paramiko.Channel, data: bytes) -> int:
    """Return how much was sent: all of it if the host has closed the channel, since its reason is still to be read."""
    try:
        return channel.send(data)
    except OSError:
        if not channel.closed:
            raise
        return len(data)


def _talk(channel: paramiko.Channel, stdin: bytes, deadline: float) -> Completed:
    """Send stdin and collect both outputs as they come, so that neither side blocks the other."""
    stdout, stderr = bytearray(), bytearray()
    channel.setblocking(0)
    while True:
        if stdin and channel.send_ready():
            stdin = stdin[_sent(channel, stdin) :]
            if not stdin:
                channel.shutdown_write()
        # A host that sends faster than we read always has more for us: the limit has to end both loops, too.
        while channel.recv_ready() and len(stdout) <= MAX_OUTPUT:
            stdout += channel.recv(65536)
        while channel.recv_stderr_ready() and len(stderr) <= MAX_OUTPUT:
            stderr += channel.recv_stderr(65536)
        if len(stdout) + len(stderr) > MAX_OUTPUT:
            raise OverflowError
        # Read what arrived after the loops above, even if the channel was closed right after it.
        ended = channel.closed or (channel.exit_status_ready() and channel.eof_received)
        if ended and not (channel.recv_ready() or channel.recv_stderr_ready()):
            break
        if (left := deadline - time.monotonic()) <= 0:
            raise TimeoutError
        if DEPARTURE.is_due:
            raise InterruptedError
        # The descriptor signals output only: while there is input to send, look again soon.
        is_readable(channel.fileno(), min(left, 0.01 if stdin else 0.25))
    return Completed(channel.recv_exit_status(), stdout.decode(errors="replace"), stderr.decode(errors="replace"))
