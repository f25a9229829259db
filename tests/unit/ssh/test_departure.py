"""Ctrl-C and SIGTERM end a run within five seconds, wherever a host has it wait; its report says so."""

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import paramiko
import pytest
from rig.lab import ROOT
from rig.loopback.sshserver import Answer, SSHServer, close, login_to, sender
from ruamel.yaml import YAML

from nornir_kube_ha.errors import INTERRUPTED, TERMINATED, RemoteTimeoutError
from nornir_kube_ha.ssh import remote

INVENTORY = ROOT / "inventory"
SOON = 30  # seconds until the command has come to its first host, on a busy machine
AT_MOST = 5.0  # seconds from the signal to the end
RUN = "import sys; from nornir_kube_ha.cli import main; sys.exit(main.main())"


class Mute(SSHServer):
    """A server that opens a session and never answers what is asked of it."""

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:  # noqa: ARG002
        self.commands.append(command.decode())
        threading.Event().wait(60)
        return False


def never(_script: str) -> Answer:
    threading.Event().wait(60)
    return 0, b"", b""


@contextmanager
def never_answers_exec() -> Iterator[tuple[int, paramiko.PKey, paramiko.PKey, Callable[[], bool]]]:
    server = Mute(paramiko.ECDSAKey.generate(), paramiko.ECDSAKey.generate())
    yield server.port, server.key, server.login, lambda: bool(server.commands)
    server.close()


@contextmanager
def never_ends_the_script() -> Iterator[tuple[int, paramiko.PKey, paramiko.PKey, Callable[[], bool]]]:
    server = SSHServer(paramiko.ECDSAKey.generate(), paramiko.ECDSAKey.generate(), answer=never)
    yield server.port, server.key, server.login, lambda: bool(server.scripts)
    server.close()


@contextmanager
def says_nothing_at_all() -> Iterator[tuple[int, paramiko.PKey, paramiko.PKey, Callable[[], bool]]]:
    came: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=lambda: came.append(server.accept()[0]), daemon=True).start()
        key = paramiko.ECDSAKey.generate()
        yield server.getsockname()[1], key, key, lambda: bool(came)
    for each in came:
        each.close()


def inventory_of(folder: Path, port: int, key: paramiko.PKey, login: paramiko.PKey) -> Path:
    """The default inventory, whose hosts are all the same server on the loopback."""
    login.write_private_key_file(str(folder / "key"))
    yaml = YAML(typ="safe")
    found = folder / "inventory"
    found.mkdir()
    (found / "known_hosts").write_text(f"[127.0.0.1]:{port} {key.get_name()} {key.get_base64()}\n")
    for name in ("hosts", "groups", "defaults"):
        if (source := INVENTORY / f"{name}.yaml").exists():
            tree = yaml.load(source) or {}
            if name == "hosts":
                for host in tree.values():
                    host["data"]["address"] = host["hostname"]
                    host |= {"hostname": "127.0.0.1", "port": port}
            if name == "groups":
                data = tree["lab"]["data"]
                data |= {"lab": None, "verify": {"from_controller": False}}
                data.pop("apiserver_ca", None)
                extras = tree["lab"]["connection_options"]["netmiko"]["extras"]
                extras |= {"key_file": str(folder / "key"), "alt_key_file": str(found / "known_hosts")}
            yaml.dump(tree, found / f"{name}.yaml")
    return found


@pytest.mark.field_report(
    "G1",
    "found by trial",
    "the guide is typed by hand",
    "after Ctrl-C or SIGTERM a hanging host holds a run for five seconds at most, and the report says so",
)
@pytest.mark.parametrize(
    ("server", "number", "code"),
    [
        (never_answers_exec, signal.SIGINT, INTERRUPTED),
        (never_ends_the_script, signal.SIGTERM, TERMINATED),
        (says_nothing_at_all, signal.SIGINT, INTERRUPTED),
    ],
)
def test_interruption_ends_a_run_that_a_host_holds(
    tmp_path: Path, server: Callable[..., object], number: int, code: int
) -> None:
    with server() as (port, key, login, is_held):  # type: ignore[attr-defined] # each is a context
        folder = inventory_of(tmp_path, port, key, login)
        arguments = ["verify", "-i", str(folder), "--report-dir", str(tmp_path / "reports"), "--check", "host.disk"]
        process = subprocess.Popen(
            [sys.executable, "-c", RUN, *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        try:
            deadline = time.monotonic() + SOON
            while not is_held():
                assert process.poll() is None, process.communicate()
                assert time.monotonic() < deadline
                time.sleep(0.05)
            begun = time.monotonic()
            process.send_signal(number)
            process.wait(AT_MOST + 5)
            took = time.monotonic() - begun
        finally:
            process.kill()
            words = process.communicate()[1]
    assert (process.returncode, took < AT_MOST) == (code, True), (took, words)
    report = json.loads((tmp_path / "reports" / "report.json").read_text())
    assert (report["passed"], report["error"]["type"]) == (False, "Interrupted")


@pytest.mark.field_report(
    "G2",
    "found by trial",
    "the guide's ssh waits for ever, too",
    "the step's own time-out covers a server that opens a session and never answers what is asked of it",
)
def test_server_that_never_answers_exec_costs_the_steps_own_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "SLACK", 0.1)
    server = Mute(paramiko.ECDSAKey.generate(), paramiko.ECDSAKey.generate())
    nornir = login_to(server, tmp_path)
    begun = time.monotonic()
    try:
        with pytest.raises(RemoteTimeoutError, match=r"within 0\.5 s"):
            sender(nornir)(timeout=0.5)
    finally:
        close(nornir)
        server.close()
    assert time.monotonic() - begun < SOON


# Starts a child as tests do, where SIGINT is treated as whoever starts these has it; says whether the child hears it.
STARTED = """
import signal, subprocess, sys
signal.signal(signal.SIGINT, signal.{treated})
tests = "import tests.conftest, subprocess, sys; sys.exit(subprocess.call(sys.argv[1:]))"
child = "import signal, sys; sys.exit(signal.getsignal(2) is not signal.default_int_handler)"
sys.exit(subprocess.call([sys.executable, "-c", tests, sys.executable, "-c", child]))
"""


@pytest.mark.parametrize("treated", ["SIG_DFL", "SIG_IGN"])
def test_children_of_tests_receive_sigint(treated: str) -> None:
    started = [sys.executable, "-c", STARTED.format(treated=treated)]
    assert subprocess.run(started, cwd=INVENTORY.parent, check=False).returncode == 0
