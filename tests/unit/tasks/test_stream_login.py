"""A command that goes on while others run, over a real login on the loopback: both ways, and until either side ends."""

import contextlib
import queue
from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest
from nornir.core import Nornir
from nornir.core.task import MultiResult, Result, Task
from rig.loopback.sshserver import SSHServer, close, login_to

from nornir_kube_ha.errors import HostUnreachableError, PreflightError
from nornir_kube_ha.ssh.remote import run_script
from nornir_kube_ha.tasks import start_command
from nornir_kube_ha.tasks.stream import Stream, get_spare_session

PATIENCE = 10.0  # seconds for what takes a millisecond on an idle machine


class TalkingServer(SSHServer):
    """An SSH server whose one command says each word twice that it hears, as long as it hears any."""

    def __post_init__(self) -> None:
        self.ended: queue.SimpleQueue[bool] = queue.SimpleQueue()
        super().__post_init__()

    def _answer(self, channel: paramiko.Channel) -> None:
        if self.commands[-1] == "sh -s":
            super()._answer(channel)
            return
        with contextlib.suppress(OSError, EOFError):  # the client has gone
            while heard := channel.recv(1024):
                channel.sendall(2 * heard)
                channel.sendall_stderr(b"by the way\n")
        self.ended.put(item=True)


@pytest.fixture
def server() -> Iterator[TalkingServer]:
    running = TalkingServer(paramiko.ECDSAKey.generate(), paramiko.ECDSAKey.generate())
    yield running
    running.close()


@pytest.fixture
def nornir(server: TalkingServer, tmp_path: Path) -> Iterator[Nornir]:
    found = login_to(server, tmp_path)
    yield found
    close(found)


def started(nornir: Nornir, command: str = "talk --twice") -> MultiResult:
    nornir.data.reset_failed_hosts()
    return nornir.run(start_command, command=command)["lb-1"]


def test_command_talks_while_others_run_over_the_same_login(server: TalkingServer, nornir: Nornir) -> None:
    stream: Stream = started(nornir)[0].result
    lines = stream.lines()
    stream.write(b"1\n")
    assert [next(lines), next(lines)] == ["1", "1"]

    def look(task: Task) -> Result:
        return Result(task.host, result=run_script(task, "true\n", timeout=PATIENCE).status)

    assert nornir.run(look)["lb-1"][0].result == 0
    stream.write(b"2\n")
    assert [next(lines), next(lines)] == ["2", "2"]
    assert server.commands == ["talk --twice", "sh -s"]
    assert len(server.transports) == 1
    stream.close()


def test_command_whose_stream_is_closed_hears_the_end_of_its_input(server: TalkingServer, nornir: Nornir) -> None:
    stream: Stream = started(nornir)[0].result
    assert server.ended.empty()
    stream.close()
    assert server.ended.get(timeout=PATIENCE)
    assert list(stream.lines()) == []
    stream.close()  # once more does no harm
    with pytest.raises(OSError, match="closed"):
        stream.write(b"1\n")


def test_host_that_is_gone_ends_the_lines(server: TalkingServer, nornir: Nornir) -> None:
    stream: Stream = started(nornir)[0].result
    lines = stream.lines()
    stream.write(b"1\n")
    assert [next(lines), next(lines)] == ["1", "1"]
    server.hang_up()
    assert list(lines) == []
    stream.close()


@pytest.mark.parametrize("what", ["opens_sessions", "runs_commands"])
def test_host_that_starts_no_command_is_an_error(server: TalkingServer, nornir: Nornir, what: str) -> None:
    setattr(server, what, False)
    error = started(nornir)[0].exception
    assert isinstance(error, HostUnreachableError)
    assert error.host == "lb-1"


def test_login_that_was_lost_is_an_error(server: TalkingServer, nornir: Nornir) -> None:
    stream: Stream = started(nornir)[0].result
    server.hang_up()
    assert list(stream.lines()) == []
    error = started(nornir)[0].exception
    assert isinstance(error, HostUnreachableError)
    assert "the connection was lost" in str(error)


@pytest.mark.field_report(
    "G9",
    "gravitational/teleport#23593, chef-ssh-hardening#107",
    "the guide tests nothing",
    "a failover test finds out before it breaks anything that the server opens one session only, and names MaxSessions",
)
def test_server_that_opens_one_session_only_is_found_out(server: TalkingServer, nornir: Nornir) -> None:
    stream: Stream = started(nornir)[0].result
    assert nornir.run(get_spare_session)["lb-1"][0].exception is None
    server.opens_sessions = False
    nornir.data.reset_failed_hosts()
    error = nornir.run(get_spare_session)["lb-1"][0].exception
    assert isinstance(error, PreflightError)
    assert "Set MaxSessions in its sshd_config to 10" in str(error)
    assert "MaxSessions" in str(started(nornir)[0].exception)
    stream.close()


def test_complaints_of_a_command_are_known(server: TalkingServer, nornir: Nornir) -> None:
    stream: Stream = started(nornir)[0].result
    assert stream.complaint() == ""
    stream.write(b"1\n")
    assert server.commands
    lines = stream.lines()
    assert next(lines) == "1"
    stream.close()
