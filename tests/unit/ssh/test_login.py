"""Logins, on an SSH server on the loopback: whose key is known, and what each refusal is called."""

import re
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import paramiko
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from nornir.core import Nornir
from nornir.core.inventory import Host
from nornir_netmiko.connections import CONNECTION_NAME
from rig.loopback.sshserver import Sent, SSHServer, know

from nornir_kube_ha.errors import (
    HostKeyChangedError,
    HostKeyUnknownError,
    HostUnreachableError,
    LoginRefusedError,
    PasswordExpiredError,
    SudoRefusedError,
)
from nornir_kube_ha.inventory import login_options
from nornir_kube_ha.ssh.script import whole
from nornir_kube_ha.tasks import get_host_key

SayOfLogin = Callable[..., None]


@pytest.fixture
def say_of_login(stranger: Nornir, tmp_path: Path) -> SayOfLogin:
    """Give the host an `extras` of its own, in the place of all others."""

    def say(**extras: Any) -> None:  # noqa: ANN401 - what netmiko takes
        own = {"use_keys": True, "key_file": str(tmp_path / "key"), **extras}
        stranger.inventory.hosts["lb-1"].connection_options["netmiko"].extras = own

    return say


def test_host_that_says_nothing_for_long_is_asked_whether_it_still_knows_the_login(
    fresh_server: SSHServer, stranger: Nornir, sent_afresh: Sent
) -> None:
    sent_afresh()
    connection = stranger.inventory.hosts["lb-1"].get_connection(CONNECTION_NAME, stranger.config)
    sock = connection.remote_conn_pre.get_transport().sock
    assert fresh_server.commands
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 5


def test_host_of_a_lab_is_not_reached_from_outside_of_it(
    fresh_server: SSHServer, stranger: Nornir, sent_afresh: Sent
) -> None:
    stranger.inventory.hosts["lb-1"].data["lab"] = "noneup"
    with pytest.raises(HostUnreachableError, match=r"is in lab noneup.*nothing was sent"):
        sent_afresh()
    assert fresh_server.transports == []


def test_one_login_serves_every_script_and_opens_no_shell(fresh_server: SSHServer, sent_afresh: Sent) -> None:
    for number in range(3):
        sent_afresh(f"echo {number}\n")
    assert fresh_server.scripts == [whole(f"echo {number}\n") for number in range(3)]
    assert fresh_server.commands == ["sh -s"] * 3  # and a terminal or a shell would have been refused
    assert len(fresh_server.transports) == 1


def test_wrong_host_key_is_refused(fresh_server: SSHServer, sent_afresh: Sent, tmp_path: Path) -> None:
    know(fresh_server, paramiko.ECDSAKey.generate(), tmp_path)
    with pytest.raises(HostKeyChangedError, match=rf"the host key of 127\.0\.0\.1:{fresh_server.port} has changed"):
        sent_afresh()
    assert fresh_server.tries == []


def test_unknown_host_key_is_refused(fresh_server: SSHServer, sent_afresh: Sent, tmp_path: Path) -> None:
    (tmp_path / "known_hosts").write_text("")
    with pytest.raises(HostKeyUnknownError, match=rf"the host key of 127\.0\.0\.1:{fresh_server.port} is unknown"):
        sent_afresh()
    assert fresh_server.tries == []


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


def test_missing_key_file_is_not_blamed_on_the_network(sent_afresh: Sent, tmp_path: Path) -> None:
    (tmp_path / "key").unlink()
    with pytest.raises(LoginRefusedError, match="key"):
        sent_afresh()


def test_port_without_a_listener_is_unreachable(fresh_server: SSHServer, sent_afresh: Sent) -> None:
    fresh_server.close()
    with pytest.raises(HostUnreachableError, match=rf"no SSH server answers on 127\.0\.0\.1:{fresh_server.port}"):
        sent_afresh()


def test_port_of_something_else_is_unreachable(stranger: Nornir, sent_afresh: Sent) -> None:
    with socket.create_server(("127.0.0.1", 0)) as web:
        stranger.inventory.hosts["lb-1"].port = web.getsockname()[1]

        def answer() -> None:
            with suppress(OSError):  # closed at the test's end
                while True:
                    client, _ = web.accept()
                    client.recv(100)
                    client.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n")
                    client.close()

        threading.Thread(target=answer, daemon=True).start()
        with pytest.raises(HostUnreachableError, match="no SSH server answers"):
            sent_afresh()


