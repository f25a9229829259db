"""The host keys that are known, from files as OpenSSH writes them.

paramiko's own reading ends every login at the first line that it does not know: `@cert-authority`, `@revoked`, or one
that is cut off. Here such a line vouches for nobody, and the others hold.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import paramiko
from netmiko import BaseConnection
from paramiko.hostkeys import HostKeyEntry, InvalidHostKey

SYSTEM_FILE = Path("~/.ssh/known_hosts")
_REVOKED = "@revoked"


def name_of(host: str, port: int) -> str:
    """What a host is called there: `192.0.2.11`, `[192.0.2.11]:2222`.

    Arguments:
        host: its name or address
        port: of its SSH server
    """
    return host if port == paramiko.config.SSH_PORT else f"[{host}]:{port}"


def known_keys(connection: BaseConnection, name: str) -> dict[str, paramiko.PKey]:
    """The keys that a host may show, by their kind: those of the first file that knows the host.

    Arguments:
        connection: netmiko's, which says in which files to look
        name: the host's there
    """
    files = [SYSTEM_FILE.expanduser()] if connection.system_host_keys else []
    files += [Path(connection.alt_key_file)] if connection.alt_host_keys else []
    entries = [[*_entries(file)] for file in files]
    revoked = {entry.key for found in entries for entry, marker in found if marker == _REVOKED}
    for found in entries:
        keys = paramiko.HostKeys()
        for entry, marker in found:
            for called in () if marker else entry.hostnames or ():
                if entry.key.get_name() not in (keys.lookup(called) or {}):  # the first of a kind holds
                    keys.add(called, entry.key.get_name(), entry.key)
        if known := keys.lookup(name):
            return {kind: key for kind, key in known.items() if key not in revoked}
    return {}


def strict_client(connection: BaseConnection, name: str) -> paramiko.SSHClient:
    """The SSH client of netmiko, with the keys that we know of a host rather than with what paramiko reads.

    Arguments:
        connection: netmiko's, not connected
        name: the host's in files of known keys
    """
    keys = known_keys(connection, name)
    kept = connection.system_host_keys, connection.alt_host_keys
    connection.system_host_keys = connection.alt_host_keys = False
    try:
        client: paramiko.SSHClient = connection._build_ssh_client()  # noqa: SLF001 - see `login`
    finally:
        connection.system_host_keys, connection.alt_host_keys = kept
    for kind, key in keys.items():
        client.get_host_keys().add(name, kind, key)
    return client


def _entries(file: Path) -> Iterator[tuple[HostKeyEntry, str]]:
    """The lines of a file that can be read, each with its marker, "" if it has none."""
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError:  # it is not there
        return
    for line in map(str.strip, text.splitlines()):
        marker, _, rest = line.partition(" ") if line.startswith("@") else ("", "", line)
        with contextlib.suppress(InvalidHostKey, paramiko.SSHException, ValueError):
            entry = None if line.startswith("#") else HostKeyEntry.from_line(rest.strip())
            if entry and entry.key:
                yield entry, marker
