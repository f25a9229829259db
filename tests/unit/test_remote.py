"""The one door to a host, tried on an SSH server on the loopback: what goes through, what each refusal is called."""

import contextlib
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import paramiko
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from nornir.core import Nornir
from nornir.core.configuration import Config
from nornir.core.inventory import ConnectionOptions, Defaults, Groups, Host, Hosts, Inventory
from nornir.core.plugins.connections import ConnectionPluginRegister
from nornir.core.state import GlobalState
from nornir.core.task import Result, Task
from nornir.plugins.runners import SerialRunner
from nornir_netmiko.connections import CONNECTION_NAME
from paramiko.common import AUTH_FAILED, AUTH_SUCCESSFUL, OPEN_FAILED_RESOURCE_SHORTAGE, OPEN_SUCCEEDED

from nornir_kube_ha.errors import (
    HostError,
    HostUnreachableError,
    LoginRefusedError,
    RemoteCommandError,
    RemoteTimeoutError,
    UnexpectedReplyError,
)
from nornir_kube_ha.tasks import remote
from nornir_kube_ha.tasks.remote import Completed, assignments, load_script, run_script, whole

Answer = tuple[int, bytes, bytes]
Sent = Callable[..., Completed]


@dataclass
class SSHServer(paramiko.ServerInterface):
    """An SSH server that answers as it is told, and remembers what it was asked.

    Arguments:
        key: its own
        login: the key that it lets in
        answer: of a script that it was sent: exit status, stdout and stderr; `None` hangs up
    """

    key: paramiko.PKey
    login: paramiko.PKey
    answer: Callable[[str], Answer | None] = lambda _: (0, b"", b"")
    commands: list[str] = field(default_factory=list)
    scripts: list[str] = field(default_factory=list)
    transports: list[paramiko.Transport] = field(default_factory=list)
    opens_sessions: bool = True
    runs_commands: bool = True

    def __post_init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        with contextlib.suppress(OSError):  # closed already
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.hang_up()

    def hang_up(self) -> None:
        for transport in self.transports:
            transport.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as OpenSSH's server does
            transport = paramiko.Transport(client)
            transport.add_server_key(self.key)
            self.transports.append(transport)
            transport.start_server(event=threading.Event(), server=self)

    def get_allowed_auths(self, username: str) -> str:  # noqa: ARG002 - paramiko's interface
        return "publickey"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        good = username == "root" and key == self.login
        return AUTH_SUCCESSFUL if good else AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:  # noqa: ARG002 - paramiko's interface
        return OPEN_SUCCEEDED if self.opens_sessions else OPEN_FAILED_RESOURCE_SHORTAGE

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        self.commands.append(command.decode())
        if self.runs_commands:
            threading.Thread(target=self._answer, args=(channel,), daemon=True).start()
        return self.runs_commands

    def _answer(self, channel: paramiko.Channel) -> None:
        script = channel.makefile("rb").read().decode()
        self.scripts.append(script)
        answer = self.answer(script)
        if answer is None:
            self.hang_up()
            return
        status, stdout, stderr = answer
        with contextlib.suppress(OSError, EOFError):  # the client has had enough, or has gone with what it has
            channel.sendall(stdout)
            channel.sendall_stderr(stderr)
            channel.send_exit_status(status)
            channel.close()


def login_to(server: SSHServer, folder: Path) -> Nornir:
    """An inventory of that server, with the connection options of the inventories that come with the product."""
    ConnectionPluginRegister.auto_register()
    server.login.write_private_key_file(str(folder / "key"))
    know(server, server.key, folder)
    extras = {
        "ssh_strict": True,
        "system_host_keys": False,
        "alt_host_keys": True,
        "alt_key_file": str(folder / "known_hosts"),
        "use_keys": True,
        "key_file": str(folder / "key"),
        "auto_connect": False,
    }
    base = Defaults()
    host = Host(
        "lb-1",
        hostname="127.0.0.1",
        port=server.port,
        username="root",
        platform="linux",
        connection_options={"netmiko": ConnectionOptions(extras=extras)},
        defaults=base,
    )
    inventory = Inventory(Hosts({"lb-1": host}), Groups(), base)
    return Nornir(inventory, runner=SerialRunner(), config=Config(), data=GlobalState())


def know(server: SSHServer, key: paramiko.PKey, folder: Path) -> None:
    """Make a key the one that is known of the server."""
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{server.port} {key.get_name()} {key.get_base64()}\n")


def close(nornir: Nornir) -> None:
    nornir.data.reset_failed_hosts()  # or their connections stay open
    nornir.close_connections()


def sender(nornir: Nornir) -> Sent:
    """Runs a script on the server, and raises what that raises."""

    def send(script: str = "true\n", *, timeout: float = 10, **options: frozenset[int]) -> Completed:
        def look_around(task: Task) -> Result:
            return Result(task.host, result=run_script(task, script, timeout=timeout, **options))

        nornir.data.reset_failed_hosts()
        outcome = nornir.run(look_around)["lb-1"][0]
        if outcome.exception:
            raise outcome.exception
        completed: Completed = outcome.result
        return completed

    return send


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


