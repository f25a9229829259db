"""What an ssh_config file says of a login, and the way through a command: a server on the loopback, no ssh needed."""

import inspect
import os
import re
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import paramiko
import pytest
from netmiko.base_connection import BaseConnection
from nornir.core import Nornir
from nornir_netmiko.connections import CONNECTION_NAME
from rig.loopback.sshserver import Sent, SSHServer

from nornir_kube_ha.errors import (
    HostKeyChangedError,
    HostKeyUnknownError,
    HostUnreachableError,
    KubeHaError,
    LoginRefusedError,
)
from nornir_kube_ha.inventory.login_extras import ALLOWED, INSTEAD, REACHES_OUT
from nornir_kube_ha.ssh import transport
from nornir_kube_ha.ssh.ssh_config import Jump
from nornir_kube_ha.tasks import get_host_key

HARMLESS = {
    *("self", "ip", "host", "username", "password", "secret", "port", "device_type", "verbose", "encoding"),
    *("use_keys", "key_file", "pkey", "passphrase", "allow_agent", "disabled_algorithms", "disable_sha2_fix"),
    *("ssh_strict", "system_host_keys", "alt_host_keys", "alt_key_file", "ssh_config_file"),  # looked at
    *("conn_timeout", "auth_timeout", "banner_timeout", "blocking_timeout", "timeout", "session_timeout", "keepalive"),
    *("read_timeout_override", "global_delay_factor", "delay_factor_compat", "global_cmd_verify", "fast_cli"),
    *("default_enter", "response_return", "disable_lf_normalization", "auto_connect", "allow_auto_change"),
    "_legacy_mode",
}
Write = Callable[[str], Path]
SERVER = "127.0.0.1"
RELAY = """
import os, socket, sys, threading
there = socket.create_connection(({host!r}, {port}))
def back():
    while data := there.recv(65536):
        os.write(1, data)
    os._exit(0)
threading.Thread(target=back, daemon=True).start()
while data := os.read(0, 65536):
    there.sendall(data)
"""


def extras_of(nornir: Nornir) -> dict[str, object]:
    extras = nornir.inventory.hosts["lb-1"].connection_options["netmiko"].extras
    assert extras is not None
    return extras


