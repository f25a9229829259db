"""Known host keys, read from files in OpenSSH's format.

paramiko's own reader fails every login at the first line that it does not know: `@cert-authority`, `@revoked`, or one
that is cut short. Here such a line makes no key known, and the other lines count.
"""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import paramiko
from netmiko import BaseConnection
from paramiko.hostkeys import HostKeyEntry, InvalidHostKey

SYSTEM_FILE = Path("~/.ssh/known_hosts")
_REVOKED = "@revoked"
_HASH = "|1|"


def name_of(host: str, port: int) -> str:
    """Return a host's name as known_hosts has it: `192.0.2.11`, `[192.0.2.11]:2222`.

    Arguments:
        host: its name or address
        port: of its SSH server
    """
    return host if port == paramiko.config.SSH_PORT else f"[{host}]:{port}"


def known_keys(connection: BaseConnection, name: str) -> dict[str, paramiko.PKey]:
    """Return the keys that a host may present, by type, from the first file that knows the host.

    Arguments:
        connection: netmiko's, which says which files to read
        name: the host's in known_hosts
    """
    files = [SYSTEM_FILE.expanduser()] if connection.system_host_keys else []
    files += [Path(connection.alt_key_file)] if connection.alt_host_keys else []
    read = [known for file in files if (known := _known(file))]
    revoked = {key for known in read for key in known.revoked}
    for known in read:
        if own := [*known.keys_of(name)]:
            keys: dict[str, paramiko.PKey] = {}
            for key in own:
                if key not in revoked:
                    keys.setdefault(key.get_name(), key)  # the first key of a type counts
            return keys
    return {}


def strict_client(connection: BaseConnection, name: str) -> paramiko.SSHClient:
    """Return netmiko's SSH client with the host's keys from `known_keys`, not from paramiko's own reader.

    Arguments:
        connection: netmiko's, not connected
        name: the host's in known_hosts
    """
    keys = known_keys(connection, name)
    kept = connection.system_host_keys, connection.alt_host_keys
    connection.system_host_keys = connection.alt_host_keys = False
    try:
        client: paramiko.SSHClient = connection._build_ssh_client()  # noqa: SLF001 - see `open_transport`
    finally:
        connection.system_host_keys, connection.alt_host_keys = kept
    for kind, key in keys.items():
        client.get_host_keys().add(name, kind, key)
    return client


@dataclass(frozen=True, slots=True)
class _Known:
    """A known_hosts file, with its lines by host name: a fleet's file is read once, not once per host.

    Arguments:
        named: numbered lines by each name in them
        hashed: numbered lines whose name is hashed, each with the hash
        revoked: keys that no host may present
    """

    named: Mapping[str, tuple[tuple[int, str], ...]]
    hashed: tuple[tuple[str, tuple[int, str]], ...]
    revoked: frozenset[paramiko.PKey]

    def keys_of(self, name: str) -> Iterator[paramiko.PKey]:
        """Yield the keys of a host, in the file's order."""
        lines = [*self.named.get(name, ()), *(line for hidden, line in self.hashed if _is_hash(hidden, name))]
        yield from filter(None, (_key(line) for _number, line in sorted(lines)))


def _known(file: Path) -> _Known | None:
    """Return the content of a file, read again when it has changed; None if we have no such file.

    Raises:
        ValueError: the file exists, and cannot be read
    """
    try:
        status = file.stat()
        return _read(file, (status.st_dev, status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_size))
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError):
        return None
    except OSError as error:  # EMFILE, say: as if the keys were unknown, someone would pin them again
        raise ValueError(f"cannot read known hosts {file}: {error.strerror}") from error


@lru_cache(maxsize=8)
def _read(file: Path, _stamp: tuple[int, ...]) -> _Known:
    text = file.read_text(encoding="utf-8", errors="replace")
    named: dict[str, tuple[tuple[int, str], ...]] = {}
    hashed: list[tuple[str, tuple[int, str]]] = []
    revoked: set[paramiko.PKey] = set()
    for number, fields in enumerate(map(str.split, text.splitlines()), start=1):
        line = " ".join(fields)  # OpenSSH splits at any run of blanks, paramiko at one blank
        names, _, rest = line.partition(" ")
        if names == _REVOKED:
            if not (key := _key(rest)):
                raise ValueError(f"known hosts {file}, line {number}: cannot parse the revoked key")
            revoked.add(key)
        elif not names.startswith(("@", "#")):
            for name in names.split(","):
                named[name] = (*named.get(name, ()), (number, line))
                hashed += [(name, (number, line))] if name.startswith(_HASH) else []
    return _Known(named, tuple(hashed), frozenset(revoked))


def _is_hash(hidden: str, name: str) -> bool:
    try:
        return paramiko.HostKeys.hash_host(name, hidden) == hidden
    except (ValueError, IndexError, AssertionError):  # the hash is cut short
        return False


def _key(line: str) -> paramiko.PKey | None:
    """Return the key of a line; None if it cannot be parsed."""
    with contextlib.suppress(InvalidHostKey, paramiko.SSHException, ValueError):
        entry = HostKeyEntry.from_line(line)
        return entry.key if entry else None
    return None
