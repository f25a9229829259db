"""Log in by an ssh_config file: names, users, keys, certificates, and the way through a jump host.

netmiko's own reading of such a file knows no user, key or certificate, and takes a missing file for an empty one. It
lets ssh prompt on the terminal, and paramiko then waits for a jump host that is gone.
"""

import contextlib
import os
import shlex
import stat
import subprocess
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import paramiko
from netmiko import BaseConnection
from typing_extensions import Buffer

from nornir_kube_ha.inventory.login_words import is_host_word, is_user_word
from nornir_kube_ha.ssh.poll import is_readable

DEFAULT = (".ssh", "config")  # Nornir's default, in the home folder; this file need not exist
PROBES = (5, 120)  # seconds and number, like the TCP keepalive of a direct connection
_LAST_WORDS = 1000  # bytes of stderr in an error
_SECONDS_TO_END = 1


class JumpError(paramiko.ProxyCommandFailure):
    """The command that leads to the host has ended.

    Arguments:
        words: the last that it printed
    """

    def __init__(self, words: str) -> None:
        self.words = words
        super().__init__("", words)

    def __str__(self) -> str:
        """Return what it printed, but not the command, which may hold anything."""
        return self.words


class Jump(paramiko.ProxyCommand):
    """A command whose input and output are a connection to the host.

    paramiko's own class never notices the command's end, and leaves a zombie. Ctrl-C ends its command before the run
    has released the host. This one has no terminal, so it cannot prompt.

    Arguments:
        command: with its arguments
    """

    def __init__(self, *command: str) -> None:
        self.cmd = [*command]
        self.timeout: float | None = None
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the connection; a pipe would fill up
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": self._said}
        try:
            self.process = subprocess.Popen(command, bufsize=0, start_new_session=True, **pipes)
        except OSError:
            self._said.close()
            raise
        assert self.process.stdin  # noqa: S101 - both are pipes
        assert self.process.stdout  # noqa: S101
        self._stdin, self._stdout = self.process.stdin, self.process.stdout

    def send(self, content: Buffer) -> int:
        """Send some of the content, and return how much."""
        try:
            return self._stdin.write(content)
        except (OSError, ValueError) as error:
            raise self._failure() from error

    def recv(self, size: int) -> bytes:
        """Return what has arrived, at most `size` bytes."""
        try:
            if not is_readable(self._stdout.fileno(), self.timeout):
                raise TimeoutError
            got = os.read(self._stdout.fileno(), size)
        except ValueError:  # it was closed meanwhile
            return b""
        if not got:
            raise self._failure()
        return got

    def close(self) -> None:
        """End the command."""
        self._stdin.close()
        self._stdout.close()
        self.process.terminate()
        self._await_end()
        with contextlib.suppress(ValueError):  # paramiko's thread may do it too
            self._said.close()

    def _await_end(self) -> None:
        try:
            self.process.wait(_SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _failure(self) -> JumpError:
        self._await_end()
        words = ""
        with contextlib.suppress(ValueError):  # it was closed meanwhile
            size = self._said.seek(0, os.SEEK_END)
            self._said.seek(max(0, size - _LAST_WORDS))
            words = " ".join(self._said.read().decode(errors="replace").split())
        return JumpError(words or f"{self.cmd[0]} ended with exit status {self.process.returncode}")


def connect_parameters(connection: BaseConnection) -> dict[str, Any]:
    """Return netmiko's parameters for paramiko's `connect`. `sock` makes a `Jump`, or is None for a direct connection.

    Arguments:
        connection: netmiko's, not connected

    Raises:
        ValueError: its ssh_config file cannot be used
    """
    file, connection.ssh_config_file = connection.ssh_config_file, None
    try:
        parameters: dict[str, Any] = connection._connect_params_dict()  # noqa: SLF001 - see `open_transport`
    finally:
        connection.ssh_config_file = file
    return parameters | _said_by(Path(file).expanduser(), parameters) if file else parameters


def _said_by(file: Path, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return what a file says of a host. The inventory takes precedence, as the command line does for ssh."""
    _refuse_unchecked(parameters["hostname"], parameters["username"])  # first: `Match exec` runs a command with them
    said = _lookup(file, parameters["hostname"])
    port = int(said.get("port", 22)) if parameters["port"] == paramiko.config.SSH_PORT else parameters["port"]
    user = parameters["username"] or said.get("user")
    _refuse_unchecked(said["hostname"], user)
    where = {"hostname": said["hostname"], "port": port, "username": user}
    return where | _keys(said, parameters) | {"sock": _way(file, said, port) or parameters["sock"]}


def _refuse_unchecked(host: str, user: str | None) -> None:
    """Refuse a host or user that could become an option, or a further argument, as the value of `%h` or `%r`."""
    for word, is_checked in ((host, is_host_word), (user, is_user_word)):
        if word and not is_checked(word):
            raise ValueError(f"{word!r} as host or user name could become an option of a command")


def _lookup(file: Path, host: str) -> paramiko.SSHConfigDict:
    if file.parts[-2:] == DEFAULT and not file.exists():
        return paramiko.SSHConfig().lookup(host)
    try:
        status = file.stat()
        if status.st_uid not in {0, os.geteuid()} or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise ValueError(
                f"ssh_config_file {file} is writable by other users, who could run commands on this machine through it"
            )
        return paramiko.SSHConfig.from_path(str(file)).lookup(host)
    except OSError as error:
        raise ValueError(f"ssh_config_file {file}: {error.strerror}") from error
    except paramiko.SSHException as error:
        raise ValueError(f"ssh_config_file {file}: {error}") from error


def _keys(said: paramiko.SSHConfigDict, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the inventory's key, or else the file's, with the file's certificate for it."""
    own, files = parameters["key_filename"], (Path(name).expanduser() for name in said.get("identityfile", ()))
    names = [own] if own else [str(file) for file in files if file.exists()]
    if "certificatefile" not in said:
        return {"key_filename": names or None}  # paramiko itself finds a certificate beside a key
    certificate = Path(said["certificatefile"]).expanduser()
    if len(names) != 1:
        raise ValueError(
            f"CertificateFile {certificate}: expected exactly one key_file or IdentityFile that it belongs to"
        )
    try:
        passphrase = (parameters["passphrase"] or "").encode() or None
        key = paramiko.PKey.from_path(names[0], passphrase)  # type: ignore[arg-type] # the stubs wrongly say str
        key.load_certificate(certificate.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{error.filename}: {error.strerror}") from error
    except (paramiko.SSHException, ValueError, TypeError) as error:  # TypeError: a passphrase is missing, or not needed
        raise ValueError(f"CertificateFile {certificate} of key {names[0]}: {error}") from error
    return {"key_filename": None, "pkey": key}


def _way(file: Path, said: paramiko.SSHConfigDict, port: int) -> Callable[[], Jump] | None:
    """Return what connects by way of a jump host; None if the file names none."""
    if command := said.get("proxycommand"):
        return partial(Jump, *shlex.split(command))
    hop: str = said.get("proxyjump", "none")
    if hop.lower() == "none":
        return None
    if "," in hop:
        raise ValueError(
            f"ProxyJump {hop}: expected one jump host. Configure the way to it in the section of that host"
        )
    interval, count = PROBES
    return partial(
        Jump,
        *("ssh", "-F", str(file), "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes"),
        *("-o", f"ServerAliveInterval={interval}", "-o", f"ServerAliveCountMax={count}"),
        *("-W", f"[{said['hostname']}]:{port}", f"ssh://{hop.removeprefix('ssh://')}"),  # so no hop becomes an option
    )
