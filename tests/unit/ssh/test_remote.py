"""The one door to a host, tried on an SSH server on the loopback: what goes through, and what comes back."""

import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import paramiko
import pytest
from nornir.core import Nornir
from rig.loopback.sshserver import Answer, Sent, SSHServer, close, login_to, sender

from nornir_kube_ha.errors import (
    HostError,
    HostUnreachableError,
    RemoteCommandError,
    RemoteTimeoutError,
    UnexpectedReplyError,
)
from nornir_kube_ha.ssh import remote
from nornir_kube_ha.ssh.script import assignments, load_script, whole
from nornir_kube_ha.ssh.shell import Completed


@pytest.fixture(scope="module")
def lasting() -> Iterator[SSHServer]:
    """One server for all tests that a login is not the matter of: it costs the most."""
    running = SSHServer(paramiko.ECDSAKey.generate(), paramiko.ECDSAKey.generate())
    yield running
    running.close()


@pytest.fixture(scope="module")
def logged_in(lasting: SSHServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nornir]:
    """A login there."""
    nornir = login_to(lasting, tmp_path_factory.mktemp("lasting"))
    yield nornir
    close(nornir)


@pytest.fixture
def server(lasting: SSHServer) -> SSHServer:
    """A server that has not been asked anything yet."""
    lasting.answer = lambda _: (0, b"", b"")
    lasting.commands.clear()
    lasting.scripts.clear()
    return lasting


@pytest.fixture
def sent(logged_in: Nornir) -> Sent:
    """Run a script on it."""
    return sender(logged_in)


def test_script_goes_through_stdin_and_nothing_of_it_on_a_command_line(server: SSHServer, sent: Sent) -> None:
    server.answer = lambda script: (0, f"did {script}".encode(), b"by the way\n")
    script = "PASSWORD=only-for-the-lab\n"
    assert sent(script) == Completed(0, f"did {whole(script)}", "by the way\n")
    assert server.commands == ["sh -s"]


def test_much_of_everything_goes_both_ways(server: SSHServer, sent: Sent) -> None:
    script = "#" * 300_000
    server.answer = lambda _: (0, b"o" * 300_000, b"e" * 300_000)
    completed = sent(script)
    assert (len(completed.stdout), len(completed.stderr)) == (300_000, 300_000)
    assert server.scripts == [whole(script)]


def test_bytes_that_are_no_text_are_replaced(server: SSHServer, sent: Sent) -> None:
    server.answer = lambda _: (0, b"\xff\n", b"")
    assert sent().stdout == "\ufffd\n"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((3, b"out\n", b"no such file\n"), "look_around ended with exit status 3: no such file"),
        ((127, b"out\n", b""), "look_around ended with exit status 127: out"),
        ((1, b"", b"x" * 5000 + b"the end\n"), "the end"),
    ],
    ids=["stderr", "stdout", "long"],
)
def test_exit_status_is_a_failure(server: SSHServer, sent: Sent, answer: Answer, words: str) -> None:
    server.answer = lambda _: answer
    with pytest.raises(RemoteCommandError, match=words) as caught:
        sent()
    assert len(str(caught.value)) < 2200


def test_script_that_does_not_end_is_a_time_out(server: SSHServer, sent: Sent) -> None:
    ended = threading.Event()
    server.answer = lambda _: (0, b"", b"") if ended.wait(10) else None
    with pytest.raises(RemoteTimeoutError, match=r"lb-1: the script did not end within 0\.2 s"):
        sent(timeout=0.2)
    ended.set()


class LateChannel:
    """A channel whose output, end and status all arrive just after it was asked for output."""

    eof_received = True

    def __init__(self) -> None:
        self.asked = 0
        self.closed = False
        self.output = [b"the tail"]

    def setblocking(self, _blocking: int) -> None: ...

    def fileno(self) -> int:
        return -1

    def recv_ready(self) -> bool:
        self.asked += 1
        self.closed = self.asked > 1
        return self.closed and bool(self.output)

    def recv(self, _most: int) -> bytes:
        return self.output.pop()

    def recv_stderr_ready(self) -> bool:
        return False

    def exit_status_ready(self) -> bool:
        return True

    def recv_exit_status(self) -> int:
        return 0


def test_output_that_comes_with_the_end_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "is_readable", lambda *_: False)
    channel = cast("paramiko.Channel", LateChannel())
    assert remote._talk(channel, b"", time.monotonic() + 5) == Completed(0, "the tail", "")  # noqa: SLF001


class EndlessChannel(LateChannel):
    """A channel that always has more, as soon as it is asked."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most

    def recv_ready(self) -> bool:
        return True

    def recv_stderr_ready(self) -> bool:
        return True

    def recv(self, most: int) -> bytes:
        self.asked += most
        assert self.asked < self.most, "it is listened to without end"
        return b"y" * most

    recv_stderr = recv


def test_who_talks_faster_than_we_listen_is_cut_off() -> None:
    channel = cast("paramiko.Channel", EndlessChannel(4 * remote.MAX_OUTPUT))
    with pytest.raises(OverflowError):
        remote._talk(channel, b"", time.monotonic() + 5)  # noqa: SLF001


def test_output_without_end_is_not_collected(server: SSHServer, sent: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "MAX_OUTPUT", 1000)
    server.answer = lambda _: (0, b"y\n" * 1000, b"")
    with pytest.raises(UnexpectedReplyError, match="at most 1000 bytes"):
        sent()


def test_connection_that_is_lost_is_no_failure_of_the_script(fresh_server: SSHServer, sent_afresh: Sent) -> None:
    fresh_server.answer = lambda _: None
    with pytest.raises(HostUnreachableError, match="connection was lost"):
        sent_afresh()


def test_connection_that_was_lost_meanwhile_is_said(fresh_server: SSHServer, sent_afresh: Sent) -> None:
    sent_afresh()
    fresh_server.hang_up()
    with pytest.raises(HostUnreachableError, match="connection was lost"):
        sent_afresh()


@pytest.mark.parametrize("what", ["opens_sessions", "runs_commands"])
def test_server_that_refuses_to_run_anything_is_an_error_of_the_host(
    fresh_server: SSHServer, sent_afresh: Sent, what: str
) -> None:
    setattr(fresh_server, what, False)  # as MaxSessions 0, or a forced command, do
    with pytest.raises(HostError, match="lb-1"):
        sent_afresh()


def test_values_are_quoted_for_the_shell() -> None:
    assert assignments(nonce="abc", vip="a b", password="$(reboot)'\"\n", empty="") == (
        "NONCE=abc\nVIP='a b'\nPASSWORD='$(reboot)'\"'\"'\"\n'\nEMPTY=''\n"
    )


@pytest.mark.parametrize("name", ["facts.sh", "packages.sh", "stage.sh", "commit.sh", "unstage.sh", "services.sh"])
def test_scripts_come_with_the_package(name: str) -> None:
    assert load_script(name).endswith("\n")


def test_script_that_arrives_cut_off_does_nothing(tmp_path: Path) -> None:
    done = tmp_path / "done"
    sent = whole(f"touch {done}\ncat <<END\ntext\nEND\n")
    for length in range(sent.rindex("}")):
        subprocess.run(["sh", "-s"], input=sent[:length].encode(), capture_output=True, check=False)
        assert not done.exists(), sent[:length]
    subprocess.run(["sh", "-s"], input=sent.encode(), capture_output=True, check=True)
    assert done.exists()