@pytest.fixture
def fresh_server() -> Iterator[SSHServer]:
    """A server that nobody has logged in to."""
    running = SSHServer(paramiko.ECDSAKey.generate(), paramiko.ECDSAKey.generate())
    yield running
    running.close()


@pytest.fixture
def stranger(fresh_server: SSHServer, tmp_path: Path) -> Iterator[Nornir]:
    """An inventory of it."""
    nornir = login_to(fresh_server, tmp_path)
    yield nornir
    close(nornir)


@pytest.fixture
def sent_afresh(stranger: Nornir) -> Sent:
    """Log in, and run a script."""
    return sender(stranger)


def test_script_goes_through_stdin_and_nothing_of_it_on_a_command_line(server: SSHServer, sent: Sent) -> None:
    server.answer = lambda script: (0, f"did {script}".encode(), b"by the way\n")
    script = "PASSWORD=only-for-the-lab\n"
    assert sent(script) == Completed(0, f"did {whole(script)}", "by the way\n")
    assert server.commands == ["sh -s"]


def test_host_that_says_nothing_for_long_is_asked_whether_it_still_knows_the_login(
    server: SSHServer, logged_in: Nornir, sent: Sent
) -> None:
    sent()
    connection = logged_in.inventory.hosts["lb-1"].get_connection(CONNECTION_NAME, logged_in.config)
    sock = connection.remote_conn_pre.get_transport().sock
    assert server.commands
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 5


def test_host_of_a_lab_is_not_reached_from_outside_of_it(
    fresh_server: SSHServer, stranger: Nornir, sent_afresh: Sent
) -> None:
    stranger.inventory.hosts["lb-1"].data["lab"] = "noneup"
    with pytest.raises(HostUnreachableError, match=r"lives in lab noneup.*nothing was sent"):
        sent_afresh()
    assert fresh_server.transports == []


def test_one_login_serves_every_script_and_opens_no_shell(fresh_server: SSHServer, sent_afresh: Sent) -> None:
    for number in range(3):
        sent_afresh(f"echo {number}\n")
    assert fresh_server.scripts == [whole(f"echo {number}\n") for number in range(3)]
    assert fresh_server.commands == ["sh -s"] * 3  # and a terminal or a shell would have been refused
    assert len(fresh_server.transports) == 1


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
    monkeypatch.setattr("select.select", lambda *_: ([], [], []))
    channel = cast("paramiko.Channel", LateChannel())
    assert remote._talk(channel, b"", time.monotonic() + 5) == Completed(0, "the tail", "")  # noqa: SLF001


def test_output_without_end_is_not_collected(server: SSHServer, sent: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "MAX_OUTPUT", 1000)
    server.answer = lambda _: (0, b"y\n" * 1000, b"")
    with pytest.raises(UnexpectedReplyError, match="more than 1000 bytes"):
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


def test_wrong_host_key_is_refused(fresh_server: SSHServer, sent_afresh: Sent, tmp_path: Path) -> None:
    know(fresh_server, paramiko.ECDSAKey.generate(), tmp_path)
    with pytest.raises(LoginRefusedError, match=rf"the host key of 127\.0\.0\.1:{fresh_server.port} has changed"):
        sent_afresh()
    assert fresh_server.commands == []


def test_unknown_host_key_is_refused(fresh_server: SSHServer, sent_afresh: Sent, tmp_path: Path) -> None:
    (tmp_path / "known_hosts").write_text("")
    with pytest.raises(LoginRefusedError, match=rf"the host key of 127\.0\.0\.1:{fresh_server.port} is not known"):
        sent_afresh()
    assert fresh_server.commands == []


@pytest.mark.parametrize(
    "key", [Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP256R1())], ids=["ed25519", "ecdsa"]
)
def test_login_that_is_refused_says_whose(
    sent_afresh: Sent, tmp_path: Path, key: Ed25519PrivateKey | ec.EllipticCurvePrivateKey
) -> None:
    refused = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    (tmp_path / "key").write_bytes(refused)
    with pytest.raises(LoginRefusedError, match=r"login as root .*refused.*check user, key and agent"):
        sent_afresh()


def test_key_file_that_is_not_there_is_no_matter_of_the_network(sent_afresh: Sent, tmp_path: Path) -> None:
    (tmp_path / "key").unlink()
    with pytest.raises(LoginRefusedError, match="key"):
        sent_afresh()


def test_port_that_nobody_listens_on_is_unreachable(fresh_server: SSHServer, sent_afresh: Sent) -> None:
    fresh_server.close()
    with pytest.raises(HostUnreachableError, match=rf"no SSH server answers on 127\.0\.0\.1:{fresh_server.port}"):
        sent_afresh()


def test_port_of_something_else_is_unreachable(stranger: Nornir, sent_afresh: Sent) -> None:
    with socket.create_server(("127.0.0.1", 0)) as web:
        stranger.inventory.hosts["lb-1"].port = web.getsockname()[1]

        def answer() -> None:
            client, _ = web.accept()
            client.recv(100)
            client.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n")
            client.close()

        threading.Thread(target=answer, daemon=True).start()
        with pytest.raises(HostUnreachableError, match="no SSH server answers"):
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
