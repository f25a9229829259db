"""A command on a host that goes on while others run: its lines as they come, and words to it."""

from collections.abc import Iterator
from contextlib import suppress

import paramiko
from nornir.core.task import Result, Task

from nornir_kube_ha.errors import HostUnreachableError, PreflightError
from nornir_kube_ha.ssh.login import login
from nornir_kube_ha.ssh.remote import OPEN_TIMEOUT, ended_by

MOST_COMPLAINT = 2000  # bytes
LONGEST_LINE = 65536  # bytes; a host that says more in one is not running our command


class Stream:
    """A command that runs on a host, over the login that the run has there.

    A host that falls silent keeps its stream: what it says reaches us when the network does.

    Arguments:
        channel: of the SSH login; the command was started on it
    """

    def __init__(self, channel: paramiko.Channel) -> None:
        self._channel = channel

    def write(self, data: bytes) -> None:
        """Say something to the command.

        Arguments:
            data: goes to its standard input

        Raises:
            OSError: the command has ended, or the connection has
        """
        self._channel.sendall(data)

    def lines(self) -> Iterator[str]:
        """What it prints, line by line, until it ends, or the connection does, or a line has no end."""
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
        """What it has complained of so far, "" if nothing."""
        words = b""
        with suppress(OSError, EOFError):
            if self._channel.recv_stderr_ready():
                words = self._channel.recv_stderr(MOST_COMPLAINT)
        return " ".join(words.decode(errors="replace").split())

    def close(self) -> None:
        """Let go. The command sees the end of its input, and has to end by that."""
        with suppress(OSError, EOFError):  # the connection went first
            self._channel.close()


def piped(script: str) -> tuple[str, bytes]:
    """A script as `get_stream` starts it, whichever the login's shell is: csh takes no newline in quotes.

    Arguments:
        script: POSIX sh; what comes on standard input after it is its own

    Returns:
        The command, and what goes to its standard input first
    """
    data = script.encode()
    return f"exec sh -c 'script=$(head -c {len(data)}) && eval \"$script\"'", data


def get_spare_session(task: Task) -> Result:
    """See whether a host opens one more session on the login that the run has there, beside those that are open.

    Returns:
        Result object with the following attributes set:
          * changed (``bool``): False

    Raises:
        PreflightError: it does not
        HostUnreachableError, LoginRefusedError: as `get_stream`
    """
    transport = login(task).client.get_transport()
    try:
        with ended_by(transport, OPEN_TIMEOUT):  # type: ignore[arg-type] # none: caught below
            transport.open_session(timeout=OPEN_TIMEOUT).close()  # type: ignore[union-attr] # the same
    except paramiko.ChannelException as error:
        raise PreflightError(task.host.name, _refused(error)) from error
    except (paramiko.SSHException, OSError, EOFError, AttributeError) as error:
        raise HostUnreachableError(task.host.name, f"the connection was lost: {error}") from error
    return Result(host=task.host, changed=False)


def _refused(error: paramiko.ChannelException) -> str:
    words = f"the SSH server opens no further session on the same login ({error.text}), and this needs two at a time"
    return f"{words}, one of them to watch the VIP. Set MaxSessions in its sshd_config to 10, the default"


def get_stream(task: Task, command: str, stdin: bytes = b"") -> Result:
    """Start a command on a host, and leave it running.

    Arguments:
        command: for the login's shell; shows in the host's process list, so it holds no secret
        stdin: what the command is told first

    Returns:
        Result object with the following attributes set:
          * result (:obj:`Stream`): to be closed by the caller

    Raises:
        HostUnreachableError: no SSH server answers, or it opens no further session
        LoginRefusedError: the host's key or our credentials are not accepted
    """
    transport = login(task).client.get_transport()
    try:
        with ended_by(transport, OPEN_TIMEOUT):  # type: ignore[arg-type] # none: caught below
            channel = transport.open_session(timeout=OPEN_TIMEOUT)  # type: ignore[union-attr] # the same
            channel.exec_command(command)
            channel.sendall(stdin)
    except paramiko.ChannelException as error:
        raise HostUnreachableError(task.host.name, _refused(error)) from error
    except (paramiko.SSHException, OSError, EOFError, AttributeError) as error:
        raise HostUnreachableError(task.host.name, f"the connection was lost: {error}") from error
    return Result(host=task.host, result=Stream(channel))