@pytest.fixture
def write(stranger: Nornir, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write the ssh_config file that the inventory names, among the operator's own."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    (home / ".ssh").mkdir(mode=0o700)
    file = home / ".ssh/other_config"
    extras_of(stranger)["ssh_config_file"] = "~/.ssh/other_config"

    def write(text: str) -> Path:
        file.write_text(text)
        return file

    return write


@pytest.fixture
def relay(fresh_server: SSHServer, tmp_path: Path) -> Path:
    """A command that leads to the server."""
    script = tmp_path / "relay"
    script.write_text(f"#!{sys.executable}\n{RELAY.format(host=SERVER, port=fresh_server.port)}")
    script.chmod(0o755)
    return script


def jump_of(nornir: Nornir) -> Jump:
    transport = nornir.inventory.hosts["lb-1"].get_connection(CONNECTION_NAME, nornir.config).remote_conn_pre
    jump: Jump = transport.get_transport().sock
    return jump


@pytest.mark.parametrize("user", ["root", "kube"])
def test_file_says_where_the_host_is_and_who_logs_in(
    fresh_server: SSHServer, stranger: Nornir, sent_afresh: Sent, write: Write, user: str
) -> None:
    host = stranger.inventory.hosts["lb-1"]
    host.hostname, host.port, host.username, fresh_server.user = "kube", None, None, user
    write(f"Host kube\n  HostName {SERVER}\n  Port {fresh_server.port}\n  User {user}\n")
    sent_afresh()
    assert fresh_server.tries == [user]
    assert ("sudo" in fresh_server.commands[0]) == (user != "root")


def test_inventory_goes_before_the_file(fresh_server: SSHServer, sent_afresh: Sent, write: Write) -> None:
    write("Host *\n  Port 1\n  User nobody\n  IdentityFile /nowhere\n")
    sent_afresh()
    assert fresh_server.tries == ["root"]


def test_key_of_the_file_logs_in_and_one_that_is_not_there_is_passed_over(
    stranger: Nornir, sent_afresh: Sent, write: Write, tmp_path: Path
) -> None:
    extras = extras_of(stranger)
    del extras["use_keys"], extras["key_file"]
    write(f"Host *\n  IdentityFile /nowhere\n  IdentityFile {tmp_path}/key\n")
    sent_afresh()


def test_file_that_is_not_there_is_not_taken_for_an_empty_one(
    fresh_server: SSHServer, sent_afresh: Sent, write: Write
) -> None:
    write("").unlink()
    with pytest.raises(LoginRefusedError, match=r"ssh_config_file .*: No such file"):
        sent_afresh()
    assert fresh_server.transports == []


@pytest.mark.parametrize("name", ["{folder}/ssh_config", "ssh_config", "~/.ssh/../ssh_config", "/etc/ssh/../hosts"])
def test_file_that_is_not_the_operators_is_refused(
    fresh_server: SSHServer,
    stranger: Nornir,
    sent_afresh: Sent,
    write: Write,
    tmp_path: Path,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who writes the inventory would else run commands here."""
    monkeypatch.chdir(tmp_path)
    text = f"Host *\n  ProxyCommand touch {tmp_path}/executed\n"
    (tmp_path / "ssh_config").write_text(text)
    (write(text).parent.parent / "ssh_config").write_text(text)
    extras_of(stranger)["ssh_config_file"] = name.format(folder=tmp_path)
    with pytest.raises(LoginRefusedError, match=r"is in neither ~/\.ssh nor /etc/ssh"):
        sent_afresh()
    assert fresh_server.transports == []
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("key", sorted(REACHES_OUT))
def test_option_that_writes_or_talks_elsewhere_is_refused(
    fresh_server: SSHServer, stranger: Nornir, sent_afresh: Sent, tmp_path: Path, key: str
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("of the operator")
    extras_of(stranger)[key] = str(victim)
    with pytest.raises(LoginRefusedError, match=rf"extras\.{key}: would make netmiko write to"):
        sent_afresh()
    assert (fresh_server.transports, victim.read_text()) == ([], "of the operator")


def test_all_that_netmiko_knows_was_looked_at() -> None:
    """What a newer one knows besides must be looked at before an inventory may say it."""
    known = inspect.signature(BaseConnection.__init__).parameters.keys() - REACHES_OUT
    assert known == HARMLESS
    assert {*ALLOWED, *INSTEAD} == (known | REACHES_OUT) - {"self"}
    assert not ALLOWED.keys() & INSTEAD.keys()


@pytest.mark.parametrize("mode", [0o664, 0o646])
def test_file_that_others_can_write_is_refused(
    fresh_server: SSHServer, sent_afresh: Sent, write: Write, mode: int
) -> None:
    write("").chmod(mode)
    with pytest.raises(LoginRefusedError, match="is writable by other users"):
        sent_afresh()
    assert fresh_server.transports == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Host *\n  ProxyJump a,b\n", "ProxyJump a,b: expected one jump host"),
        ("Host *\n  CertificateFile /nowhere\n", "/nowhere: No such file"),
        ("Host *\n  CertificateFile {folder}/key\n", "CertificateFile .* of key"),
        ("Host\n", "ssh_config_file .*: "),
    ],
)
def test_file_that_cannot_be_used_is_refused(
    fresh_server: SSHServer, sent_afresh: Sent, write: Write, tmp_path: Path, text: str, words: str
) -> None:
    write(text.format(folder=tmp_path))
    with pytest.raises(LoginRefusedError, match=words):
        sent_afresh()
    assert fresh_server.transports == []


@pytest.mark.parametrize("name", ["x -oProxyCommand=reboot", "-oProxyCommand=reboot", "a;b", ""])
@pytest.mark.parametrize("key", ["hostname", "username"])
def test_name_that_could_become_an_option_of_a_command_runs_none(
    stranger: Nornir, sent_afresh: Sent, write: Write, tmp_path: Path, name: str, key: str
) -> None:
    if (key, name) == ("username", ""):
        name = "-l"
    setattr(stranger.inventory.hosts["lb-1"], key, name)
    write(f"Host *\n  ProxyCommand touch {tmp_path}/run %h %r\n")
    with pytest.raises(LoginRefusedError):
        sent_afresh()
    assert not (tmp_path / "run").exists()


def test_command_leads_to_the_host_whose_key_is_checked(
    fresh_server: SSHServer, stranger: Nornir, sent_afresh: Sent, write: Write, relay: Path, tmp_path: Path
) -> None:
    write(f"Host *\n  ProxyCommand {relay}\n")
    assert sent_afresh().status == 0
    process = jump_of(stranger).process
    assert os.getsid(process.pid) == process.pid  # no Ctrl-C reaches it, and it can ask nobody
    stranger.inventory.hosts["lb-1"].close_connections()
    assert process.returncode is not None  # and no zombie stays
    (tmp_path / "known_hosts").write_text("")
    tried = [*fresh_server.tries]
    with pytest.raises(HostKeyUnknownError):
        sent_afresh()
    assert fresh_server.tries == tried


@pytest.mark.usefixtures("write")
def test_jump_host_is_logged_in_to_strictly_by_ssh(
    fresh_server: SSHServer,
    sent_afresh: Sent,
    write: Write,
    relay: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ssh, said = tmp_path / "bin/ssh", tmp_path / "said"
    ssh.parent.mkdir()
    ssh.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >{said}\nexec {relay}\n')
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{ssh.parent}:{os.environ['PATH']}")
    file = write("Host 127.*\n  ProxyJump ops@bastion:2222\n  StrictHostKeyChecking no\n")
    sent_afresh()
    words = said.read_text().splitlines()
    assert words[:2] == ["-F", str(file)]
    assert {"StrictHostKeyChecking=yes", "BatchMode=yes"} <= set(words)
    assert words[-3:] == ["-W", f"[{SERVER}]:{fresh_server.port}", "ssh://ops@bastion:2222"]


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("No ED25519 host key is known for bastion and ...\nHost key verification failed.", HostKeyUnknownError),
        ("@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.", HostKeyChangedError),
        ("root@bastion: Permission denied (publickey).", LoginRefusedError),
        ("stdio forwarding failed", HostUnreachableError),
        ("", HostUnreachableError),
    ],
)
def test_command_that_ends_says_why_and_soon(
    sent_afresh: Sent, write: Write, tmp_path: Path, words: str, kind: type[KubeHaError]
) -> None:
    script = tmp_path / "leads-nowhere"
    script.write_text(f"#!/bin/sh\ncat >&2 <<'END'\n{words}\nEND\nexit 255\n")
    script.chmod(0o755)
    write(f"Host *\n  ProxyCommand {script}\n")
    begun = time.monotonic()
    with pytest.raises(kind, match=re.escape(words.splitlines()[-1]) if words else "exit status 255") as caught:
        sent_afresh()
    assert type(caught.value) is kind
    assert time.monotonic() - begun < 2


def test_missing_command_is_not_blamed_on_the_host(sent_afresh: Sent, write: Write) -> None:
    write("Host *\n  ProxyCommand /nowhere/to-be-found\n")
    with pytest.raises(HostUnreachableError, match="to-be-found"):
        sent_afresh()


def test_jump_host_that_goes_ends_the_script_at_once(
    fresh_server: SSHServer, stranger: Nornir, sent_afresh: Sent, write: Write, relay: Path
) -> None:
    write(f"Host *\n  ProxyCommand {relay}\n")
    arrived, over = threading.Event(), threading.Event()

    def hang(_script: str) -> tuple[int, bytes, bytes]:
        arrived.set()
        over.wait(10)
        return 0, b"", b""

    def end() -> None:
        arrived.wait(10)
        jump_of(stranger).process.kill()

    fresh_server.answer = hang
    killer = threading.Thread(target=end)
    killer.start()
    begun = time.monotonic()
    with pytest.raises(HostUnreachableError, match="connection was lost"):
        sent_afresh()
    assert time.monotonic() - begun < 5
    over.set()
    killer.join()


def test_host_behind_a_jump_host_is_asked_whether_it_is_there(
    fresh_server: SSHServer, sent_afresh: Sent, write: Write, relay: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = threading.Event()
    monkeypatch.setattr(transport, "PROBES", dict.fromkeys(transport.PROBES, 0.05))
    monkeypatch.setattr(
        SSHServer, "check_global_request", lambda _self, kind, _message: asked.set() if "alive" in kind else None
    )

    def hang(_script: str) -> tuple[int, bytes, bytes]:
        asked.wait(5)
        return 0, b"", b""

    fresh_server.answer = hang
    write(f"Host *\n  ProxyCommand {relay}\n")
    sent_afresh()
    assert asked.is_set()


@pytest.mark.usefixtures("homeless")
def test_default_file_need_not_be_there(stranger: Nornir, sent_afresh: Sent, tmp_path: Path) -> None:
    stranger.config.ssh.config_file = str(tmp_path / "home/.ssh/config")
    sent_afresh()


def key_line(server: SSHServer, key: paramiko.PKey, marker: str = "") -> str:
    return f"{marker}[{SERVER}]:{server.port} {key.get_name()} {key.get_base64()}\n"


@pytest.mark.parametrize(
    "line", ["@cert-authority * ssh-ed25519 AAAA\n", "host ssh-ed25519 A\n", "half\n", "# words\n"]
)
def test_invalid_line_does_not_affect_the_others(
    fresh_server: SSHServer, sent_afresh: Sent, tmp_path: Path, line: str
) -> None:
    (tmp_path / "known_hosts").write_text(line + key_line(fresh_server, fresh_server.key))
    sent_afresh()


def test_cert_authority_makes_no_host_known(fresh_server: SSHServer, sent_afresh: Sent, tmp_path: Path) -> None:
    (tmp_path / "known_hosts").write_text(key_line(fresh_server, fresh_server.key, "@cert-authority "))
    with pytest.raises(HostKeyUnknownError, match="@cert-authority"):
        sent_afresh()
    assert fresh_server.tries == []


def test_key_that_is_revoked_is_not_known(fresh_server: SSHServer, sent_afresh: Sent, tmp_path: Path) -> None:
    key = fresh_server.key
    lines = key_line(fresh_server, key) + f"@revoked * {key.get_name()} {key.get_base64()}\n"
    (tmp_path / "known_hosts").write_text(lines)
    with pytest.raises(HostKeyUnknownError):
        sent_afresh()
    assert fresh_server.tries == []


def test_hosts_key_is_asked_for_by_the_same_way(
    fresh_server: SSHServer, stranger: Nornir, write: Write, relay: Path
) -> None:
    stranger.inventory.hosts["lb-1"].port = 1  # where nobody listens: the command knows the way
    write(f"Host *\n  ProxyCommand {relay}\n")
    outcome = stranger.run(get_host_key)["lb-1"][0]
    assert outcome.exception is None
    assert outcome.result.base64 == fresh_server.key.get_base64()
    assert fresh_server.tries == []