@pytest.mark.usefixtures("homeless")
def test_extras_that_say_nothing_of_host_keys_are_strict(
    fresh_server: SSHServer, sent_afresh: Sent, say_of_login: SayOfLogin, tmp_path: Path
) -> None:
    say_of_login()
    (tmp_path / "known_hosts").unlink()
    with pytest.raises(HostKeyUnknownError):
        sent_afresh()
    assert fresh_server.tries == []
    know(fresh_server, fresh_server.key, tmp_path)  # beside the inventory's own files
    sent_afresh()
    assert fresh_server.tries == ["root"]


@pytest.mark.usefixtures("homeless")
def test_keys_that_lie_in_anybodys_folder_are_not_believed(
    fresh_server: SSHServer,
    stranger: Nornir,
    sent_afresh: Sent,
    say_of_login: SayOfLogin,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    say_of_login()
    monkeypatch.chdir(tmp_path)
    stranger.config.inventory.options.clear()  # as of an inventory plugin that has no files
    with pytest.raises(HostKeyUnknownError):
        sent_afresh()
    assert fresh_server.tries == []


@pytest.mark.parametrize("extras", [{"ssh_strict": False}, {"ssh_strict": "yes"}, {"ssh_strict": None}])
def test_extras_that_let_any_machine_be_the_host_are_refused(
    fresh_server: SSHServer, sent_afresh: Sent, say_of_login: SayOfLogin, extras: dict[str, object]
) -> None:
    say_of_login(**extras)
    with pytest.raises(
        LoginRefusedError, match=r"ssh_strict: .* would accept any machine as this host.*nothing was sent"
    ):
        sent_afresh()
    assert fresh_server.transports == []


@pytest.mark.parametrize("extras", [{}, {"ssh_strict": False}])
def test_any_host_key_will_do_where_the_inventory_says_so_aloud(
    stranger: Nornir, sent_afresh: Sent, say_of_login: SayOfLogin, tmp_path: Path, extras: dict[str, object]
) -> None:
    stranger.inventory.hosts["lb-1"].data["host_keys"] = "insecure-accept-any"
    (tmp_path / "known_hosts").unlink()
    say_of_login(**extras)
    sent_afresh()


def test_host_key_that_changes_while_a_run_goes_on_is_refused(
    fresh_server: SSHServer, stranger: Nornir, sent_afresh: Sent
) -> None:
    sent_afresh()
    fresh_server.key = paramiko.ECDSAKey.generate()
    stranger.inventory.hosts["lb-1"].close_connections()
    with pytest.raises(HostKeyChangedError):
        sent_afresh()
    assert fresh_server.tries == ["root"]


def test_host_key_of_another_kind_has_changed(fresh_server: SSHServer, sent_afresh: Sent, tmp_path: Path) -> None:
    know(fresh_server, paramiko.RSAKey.generate(2048), tmp_path)
    with pytest.raises(HostKeyChangedError):
        sent_afresh()
    assert fresh_server.tries == []


@pytest.fixture
def ops(fresh_server: SSHServer, stranger: Nornir) -> Host:
    """The host, where a user logs in who is not root."""
    fresh_server.user = "ops"
    host = stranger.inventory.hosts["lb-1"]
    host.username = "ops"
    return host


def test_user_who_is_not_root_runs_scripts_by_sudo(fresh_server: SSHServer, ops: Host, sent_afresh: Sent) -> None:
    assert ops.username == "ops"
    sent_afresh("echo 1\n")
    assert fresh_server.scripts == [whole("echo 1\n")]
    assert "exec sudo -n -- sh -s" in fresh_server.commands[0]


def test_sudo_gets_its_password_before_the_script(fresh_server: SSHServer, ops: Host, sent_afresh: Sent) -> None:
    ops.data["login"] = {"sudo_password": "open sesame"}
    sent_afresh("echo 1\n")
    assert fresh_server.scripts == ["open sesame\n" + whole("echo 1\n")]
    assert "sesame" not in fresh_server.commands[0]


def test_sudo_that_refuses_says_why(fresh_server: SSHServer, ops: Host, sent_afresh: Sent) -> None:
    def refuse(_script: str) -> tuple[int, bytes, bytes]:
        [mark] = set(re.findall(r"@[0-9a-f]{16}", fresh_server.commands[0]))
        return 97, b"", f"sudo: a password is required\n{mark}\n".encode()

    fresh_server.answer = refuse
    words = (
        "sudo does not let ops run sh as root: sudo: a password is required; set "
        "login.sudo_password, or NOPASSWD in sudoers"
    )
    with pytest.raises(SudoRefusedError, match=words):
        sent_afresh()
    assert ops.connections  # and the login stays


def test_server_that_reads_nothing_is_heard_anyway(fresh_server: SSHServer, sent_afresh: Sent) -> None:
    words = b"Password change required but no TTY available.\n"
    fresh_server.reads_scripts, fresh_server.answer = False, lambda _: (1, b"", words)
    with pytest.raises(PasswordExpiredError, match="the password of root has expired"):
        sent_afresh(f"true {'x' * 8_000_000}\n")


def test_password_that_has_expired_is_no_failure_of_the_script(fresh_server: SSHServer, sent_afresh: Sent) -> None:
    words = b"WARNING: Your password has expired.\nPassword change required but no TTY available.\n"
    fresh_server.answer = lambda _: (1, b"", words)
    with pytest.raises(PasswordExpiredError, match="the password of root has expired"):
        sent_afresh()


@pytest.mark.parametrize("source", ["open sesame", {"env": "SSH_PASSWORD"}])
def test_password_of_the_inventory_logs_in(
    fresh_server: SSHServer, ops: Host, sent_afresh: Sent, monkeypatch: pytest.MonkeyPatch, source: object
) -> None:
    monkeypatch.setenv("SSH_PASSWORD", "open sesame")
    fresh_server.password = "open sesame"
    ops.connection_options["netmiko"].extras = {}
    ops.data["login"] = {"password": source}
    sent_afresh()
    assert fresh_server.tries == ["ops by password"]


def test_wrong_password_is_tried_once(fresh_server: SSHServer, ops: Host, sent_afresh: Sent) -> None:
    fresh_server.password = "open sesame"
    ops.connection_options["netmiko"].extras = {}
    ops.data["login"] = {"password": "another"}
    with pytest.raises(LoginRefusedError, match=r"login as ops on .* was refused"):
        sent_afresh()
    assert fresh_server.tries == ["ops by password"]


def test_password_that_is_not_there_says_so_and_nothing_is_sent(
    fresh_server: SSHServer, ops: Host, sent_afresh: Sent
) -> None:
    ops.data["login"] = {"password": {"env": "NOT_SET_ANYWHERE"}}
    with pytest.raises(LoginRefusedError, match="NOT_SET_ANYWHERE is not set"):
        sent_afresh()
    assert fresh_server.transports == []


@pytest.mark.parametrize(
    "error",
    [
        paramiko.SSHException("Error reading SSH protocol banner"),
        paramiko.SSHException("Server connection dropped: "),
        paramiko.SSHException("No existing session"),
        paramiko.SSHException("Key-exchange timed out waiting for key negotiation"),
        paramiko.SSHException("Timeout opening channel."),
        paramiko.SSHException("Negotiation failed."),
    ],
    ids=str,
)
def test_login_that_the_network_loses_is_not_refused(
    sent_afresh: Sent, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def lose(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(paramiko.SSHClient, "connect", lose)
    with pytest.raises(HostUnreachableError, match="no SSH server answers"):
        sent_afresh()


def test_server_that_never_speaks_is_unreachable_soon(
    stranger: Nornir, sent_afresh: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login_options, "PATIENCE", {"conn_timeout": 8, "banner_timeout": 0.3, "auth_timeout": 8})
    with socket.create_server(("127.0.0.1", 0)) as silent:
        stranger.inventory.hosts["lb-1"].port = silent.getsockname()[1]
        with pytest.raises(HostUnreachableError, match="no SSH server answers"):
            sent_afresh()


@pytest.mark.field_report(
    "G6",
    "ansible#70061",
    "a login that takes 10 s is given up after 8 s as a host without an SSH server",
    "a login has 30 s, and the error says that the host did not finish the login, with the three settings",
)
def test_server_that_is_slow_to_let_in_is_not_said_to_be_none(
    fresh_server: SSHServer, stranger: Nornir, sent_afresh: Sent, say_of_login: SayOfLogin, tmp_path: Path
) -> None:
    fresh_server.lets_in_after = 1
    known = {"alt_host_keys": True, "alt_key_file": str(tmp_path / "known_hosts")}
    say_of_login(auth_timeout=0.3, **known)
    with pytest.raises(HostUnreachableError, match=r"did not finish the login within 0\.3 s") as caught:
        sent_afresh()
    for setting in ("conn_timeout (8 s)", "banner_timeout (30 s)", "auth_timeout (0.3 s)"):
        assert setting in str(caught.value)
    assert len(fresh_server.transports) == 1  # nor is another key tried, for another time as long
    stranger.inventory.hosts["lb-1"].close_connections()
    say_of_login(**known)
    sent_afresh()


@pytest.mark.field_report("G6")
def test_each_phase_of_a_login_has_its_own_time(
    fresh_server: SSHServer, sent_afresh: Sent, say_of_login: SayOfLogin, tmp_path: Path
) -> None:
    """paramiko would count the server's first words, and its key exchange, to the time for the connection."""
    fresh_server.prepare = lambda _: time.sleep(1)
    known = {"alt_host_keys": True, "alt_key_file": str(tmp_path / "known_hosts")}
    say_of_login(conn_timeout=0.5, **known)
    sent_afresh()
    assert login_options.PATIENCE["conn_timeout"] <= 10  # a host that is off is found out soon
    assert login_options.PATIENCE["auth_timeout"] >= 30


@pytest.mark.field_report("G6")
def test_server_that_speaks_and_stops_did_not_let_us_in(
    stranger: Nornir, sent_afresh: Sent, say_of_login: SayOfLogin
) -> None:
    say_of_login(banner_timeout=0.5)
    with socket.create_server(("127.0.0.1", 0)) as slow:
        stranger.inventory.hosts["lb-1"].port = slow.getsockname()[1]

        def greet() -> None:
            client, _ = slow.accept()
            client.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
            over.wait(10)
            client.close()

        over = threading.Event()
        thread = threading.Thread(target=greet)
        thread.start()
        with pytest.raises(HostUnreachableError, match=r"did not finish the login within 0\.5 s"):
            sent_afresh()
        over.set()
        thread.join()


@pytest.mark.field_report(
    "G7",
    "ssh-audit#274",
    "an SSH server with key exchanges that paramiko lacks is said to refuse user, key and agent",
    "the error says that there is none in common, and what both offer",
)
@pytest.mark.parametrize(
    ("kind", "option", "algorithm", "words", "setting"),
    [
        ("kex", "kex", "diffie-hellman-group14-sha256", "key exchange", "KexAlgorithms"),
        ("ciphers", "ciphers", "aes256-ctr", "cipher", "Ciphers"),
        ("macs", "digests", "hmac-sha2-256", "MAC", "MACs"),
        ("keys", "key_types", "ecdsa-sha2-nistp256", "kind of host key", "HostKeyAlgorithms"),
    ],
)
def test_server_without_a_common_algorithm_is_reported_with_both_offers(
    fresh_server: SSHServer,
    stranger: Nornir,
    sent_afresh: Sent,
    say_of_login: SayOfLogin,
    kind: str,
    option: str,
    algorithm: str,
    words: str,
    setting: str,
) -> None:
    def offer_one(transport: paramiko.Transport) -> None:
        setattr(transport.get_security_options(), option, (algorithm,))

    fresh_server.prepare = offer_one
    say_of_login(disabled_algorithms={kind: [algorithm]})
    for look in (sent_afresh, lambda: _key_of(stranger)):
        with pytest.raises(
            LoginRefusedError, match=f"has no {words} in common with kube-ha: it offers {algorithm};"
        ) as caught:
            look()
        assert type(caught.value) is LoginRefusedError
        own = str(caught.value).partition("kube-ha offers")[2]
        assert algorithm not in own.split(", ")
        assert setting in own
    assert fresh_server.tries == []


def _key_of(nornir: Nornir) -> None:
    nornir.data.reset_failed_hosts()
    exception = nornir.run(get_host_key)["lb-1"][0].exception
    if exception:
        raise exception
