"""How the way to a host is opened, on an SSH server on the loopback: at once, and again where there is a crowd."""

import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from nornir.core import Nornir
from nornir_netmiko.connections import CONNECTION_NAME
from paramiko import Transport
from paramiko.common import AUTH_FAILED
from rig.loopback.sshserver import Sent, SSHServer

from nornir_kube_ha.errors import HostKeyUnknownError, HostUnreachableError, LoginRefusedError
from nornir_kube_ha.ssh import transport
from nornir_kube_ha.ssh.quick_socket import QuickSocket, connect
from nornir_kube_ha.ssh.ssh_config import JumpError

DROP = f"#!{sys.executable}\nimport sys\nsys.exit('kex_exchange_identification: read: Connection reset by peer')\n"


class Crowd:
    """In front of a server: hangs up on those who come first.

    Arguments:
        server: who lets the others in
        first: how many are not
    """

    def __init__(self, server: SSHServer, first: int) -> None:
        self.came = 0
        self._server, self._first = server, first
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._stand, daemon=True).start()

    def _stand(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.came += 1
            if self.came <= self._first:
                client.close()
            else:
                threading.Thread(target=self._lead, args=(client,), daemon=True).start()

    def _lead(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self._server.port)) as there:
            threading.Thread(target=_carry, args=(there, client), daemon=True).start()
            _carry(client, there)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def _carry(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        return


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "BETWEEN_ATTEMPTS", (0, 0.01))


def come_through(crowd: Crowd, nornir: Nornir, server: SSHServer, folder: Path) -> None:
    nornir.inventory.hosts["lb-1"].port = crowd.port
    known = f"[127.0.0.1]:{crowd.port} {server.key.get_name()} {server.key.get_base64()}\n"
    (folder / "known_hosts").write_text(known)


@pytest.mark.usefixtures("impatient")
def test_who_finds_a_crowd_at_the_door_comes_again(
    fresh_server: SSHServer, stranger: Nornir, sent_afresh: Sent, tmp_path: Path
) -> None:
    crowd = Crowd(fresh_server, first=transport.ATTEMPTS - 1)
    come_through(crowd, stranger, fresh_server, tmp_path)
    sent_afresh()
    assert crowd.came == transport.ATTEMPTS
    assert len(fresh_server.scripts) == 1
    crowd.close()


@pytest.mark.usefixtures("impatient")
def test_who_is_never_let_in_gives_up(
    fresh_server: SSHServer, stranger: Nornir, sent_afresh: Sent, tmp_path: Path
) -> None:
    crowd = Crowd(fresh_server, first=99)
    come_through(crowd, stranger, fresh_server, tmp_path)
    with pytest.raises(HostUnreachableError, match="no SSH server answers"):
        sent_afresh()
    assert crowd.came == transport.ATTEMPTS
    crowd.close()


def test_a_door_that_is_closed_is_tried_once(
    fresh_server: SSHServer, stranger: Nornir, sent_afresh: Sent, tmp_path: Path
) -> None:
    crowd = Crowd(fresh_server, first=0)
    come_through(crowd, stranger, fresh_server, tmp_path)
    (tmp_path / "known_hosts").write_text("")
    with pytest.raises(HostKeyUnknownError):
        sent_afresh()
    assert crowd.came == 1
    crowd.close()


