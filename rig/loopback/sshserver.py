"""An SSH server on the loopback that answers as it is told, and inventories of it."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import paramiko
from nornir.core import Nornir
from nornir.core.configuration import Config, InventoryConfig
from nornir.core.inventory import ConnectionOptions, Defaults, Groups, Host, Hosts, Inventory
from nornir.core.plugins.connections import ConnectionPluginRegister
from nornir.core.state import GlobalState
from nornir.core.task import Result, Task
from nornir.plugins.runners import SerialRunner
from paramiko.common import AUTH_FAILED, AUTH_SUCCESSFUL, OPEN_FAILED_RESOURCE_SHORTAGE, OPEN_SUCCEEDED

from nornir_kube_ha.ssh.remote import run_script
from nornir_kube_ha.ssh.shell import Completed

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
    tries: list[str] = field(default_factory=list)  # who tried to log in
    user: str = "root"
    password: str = ""  # lets the user in, too, unless empty
    opens_sessions: bool = True
    runs_commands: bool = True
    reads_scripts: bool = True  # or no more than that there is one
    prepare: Callable[[paramiko.Transport], object] = lambda _: None  # before the key exchange
    lets_in_after: float = 0  # seconds

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
            self.prepare(transport)
            transport.start_server(event=threading.Event(), server=self)

    def get_allowed_auths(self, username: str) -> str:  # noqa: ARG002 - paramiko's interface
        return "publickey,password" if self.password else "publickey"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        self.tries.append(username)
        time.sleep(self.lets_in_after)
        good = username == self.user and key == self.login
        return AUTH_SUCCESSFUL if good else AUTH_FAILED

    def check_auth_password(self, username: str, password: str) -> int:
        self.tries.append(f"{username} by password")
        good = username == self.user and password == self.password
        return AUTH_SUCCESSFUL if good else AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:  # noqa: ARG002 - paramiko's interface
        return OPEN_SUCCEEDED if self.opens_sessions else OPEN_FAILED_RESOURCE_SHORTAGE

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        self.commands.append(command.decode())
        if self.runs_commands:
            threading.Thread(target=self._answer, args=(channel,), daemon=True).start()
        return self.runs_commands

    def _answer(self, channel: paramiko.Channel) -> None:
        script = (channel.makefile("rb").read() if self.reads_scripts else channel.recv(1)).decode()
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
    place = InventoryConfig(plugin="None", options={"host_file": str(folder / "hosts.yaml")})
    return Nornir(inventory, runner=SerialRunner(), config=Config(inventory=place), data=GlobalState())


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
