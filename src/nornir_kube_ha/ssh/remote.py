"""The one door to a host: a POSIX sh script over an exec channel of nornir-netmiko's own login.

netmiko's shell channel guesses where a command's output ends, from what looks like a prompt, and knows no exit status.
The SSH client below it has exec channels: exit status, separate stderr, nothing to guess, and no second login.
"""

import shlex
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import resources

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
from nornir_kube_ha.ssh.shell import ROOT, Completed, Shell, sudo

OPEN_TIMEOUT = 30  # seconds until a channel is open, on a login that stands
SLACK = 1.0  # seconds for what is waited for with a limit to give up first: the login survives that
LEFT = "the run was interrupted and has left; what was in hand may go on there by itself"
NO_STATUS = -1  # paramiko's word for a channel that was closed without one
EXPIRED = "Password change required but no TTY available"  # sshd's words, in the place of any script's
MAX_OUTPUT = 8 * 1024 * 1024  # bytes; a host that says more than this is not running our script


@cache
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


def run_script(task: Task, script: str, *, timeout: float) -> Completed:
    """Run a script on the task's host: one round trip, on the one login that the run has there.

    The script goes through stdin, so nothing in it shows in the host's process list.

    Arguments:
        task: whose host it runs on
        script: POSIX sh
        timeout: seconds until it must have ended

    Raises:
        HostUnreachableError: no SSH server answers
        LoginRefusedError: the host's key or our credentials are not accepted
        PasswordExpiredError: the host wants another password first
        SudoRefusedError: the login is not root's, and may not become root
        LeaseLostError: the host's lease is another run's by now; the script did nothing
        RemoteCommandError: it ended with another exit status
        RemoteTimeoutError: it did not end in time
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
        raise RemoteCommandError(task.host.name, f"the SSH server runs no command for us: {error.text}") from error
    except (paramiko.SSHException, OSError, EOFError) as error:
        raise HostUnreachableError(task.host.name, f"the connection was lost: {error}") from error
    except OverflowError as error:
        raise UnexpectedReplyError(task.host.name, f"more than {MAX_OUTPUT} bytes of output") from error
    if completed.status:
        _refuse_if_not_run(task.host.name, own, shell, completed)
        if completed.status == LOST and (holder := lost_to(completed.stderr)):
            raise lost_lease(task.host.name, holder)
        words = (completed.stderr or completed.stdout).strip()[-2000:]
        message = f"{task.name} ended with exit status {completed.status}: {words}"
        raise RemoteCommandError(task.host.name, message, completed.status)
    return completed


def whole(script: str) -> str:
    """A script of which nothing is done before all of it has arrived: a shell does each line as soon as it has that.

    Arguments:
        script: POSIX sh
    """
    return f"{{ true\n{script}\n}}\n"


def _refuse_if_not_run(host: str, own: Login, shell: Shell, completed: Completed) -> None:
    """Tell a script that was never run from one that failed."""
    if EXPIRED in completed.stderr:
        raise PasswordExpiredError(host, f"the password of {own.user} has expired; change it: log in once by hand")
    if (words := shell.refusal(completed)) is not None:
        needed = "is it the right password?" if own.sudo_password else "give login.sudo_password, or NOPASSWD"
        raise SudoRefusedError(host, f"{own.user} may not run sh as root by sudo: {words or 'no words'}; {needed}")


def _execute(client: paramiko.SSHClient, script: str, timeout: float, shell: Shell) -> Completed:
    transport = client.get_transport()
    if transport is None or not transport.is_active():
        raise EOFError("the transport is closed")
    deadline = time.monotonic() + timeout
    with ended_by(transport, timeout), transport.open_session(timeout=min(OPEN_TIMEOUT, timeout)) as channel:
        channel.exec_command(shell.command)
        completed = _talk(channel, f"{shell.before}{whole(script)}".encode(), deadline)
    if completed.status == NO_STATUS:
        raise EOFError("the script's exit status never came")
    return completed


@contextmanager
def ended_by(transport: paramiko.Transport, seconds: float) -> Iterator[None]:
    """End a login on which a server does not answer in time: paramiko waits for some answers without limit.

    Arguments:
        transport: the login's
        seconds: until it has to have answered

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
    """How much of it was sent. Who has closed the channel takes nothing, and has said why: that is to be read."""
    try:
        return channel.send(data)
    except OSError:
        if not channel.closed:
            raise
        return len(data)


def _talk(channel: paramiko.Channel, stdin: bytes, deadline: float) -> Completed:
    """Send stdin and collect both outputs as they come, so that neither side waits for the other."""
    stdout, stderr = bytearray(), bytearray()
    channel.setblocking(0)
    while True:
        if stdin and channel.send_ready():
            stdin = stdin[_sent(channel, stdin) :]
            if not stdin:
                channel.shutdown_write()
        # Whoever talks faster than we listen always has more for us: it must end both loops, too.
        while channel.recv_ready() and len(stdout) <= MAX_OUTPUT:
            stdout += channel.recv(65536)
        while channel.recv_stderr_ready() and len(stderr) <= MAX_OUTPUT:
            stderr += channel.recv_stderr(65536)
        if len(stdout) + len(stderr) > MAX_OUTPUT:
            raise OverflowError
        # What came since the loops above is not left behind, also where the channel was closed right after it.
        ended = channel.closed or (channel.exit_status_ready() and channel.eof_received)
        if ended and not (channel.recv_ready() or channel.recv_stderr_ready()):
            break
        if (left := deadline - time.monotonic()) <= 0:
            raise TimeoutError
        if DEPARTURE.is_due:
            raise InterruptedError
        # The descriptor wakes for output only; while there is input to send, look again soon.
        is_readable(channel.fileno(), min(left, 0.01 if stdin else 0.25))
    return Completed(channel.recv_exit_status(), stdout.decode(errors="replace"), stderr.decode(errors="replace"))
