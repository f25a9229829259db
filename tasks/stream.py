"""A command that keeps running on a host beside others: read its lines as they come, and write to its stdin."""

from collections.abc import Iterator
from contextlib import suppress

import paramiko
from nornir.core.task import Result, Task

from nornir_kube_ha.errors import HostUnreachableError, PreflightError
from nornir_kube_ha.ssh.login import login
from nornir_kube_ha.ssh.remote import OPEN_TIMEOUT, ended_by

MOST_COMPLAINT = 2000  # bytes of stderr
LONGEST_LINE = 65536  # bytes; a host that sends a longer one is not running our command


class Stream:
    """A command that runs on a host, over the login that the run has there.

    It has no time-out. If the host falls silent, the stream stays open, and lines arrive once the network is back.

    Arguments:
        channel: of the SSH login; the command was started on it
    """

    def __init__(self, channel: paramiko.Channel) -> None:
        self._channel = channel

    def write(self, data: bytes) -> None:
        """Write to the command's standard input.

        Raises:
            OSError: the command or the connection has ended
        """
        self._channel.sendall(data)

    def lines(self) -> Iterator[str]:
        """Yield the command's lines until it ends, the connection ends, or a line is longer than `LONGEST_LINE`."""
        rest = b""
        while data := self._received():
            *whole, rest = (rest + data).split(b"\n")
            yield from (line.decode(errors="replace") for line in whole)
            if len(rest) > LONGEST_LINE:
                return

    def _received(self) -> bytes:
        try:
            return bytes(self._channel.recv(65536))
        except OSError:
            return b""

    def complaint(self) -> str:
        """Return what the command wrote to stderr since the last call; "" if nothing."""
        words = b""
        with suppress(OSError, EOFError):
            if self._channel.recv_stderr_ready():
                words = self._channel.recv_stderr(MOST_COMPLAINT)
        return " ".join(words.decode(errors="replace").split())

    def close(self) -> None:
        """Close the stream. The command sees the end of its input, and has to end on that."""
        with suppress(OSError, EOFError):  # the connection ended first
            self._channel.close()


def piped(script: str) -> tuple[str, bytes]:
    """Return a command and its stdin that run a script under any login shell.

    csh takes no newline in quotes, so the script goes through stdin.

    Arguments:
        script: POSIX sh; it may read what follows it on standard input

    Returns:
        The command, and what to send to its standard input first
    """
    data = script.encode()
    return f"exec sh -uc 'script=$(head -c {len(data)}) && eval \"$script\"'", data


def get_spare_session(task: Task) -> Result:
    """Check that a host opens one more session on the run's login, beside those that are open.

    Returns:
        Result object with the following attributes set:
          * changed (``bool``): False

    Raises:
        PreflightError: it does not
        HostUnreachableError, LoginRefusedError: see `start_command`
    """
    transport = login(task).client.get_transport()
    try:
        with ended_by(transport, OPEN_TIMEOUT):  # type: ignore[arg-type] # None: caught below as AttributeError
            transport.open_session(timeout=OPEN_TIMEOUT).close()  # type: ignore[union-attr] # the same
    except paramiko.ChannelException as error:
        raise PreflightError(task.host.name, _refused(error)) from error
    except (paramiko.SSHException, OSError, EOFError, AttributeError) as error:
        raise HostUnreachableError(task.host.name, f"the connection was lost: {error}") from error
    return Result(host=task.host, changed=False)


def _refused(error: paramiko.ChannelException) -> str:
    words = f"the SSH server refuses a second session on the same login ({error.text}), which is needed to watch"
    return f"{words} the VIP. Set MaxSessions in its sshd_config to 10, the default"


def start_command(task: Task, command: str, stdin: bytes = b"") -> Result:
    """Start a command on a host, and leave it running.

    Arguments:
        command: for the login shell; the host's process list shows it, so it must not hold a secret
        stdin: what to send to the command first

    Returns:
        Result object with the following attributes set:
          * result (:obj:`Stream`): to be closed by the caller

    Raises:
        HostUnreachableError: no SSH server answers, or it opens no further session
        LoginRefusedError: the host's key or our credentials are not accepted
    """
    transport = login(task).client.get_transport()
    try:
        with ended_by(transport, OPEN_TIMEOUT):  # type: ignore[arg-type] # None: caught below as AttributeError
            channel = transport.open_session(timeout=OPEN_TIMEOUT)  # type: ignore[union-attr] # the same
            transport.is_streaming = True  # type: ignore[union-attr] # it is our own `Transport`
            channel.exec_command(command)
            channel.sendall(stdin)
    except paramiko.ChannelException as error:
        raise HostUnreachableError(task.host.name, _refused(error)) from error
    except (paramiko.SSHException, OSError, EOFError, AttributeError) as error:
        raise HostUnreachableError(task.host.name, f"the connection was lost: {error}") from error
    return Result(host=task.host, result=Stream(channel))