@pytest.mark.usefixtures("impatient")
def test_a_jump_host_that_hangs_up_is_asked_again(
    stranger: Nornir, sent_afresh: Sent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ssh").mkdir(mode=0o700)
    came, jump = tmp_path / "came", tmp_path / "jump"
    jump.write_text(DROP.replace("import sys\n", f"import sys\nopen({str(came)!r}, 'a').write('x')\n"))
    jump.chmod(0o755)
    (tmp_path / ".ssh/config").write_text(f"Host *\n  ProxyCommand {jump}\n")
    extras = stranger.inventory.hosts["lb-1"].connection_options["netmiko"].extras
    assert extras is not None
    extras["ssh_config_file"] = "~/.ssh/config"
    with pytest.raises(HostUnreachableError, match="Connection reset by peer"):
        sent_afresh()
    assert came.read_text() == "x" * transport.ATTEMPTS


def test_no_more_go_to_jump_hosts_at_once_than_these_let_in(monkeypatch: pytest.MonkeyPatch) -> None:
    inside, most, lock = 0, 0, threading.Lock()

    class Client:
        def connect(self, **_parameters: object) -> None:
            nonlocal inside, most
            with lock:
                inside += 1
                most = max(most, inside)
            time.sleep(0.02)
            with lock:
                inside -= 1

        def close(self) -> None: ...

        def get_transport(self) -> None: ...

    def parameters(_connection: object) -> dict[str, object]:
        return {"hostname": "lb-1", "port": 22, "timeout": 8, "sock": partial(BytesIO)}

    monkeypatch.setattr(transport, "connect_parameters", parameters)
    monkeypatch.setattr(transport, "strict_client", lambda *_: Client())
    with ThreadPoolExecutor(24) as pool:
        clients = [*pool.map(lambda _: transport.open_transport(type("Connection", (), {})()), range(24))]
    assert len(clients) == 24
    assert most == 8


def test_a_login_that_is_refused_is_tried_once_also_where_the_server_hangs_up(
    fresh_server: SSHServer, sent_afresh: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: SSHServer, username: str, key: object) -> int:  # noqa: ARG001 - paramiko's interface
        self.tries.append(username)
        threading.Thread(target=self.hang_up).start()
        return AUTH_FAILED

    monkeypatch.setattr(SSHServer, "check_auth_publickey", refuse)
    with pytest.raises(LoginRefusedError, match=r"login as root .* was refused.*check user, key and agent"):
        sent_afresh()
    assert fresh_server.tries == ["root"]
    assert len(fresh_server.transports) == 1


def test_each_jump_host_has_a_door_of_its_own() -> None:
    doors = transport._Doors()  # noqa: SLF001
    first = doors.of(("ssh", "-W", "[lb-1]:22", "ssh://a"), "lb-1")
    assert doors.of(("ssh", "-W", "[lb-2]:22", "ssh://a"), "lb-2") is first
    assert doors.of(("ssh", "-W", "[lb-2]:22", "ssh://b"), "lb-2") is not first


def test_time_in_the_queue_is_not_the_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    tries: dict[int, int] = {}
    monkeypatch.setattr(transport, "QUICK_END", 0.1)
    monkeypatch.setattr(transport, "BETWEEN_ATTEMPTS", (0, 0.01))

    class Client:
        def __init__(self, number: int) -> None:
            self.number = number

        def connect(self, **_parameters: object) -> None:
            tries[self.number] = tries.get(self.number, 0) + 1
            time.sleep(0.05)
            if tries[self.number] == 1:
                raise JumpError("Connection closed by remote host")

        def close(self) -> None: ...

        def get_transport(self) -> None: ...

    def parameters(_connection: object) -> dict[str, object]:
        return {"hostname": "lb-1", "port": 22, "timeout": 8, "sock": partial(BytesIO)}

    monkeypatch.setattr(transport, "connect_parameters", parameters)
    monkeypatch.setattr(transport, "strict_client", lambda connection, _name: Client(connection.number))
    with ThreadPoolExecutor(32) as pool:
        connections = [type("Connection", (), {"number": number})() for number in range(32)]
        assert len([*pool.map(transport.open_transport, connections)]) == 32
    assert set(tries.values()) == {2}


def test_nothing_waits_for_more_to_come(fresh_server: SSHServer, stranger: Nornir, sent_afresh: Sent) -> None:
    sent_afresh()
    connection = stranger.inventory.hosts["lb-1"].get_connection(CONNECTION_NAME, stranger.config)
    sock = connection.remote_conn_pre.get_transport().sock
    assert isinstance(sock, QuickSocket)
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert sock.getpeername() == ("127.0.0.1", fresh_server.port)


def test_acknowledgements_are_asked_for_whenever_something_came_or_went(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(QuickSocket, "acknowledge", lambda _self: asked.append("now"))
    listener = socket.create_server(("127.0.0.1", 0))
    with listener, connect("127.0.0.1", listener.getsockname()[1], 5) as client:
        assert client.gettimeout() is None  # SSH's own time-outs hold from here on
        there, _ = listener.accept()
        client.send(b"hello")
        there.sendall(b"hello")
        assert client.recv(5) == b"hello"
        there.close()
    assert len(asked) == 3


def test_a_cipher_that_authenticates_by_itself_comes_first(fresh_server: SSHServer, sent_afresh: Sent) -> None:
    sent_afresh()
    met: Any = fresh_server.transports[-1]
    assert met.remote_cipher == "aes128-gcm@openssh.com"


def test_no_cipher_is_added_to_those_that_are_wanted() -> None:
    ours, theirs = socket.socketpair()
    disabled = {"ciphers": ["aes128-gcm@openssh.com"]}
    plain: Any = Transport(ours, disabled_algorithms=disabled)
    made: Any = transport.authenticating_first(ours, disabled_algorithms=disabled)
    wanted, ordered = plain.preferred_ciphers, made.preferred_ciphers
    assert ordered[0] == "aes256-gcm@openssh.com"
    assert sorted(ordered) == sorted(wanted)
    assert [each for each in ordered if "gcm" not in each] == [each for each in wanted if "gcm" not in each]
    for end in (ours, theirs):
        end.close()
