"""Lines of a command that goes on, as the network cuts them, and what becomes of them when it ends."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

import paramiko
import pytest
from nornir.core import Nornir

from nornir_kube_ha.errors import HostUnreachableError
from nornir_kube_ha.ssh.login import Login
from nornir_kube_ha.tasks import start_command, stream
from nornir_kube_ha.tasks.stream import Stream


@dataclass
class Channel:
    """One end of a command: what it prints, piece by piece, and an error that ends it."""

    pieces: list[bytes | OSError] = field(default_factory=list)
    sent: bytes = b""

    def recv(self, size: int) -> bytes:
        piece = self.pieces.pop(0) if self.pieces else b""
        if isinstance(piece, OSError):
            raise piece
        assert len(piece) <= size
        return piece

    def sendall(self, data: bytes) -> None:
        self.sent += data

    def close(self) -> None:
        raise EOFError("the connection went first")


def stream_of(*pieces: bytes | OSError) -> tuple[Channel, Stream]:
    channel = Channel(list(pieces))
    return channel, Stream(cast("paramiko.Channel", channel))


def test_lines_are_whole_wherever_they_were_cut() -> None:
    _, own = stream_of(b"1.5 he", b"ld\n2.5", b" free\n3.5 held\n", "\u00e4".encode()[:1], "\u00e4\n".encode()[1:])
    assert list(own.lines()) == ["1.5 held", "2.5 free", "3.5 held", "\u00e4"]


def test_last_line_without_its_end_is_dropped() -> None:
    _, own = stream_of(b"1.5 held\n2.5 fr")
    assert list(own.lines()) == ["1.5 held"]


def test_lost_connection_is_the_end() -> None:
    _, own = stream_of(b"1.5 held\n", OSError("lost"), b"2.5 free\n")
    assert list(own.lines()) == ["1.5 held"]


def test_words_reach_the_command_and_a_lost_connection_can_be_closed() -> None:
    channel, own = stream_of()
    own.write(b"1\n")
    own.close()
    assert channel.sent == b"1\n"


def test_login_that_went_away_is_an_error_of_the_host(
    nornir_of: Callable[..., Nornir], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "login", lambda _task: Login(paramiko.SSHClient(), "root", None))  # without a transport
    error = nornir_of().filter(name="lb-1").run(start_command, command="true")["lb-1"][0].exception
    assert isinstance(error, HostUnreachableError)
    assert str(error).startswith("lb-1: the connection was lost")


def test_line_without_end_is_the_end() -> None:
    channel, own = stream_of(b"1.5 held\n", b"x" * 60_000, b"x" * 60_000, b"still more")
    assert list(own.lines()) == ["1.5 held"]
    assert channel.pieces == [b"still more"]  # nobody asks for it
